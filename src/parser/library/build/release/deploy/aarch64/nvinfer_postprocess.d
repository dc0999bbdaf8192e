build/release/deploy/aarch64/nvinfer_postprocess.o: \
 ../../detect/nvinfer_postprocess.cpp ../../detect/nvinfer_postprocess.h
../../detect/nvinfer_postprocess.h:
