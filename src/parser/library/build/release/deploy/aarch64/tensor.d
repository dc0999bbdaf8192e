build/release/deploy/aarch64/tensor.o: tensor.cpp ../../parser/library/tensor.h \
 ../../parser/library/abi.h ../../parser/library/lanes.h
../../parser/library/tensor.h:
../../parser/library/abi.h:
../../parser/library/lanes.h:
