build/release/deploy/aarch64/report.o: report.cpp ../../parser/library/report.h
../../parser/library/report.h:
