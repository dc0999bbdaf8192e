build/release/deploy/aarch64/program.o: program/program.cpp \
 ../../parser/library/program/description.h \
 ../../parser/library/program/self_test.h
../../parser/library/program/description.h:
../../parser/library/program/self_test.h:
