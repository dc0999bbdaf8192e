build/release/deploy/aarch64/anchor_spec.o: anchor_spec.cpp \
 ../../parser/library/anchor_spec.h ../../detect/anchors.h
../../parser/library/anchor_spec.h:
../../detect/anchors.h:
