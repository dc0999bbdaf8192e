build/release/deploy/aarch64/nvdsinfer_efficientdet.o: nvdsinfer_efficientdet.cpp \
 ../../parser/library/abi.h ../../parser/library/contracts.h \
 ../../parser/library/object_list.h ../../detect/geometry.h \
 ../../parser/library/lanes.h ../../parser/library/options.h \
 ../../parser/library/tensor_name.h ../../parser/library/tensor.h \
 ../../parser/library/report.h
../../parser/library/abi.h:
../../parser/library/contracts.h:
../../parser/library/object_list.h:
../../detect/geometry.h:
../../parser/library/lanes.h:
../../parser/library/options.h:
../../parser/library/tensor_name.h:
../../parser/library/tensor.h:
../../parser/library/report.h:
