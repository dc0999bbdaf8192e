build/release/deploy/aarch64/dense_contracts.o: dense_contracts.cpp \
 ../../detect/anchors.h ../../detect/decode.h ../../detect/geometry.h \
 ../../detect/nms.h ../../parser/library/anchor_spec.h \
 ../../parser/library/contracts.h ../../parser/library/object_list.h \
 ../../parser/library/abi.h ../../parser/library/lanes.h \
 ../../parser/library/options.h ../../parser/library/tensor_name.h \
 ../../parser/library/tensor.h ../../parser/library/dense.h \
 ../../parser/library/report.h
../../detect/anchors.h:
../../detect/decode.h:
../../detect/geometry.h:
../../detect/nms.h:
../../parser/library/anchor_spec.h:
../../parser/library/contracts.h:
../../parser/library/object_list.h:
../../parser/library/abi.h:
../../parser/library/lanes.h:
../../parser/library/options.h:
../../parser/library/tensor_name.h:
../../parser/library/tensor.h:
../../parser/library/dense.h:
../../parser/library/report.h:
