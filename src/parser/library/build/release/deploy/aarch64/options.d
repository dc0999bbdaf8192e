build/release/deploy/aarch64/options.o: options.cpp ../../parser/library/options.h \
 ../../parser/library/tensor_name.h ../../parser/library/anchor_spec.h \
 ../../detect/anchors.h ../../parser/library/option_file.h \
 ../../parser/library/report.h
../../parser/library/options.h:
../../parser/library/tensor_name.h:
../../parser/library/anchor_spec.h:
../../detect/anchors.h:
../../parser/library/option_file.h:
../../parser/library/report.h:
