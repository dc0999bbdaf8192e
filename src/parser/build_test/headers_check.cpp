// Compiled against NVIDIA's own headers, where they are: our declarations (abi.h) are NVIDIA's,
// field by field. The library's exported functions have the prototype that nvinfer calls.
#include <nvdsinfer_custom_impl.h>

#include <type_traits>

#include "parser/library/abi.h"

namespace {

namespace abi = edet::parser::abi;

#define EDET_SAME_FIELD(theirs, their_field, ours, our_field)                              \
  static_assert(offsetof(theirs, their_field) == offsetof(ours, our_field), #their_field); \
  static_assert(sizeof(theirs::their_field) == sizeof(ours::our_field), #their_field)

// Of the two records, that of this DeepStream. Older headers have no NVDSINFER version macro to
// ask.
using OurObject = std::conditional<sizeof(NvDsInferObjectDetectionInfo) == sizeof(abi::Object28),
                                   abi::Object28, abi::Object24>::type;

static_assert(sizeof(NvDsInferObjectDetectionInfo) == sizeof(OurObject), "object");
EDET_SAME_FIELD(NvDsInferObjectDetectionInfo, classId, OurObject, class_id);
EDET_SAME_FIELD(NvDsInferObjectDetectionInfo, left, OurObject, left);
EDET_SAME_FIELD(NvDsInferObjectDetectionInfo, top, OurObject, top);
EDET_SAME_FIELD(NvDsInferObjectDetectionInfo, width, OurObject, width);
EDET_SAME_FIELD(NvDsInferObjectDetectionInfo, height, OurObject, height);
EDET_SAME_FIELD(NvDsInferObjectDetectionInfo, detectionConfidence, OurObject, confidence);

static_assert(sizeof(NvDsInferDims) == sizeof(abi::Dims), "dims");
static_assert(NVDSINFER_MAX_DIMS == abi::kMaxDims, "dims");
EDET_SAME_FIELD(NvDsInferDims, numDims, abi::Dims, num_dims);
EDET_SAME_FIELD(NvDsInferDims, d, abi::Dims, d);
EDET_SAME_FIELD(NvDsInferDims, numElements, abi::Dims, num_elements);

static_assert(sizeof(NvDsInferLayerInfo) == sizeof(abi::LayerInfo), "layer");
EDET_SAME_FIELD(NvDsInferLayerInfo, dataType, abi::LayerInfo, data_type);
EDET_SAME_FIELD(NvDsInferLayerInfo, inferDims, abi::LayerInfo, dims);
EDET_SAME_FIELD(NvDsInferLayerInfo, bindingIndex, abi::LayerInfo, binding_index);
EDET_SAME_FIELD(NvDsInferLayerInfo, layerName, abi::LayerInfo, name);
EDET_SAME_FIELD(NvDsInferLayerInfo, buffer, abi::LayerInfo, buffer);
EDET_SAME_FIELD(NvDsInferLayerInfo, isInput, abi::LayerInfo, is_input);

static_assert(sizeof(NvDsInferNetworkInfo) == sizeof(abi::NetworkInfo), "network");
EDET_SAME_FIELD(NvDsInferNetworkInfo, width, abi::NetworkInfo, width);
EDET_SAME_FIELD(NvDsInferNetworkInfo, height, abi::NetworkInfo, height);
EDET_SAME_FIELD(NvDsInferNetworkInfo, channels, abi::NetworkInfo, channels);

static_assert(sizeof(NvDsInferParseDetectionParams) == sizeof(abi::DetectionParams), "params");
EDET_SAME_FIELD(NvDsInferParseDetectionParams, numClassesConfigured, abi::DetectionParams,
                num_classes);
EDET_SAME_FIELD(NvDsInferParseDetectionParams, perClassPreclusterThreshold, abi::DetectionParams,
                pre_cluster_threshold);
EDET_SAME_FIELD(NvDsInferParseDetectionParams, perClassPostclusterThreshold, abi::DetectionParams,
                post_cluster_threshold);

static_assert(FLOAT == abi::kFloat && HALF == abi::kHalf && INT8 == abi::kInt8 &&
                  INT32 == abi::kInt32,
              "data types");

// Four references, a bool: what an abi::ParseFunction passes, with our types for theirs.
static_assert(
    std::is_same<NvDsInferParseCustomFunc,
                 bool (*)(const std::vector<NvDsInferLayerInfo>&, const NvDsInferNetworkInfo&,
                          const NvDsInferParseDetectionParams&,
                          std::vector<NvDsInferObjectDetectionInfo>&)>::value,
    "the prototype of a parse function");

}  // namespace
