build/release/deploy/aarch64/description.o: program/description.cpp \
 ../../parser/library/program/description.h
../../parser/library/program/description.h:
