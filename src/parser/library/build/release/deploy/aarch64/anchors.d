build/release/deploy/aarch64/anchors.o: ../../detect/anchors.cpp \
 ../../detect/anchors.h
../../detect/anchors.h:
