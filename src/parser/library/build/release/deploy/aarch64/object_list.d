build/release/deploy/aarch64/object_list.o: object_list.cpp \
 ../../parser/library/object_list.h ../../detect/geometry.h \
 ../../parser/library/abi.h ../../parser/library/lanes.h \
 ../../parser/library/options.h ../../parser/library/tensor_name.h \
 ../../detect/nvinfer_postprocess.h ../../parser/library/host_layout.h \
 ../../parser/library/report.h ../../parser/library/tensor.h
../../parser/library/object_list.h:
../../detect/geometry.h:
../../parser/library/abi.h:
../../parser/library/lanes.h:
../../parser/library/options.h:
../../parser/library/tensor_name.h:
../../detect/nvinfer_postprocess.h:
../../parser/library/host_layout.h:
../../parser/library/report.h:
../../parser/library/tensor.h:
