#include "parser/output_contract.h"

#include <algorithm>

#include "parser/library/contracts.h"

namespace edet::parser {
namespace {

int TypeNumber(const std::string& type) {
  static const struct {
    const char* name;
    int number;
  } known[] = {{"float32", abi::kFloat}, {"float16", abi::kHalf}, {"int8", abi::kInt8},
               {"int32", abi::kInt32},   {"int64", abi::kInt64},  {"uint8", abi::kUint8}};
  for (const auto& one : known)
    if (type == one.name) return one.number;
  return -1;
}

// As DeepStream would hand it over: without the batch.
abi::LayerInfo LayerOf(const DeclaredOutput& output) {
  abi::LayerInfo layer{};
  layer.data_type = TypeNumber(output.type);
  layer.name = output.name.c_str();
  for (size_t i = 1; i < output.shape.size() && i <= abi::kMaxDims; ++i)
    layer.dims.d[layer.dims.num_dims++] =
        static_cast<unsigned>(std::clamp<int64_t>(output.shape[i], 0, INT32_MAX));
  return layer;
}

}  // namespace

std::optional<OutputContract> RecogniseOutputs(const std::vector<DeclaredOutput>& outputs) {
  Layers layers;
  for (const DeclaredOutput& output : outputs) layers.push_back(LayerOf(output));
  switch (Recognise(NamedLayers(layers))) {
    case Contract::kNms:
      return OutputContract{"nms", "EfficientNMS's four tensors", "NvDsInferParseEfficientDetNms"};
    case Contract::kTensorFlow:
      return OutputContract{"tensorflow", "the four tensors of TensorFlow's object-detection API",
                            "NvDsInferParseEfficientDetTensorFlow"};
    case Contract::kTao:
      return OutputContract{"tao", "TAO's four tensors", "NvDsInferParseEfficientDetTao"};
    case Contract::kRows:
      return OutputContract{"rows", "AutoML's rows", "NvDsInferParseEfficientDetRows"};
    case Contract::kDecoded:
      return OutputContract{"decoded", "all boxes and scores, NMS in the parser library",
                            "NvDsInferParseEfficientDetDecoded"};
    case Contract::kRaw:
      return OutputContract{"raw", "raw heads, decoding and NMS in the parser library",
                            "NvDsInferParseEfficientDetRaw"};
    case Contract::kAuto:
      break;
  }
  return std::nullopt;
}

}  // namespace edet::parser
