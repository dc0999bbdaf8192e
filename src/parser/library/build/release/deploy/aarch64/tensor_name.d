build/release/deploy/aarch64/tensor_name.o: tensor_name.cpp \
 ../../parser/library/tensor_name.h
../../parser/library/tensor_name.h:
