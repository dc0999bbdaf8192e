build/release/deploy/aarch64/self_test.o: program/self_test.cpp \
 ../../parser/library/program/self_test.h ../../parser/library/abi.h \
 ../../parser/library/old_runtime.h
../../parser/library/program/self_test.h:
../../parser/library/abi.h:
../../parser/library/old_runtime.h:
