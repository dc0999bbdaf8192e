// Attributes and forms that the parser refuses.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <set>

#include "check/causes.h"

namespace edet::check {
namespace {

using ::onnx::NodeProto;
using ::onnx::TensorProto;

std::vector<float> FloatsOf(const TensorProto& tensor) {
  if (tensor.data_type() != TensorProto::FLOAT) return {};
  if (tensor.float_data_size() > 0) return {tensor.float_data().begin(), tensor.float_data().end()};
  std::vector<float> values(tensor.raw_data().size() / sizeof(float));
  if (!values.empty())
    std::memcpy(values.data(), tensor.raw_data().data(), values.size() * sizeof(float));
  return values;
}

// Cubic scaling works on the last two dimensions.
bool ScalesOthersThanTheLastTwo(const ModelIndex& index, const NodeProto& node) {
  const TensorProto* scales =
      node.input_size() > 2 ? index.FindInitializer(node.input(2)) : nullptr;
  if (scales == nullptr) return false;
  const std::vector<float> values = FloatsOf(*scales);
  return values.size() > 2 &&
         std::any_of(values.begin(), values.end() - 2, [](float scale) { return scale != 1.0F; });
}

void CheckResize(const ModelIndex& index, const NodeProto& node, Causes& causes) {
  static const std::set<std::string> modes = {
      "half_pixel", "pytorch_half_pixel", "tf_half_pixel_for_nn", "asymmetric", "align_corners"};
  const std::string coordinates = TextOf(node, "coordinate_transformation_mode", "half_pixel");
  if (modes.count(coordinates) == 0)
    causes.Add("resize-mode", fmt::format("Resize by {}", coordinates), &node);
  if (IntOf(node, "antialias", 0) != 0)
    causes.Add("resize-mode", "Resize with antialiasing", &node);
  if (TextOf(node, "mode", "nearest") == "cubic" && ScalesOthersThanTheLastTwo(index, node))
    causes.Add("resize-mode", "cubic Resize of others than the last two dimensions", &node);
}

void CheckPad(const ModelIndex&, const NodeProto& node, Causes& causes) {
  const std::string mode = TextOf(node, "mode", "constant");
  if (mode != "constant") causes.Add("pad-mode", fmt::format("Pad by {}", mode), &node);
}

void CheckPool(const ModelIndex&, const NodeProto& node, Causes& causes) {
  const ::onnx::AttributeProto* dilations = FindAttribute(node, "dilations");
  if (dilations != nullptr && std::any_of(dilations->ints().begin(), dilations->ints().end(),
                                          [](int64_t dilation) { return dilation != 1; }))
    causes.Add("operator-form", fmt::format("{} with dilations", node.op_type()), &node);
  if (node.op_type() == "MaxPool" && node.output_size() > 1 && !node.output(1).empty())
    causes.Add("operator-form", "MaxPool with indices", &node);
}

void CheckScatter(const ModelIndex&, const NodeProto& node, Causes& causes) {
  if (TextOf(node, "reduction", "none") != "none")
    causes.Add("operator-form", fmt::format("{} with a reduction", node.op_type()), &node);
}

void CheckBatchNorm(const ModelIndex&, const NodeProto& node, Causes& causes) {
  if (IntOf(node, "training_mode", 0) != 0)
    causes.Add("operator-form", "BatchNormalization in training", &node);
}

bool AllZero(const TensorProto& tensor) {
  const std::string& raw = tensor.raw_data();
  return std::all_of(raw.begin(), raw.end(), [](char c) { return c == 0; }) &&
         std::all_of(tensor.int32_data().begin(), tensor.int32_data().end(),
                     [](int32_t value) { return value == 0; });
}

void CheckQuantize(const ModelIndex& index, const NodeProto& node, Causes& causes) {
  const TensorProto* zero = node.input_size() > 2 ? index.FindInitializer(node.input(2)) : nullptr;
  if (zero != nullptr && !AllZero(*zero))
    causes.Add("operator-form", fmt::format("{} with a zero point", node.op_type()), &node);
}

void CheckLoop(const ModelIndex&, const NodeProto& node, Causes& causes) {
  if (node.input_size() > 1 && node.input(1).empty())
    causes.Add("operator-form", "Loop without a condition", &node);
}

using Check = void (*)(const ModelIndex&, const NodeProto&, Causes&);

}  // namespace

void CheckForms(const ModelIndex& index, Causes& causes) {
  static const std::map<std::string, Check> checks = {{"Resize", CheckResize},
                                                      {"Pad", CheckPad},
                                                      {"MaxPool", CheckPool},
                                                      {"AveragePool", CheckPool},
                                                      {"ScatterND", CheckScatter},
                                                      {"ScatterElements", CheckScatter},
                                                      {"BatchNormalization", CheckBatchNorm},
                                                      {"QuantizeLinear", CheckQuantize},
                                                      {"DequantizeLinear", CheckQuantize},
                                                      {"Loop", CheckLoop}};
  for (const NodeProto* node : index.nodes()) {
    const auto check = checks.find(node->op_type());
    if (check != checks.end()) check->second(index, *node, causes);
  }
  if (index.model().graph().sparse_initializer_size() > 0)
    causes.Add("sparse-tensor", "the network has sparse constants");
}

}  // namespace edet::check
