build/release/deploy/aarch64/contracts.o: contracts.cpp \
 ../../parser/library/contracts.h ../../parser/library/object_list.h \
 ../../detect/geometry.h ../../parser/library/abi.h \
 ../../parser/library/lanes.h ../../parser/library/options.h \
 ../../parser/library/tensor_name.h ../../parser/library/tensor.h \
 ../../parser/library/report.h
../../parser/library/contracts.h:
../../parser/library/object_list.h:
../../detect/geometry.h:
../../parser/library/abi.h:
../../parser/library/lanes.h:
../../parser/library/options.h:
../../parser/library/tensor_name.h:
../../parser/library/tensor.h:
../../parser/library/report.h:
