build/release/deploy/aarch64/host_layout.o: host_layout.cpp \
 ../../parser/library/host_layout.h ../../parser/library/old_runtime.h
../../parser/library/host_layout.h:
../../parser/library/old_runtime.h:
