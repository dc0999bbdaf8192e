build/release/deploy/aarch64/efficient_nms.o: ../../detect/efficient_nms.cpp \
 ../../detect/efficient_nms.h ../../detect/decode.h \
 ../../detect/geometry.h
../../detect/efficient_nms.h:
../../detect/decode.h:
../../detect/geometry.h:
