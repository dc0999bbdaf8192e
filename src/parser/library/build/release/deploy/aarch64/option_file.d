build/release/deploy/aarch64/option_file.o: option_file.cpp \
 ../../parser/library/option_file.h ../../parser/library/report.h
../../parser/library/option_file.h:
../../parser/library/report.h:
