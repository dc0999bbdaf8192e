build/release/deploy/aarch64/old_runtime.o: old_runtime.cpp \
 ../../parser/library/old_runtime.h
../../parser/library/old_runtime.h:
