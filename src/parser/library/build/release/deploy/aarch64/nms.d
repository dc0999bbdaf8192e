build/release/deploy/aarch64/nms.o: ../../detect/nms.cpp ../../detect/nms.h \
 ../../detect/geometry.h ../../detect/decode.h
../../detect/nms.h:
../../detect/geometry.h:
../../detect/decode.h:
