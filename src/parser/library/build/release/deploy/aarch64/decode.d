build/release/deploy/aarch64/decode.o: ../../detect/decode.cpp \
 ../../detect/decode.h ../../detect/geometry.h
../../detect/decode.h:
../../detect/geometry.h:
