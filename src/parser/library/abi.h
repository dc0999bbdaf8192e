// C++14. What crosses the border between DeepStream and a parser library: our own declarations of
// the few structs of nvdsinfer.h and nvdsinfer_custom_impl.h, with the layout of DeepStream 5.0
// to 9.1 on 64-bit Linux. No NVIDIA header is needed to build or to test; the layout is held by
// static_assert.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace edet {
namespace parser {
namespace abi {

// NvDsInferDataType. int64 came with 7.1, uint8 with 8.0. An int: hosts may pass a number we do not
// know.
enum : int { kFloat = 0, kHalf = 1, kInt8 = 2, kInt32 = 3, kInt64 = 4, kUint8 = 5 };

constexpr unsigned kMaxDims = 8;

// NvDsInferDims: the batch dimension is already stripped.
struct Dims {
  unsigned num_dims;
  unsigned d[kMaxDims];
  unsigned num_elements;
};

// NvDsInferLayerInfo: one output tensor of one frame.
struct LayerInfo {
  int data_type;
  Dims dims;
  int binding_index;
  const char* name;  // may be null
  void* buffer;      // host memory of num_elements values; may be null
  int is_input;
};

// NvDsInferNetworkInfo: pixels of the network input.
struct NetworkInfo {
  unsigned width, height, channels;
};

// NvDsInferParseDetectionParams. nvinferserver leaves post_cluster_threshold empty.
// `deprecated_threshold` is a reference in the original, a pointer in memory.
struct DetectionParams {
  unsigned num_classes;
  std::vector<float> pre_cluster_threshold;
  std::vector<float> post_cluster_threshold;
  std::vector<float>* deprecated_threshold;
};

// NvDsInferObjectDetectionInfo up to DeepStream 8.0. Network pixels.
struct Object24 {
  unsigned class_id;
  float left, top, width, height;
  float confidence;
};

// The same from DeepStream 9.0 on. The angle [radians] must be written: rubbish there tilts the
// drawn box.
struct Object28 {
  unsigned class_id;
  float left, top, width, height;
  float confidence;
  float rotation_angle;
};

static_assert(sizeof(void*) == 8, "DeepStream runs on 64-bit machines only");
static_assert(sizeof(Dims) == 40 && offsetof(Dims, num_elements) == 36, "NvDsInferDims");
static_assert(sizeof(LayerInfo) == 72 && offsetof(LayerInfo, dims) == 4 &&
                  offsetof(LayerInfo, binding_index) == 44 && offsetof(LayerInfo, name) == 48 &&
                  offsetof(LayerInfo, buffer) == 56 && offsetof(LayerInfo, is_input) == 64,
              "NvDsInferLayerInfo");
static_assert(sizeof(NetworkInfo) == 12, "NvDsInferNetworkInfo");
static_assert(sizeof(std::vector<float>) == 24, "libstdc++'s std::vector");
static_assert(sizeof(DetectionParams) == 64 &&
                  offsetof(DetectionParams, pre_cluster_threshold) == 8 &&
                  offsetof(DetectionParams, post_cluster_threshold) == 32 &&
                  offsetof(DetectionParams, deprecated_threshold) == 56,
              "NvDsInferParseDetectionParams");
static_assert(sizeof(Object24) == 24 && offsetof(Object24, confidence) == 20, "objects up to 8.0");
static_assert(sizeof(Object28) == 28 && offsetof(Object28, rotation_angle) == 24,
              "objects from 9.0");

// NvDsInferParseCustomFunc: an extern "C" symbol. The real type of `objects` is
// std::vector<Object24> or std::vector<Object28>, whichever the host was compiled with; the library
// finds out which.
using ParseFunction = bool (*)(const std::vector<LayerInfo>& layers, const NetworkInfo& network,
                               const DetectionParams& params, void* objects);

}  // namespace abi
}  // namespace parser
}  // namespace edet
