// What DeepStream can feed, and what TensorRT takes as an input.
#include <fmt/format.h>

#include <algorithm>

#include "check/causes.h"
#include "onnx/read.h"

namespace edet::check {
namespace {

using ::onnx::TensorProto;

bool IsFree(const ::onnx::TensorShapeProto::Dimension& dimension) {
  return !dimension.has_dim_value() || dimension.dim_value() < 1;
}

// From 8.5 on bytes may go into a Cast, and their shape may be asked.
bool BytesAreTaken(const ModelIndex& index, const std::string& input) {
  const auto& readers = index.ReadersOf(input);
  return std::all_of(readers.begin(), readers.end(), [](const ::onnx::NodeProto* node) {
    return node->op_type() == "Cast" || node->op_type() == "Shape" || node->op_type() == "Size" ||
           node->op_type() == "Identity";
  });
}

void CheckImageType(const ModelIndex& index, const ::onnx::ValueInfoProto& image, int32_t type,
                    Causes& causes) {
  const std::string name = onnx_format::TypeName(type);
  switch (type) {
    case TensorProto::UINT8:
      if (causes.TensorRtBefore("8.5"))
        return causes.Add("uint8-input", fmt::format("the input {} is uint8", image.name()));
      if (!BytesAreTaken(index, image.name())) {
        return causes.Add(
            "uint8-input",
            fmt::format("the input {} is uint8, and more than a Cast reads it", image.name()));
      }
      [[fallthrough]];
    case TensorProto::INT8:
    case TensorProto::INT32:
    case TensorProto::INT64:
      return causes.Add("integer-input", fmt::format("the input {} is {}", image.name(), name));
    case TensorProto::FLOAT16:
    case TensorProto::BFLOAT16:
      return causes.Add("half-input", fmt::format("the input {} is {}", image.name(), name));
    default:
      return;
  }
}

void CheckImage(const ModelIndex& index, const ::onnx::ValueInfoProto& image, Causes& causes) {
  const auto& tensor = image.type().tensor_type();
  CheckImageType(index, image, tensor.elem_type(), causes);
  const auto& shape = tensor.shape();
  if (shape.dim_size() != 4) return;
  const bool nhwc = !IsFree(shape.dim(3)) && shape.dim(3).dim_value() <= 4 &&
                    (IsFree(shape.dim(1)) || shape.dim(1).dim_value() > 4);
  if (nhwc && causes.DeepStreamBefore("6.0")) {
    causes.Add("nhwc-input", fmt::format("the input {} is NHWC, and DeepStream {} feeds NCHW only",
                                         image.name(), causes.target().deepstream));
  }
  for (int i = 1; i < 4; ++i) {
    if (!IsFree(shape.dim(i))) continue;
    return causes.Add("free-size", fmt::format("the size of the input {} is free", image.name()));
  }
}

bool IsImage(const ::onnx::ValueInfoProto& input) {
  if (!input.type().has_tensor_type()) return false;
  const auto& tensor = input.type().tensor_type();
  const int rank = tensor.has_shape() ? tensor.shape().dim_size() : 4;
  return (rank == 3 || rank == 4) && tensor.elem_type() != TensorProto::STRING;
}

}  // namespace

void CheckInputs(const ModelIndex& index, Causes& causes) {
  const auto& inputs = index.inputs();
  const auto image =
      std::find_if(inputs.begin(), inputs.end(), [](const auto* input) { return IsImage(*input); });
  if (image == inputs.end()) {
    return causes.Add("no-image", inputs.empty() ? std::string("the network has no input")
                                                 : fmt::format("the input {} is no picture",
                                                               inputs.front()->name()));
  }
  if (inputs.size() > 1)
    causes.Add("several-inputs", fmt::format("the network has {} inputs", inputs.size()));
  for (const auto* input : inputs) {
    if (IsImage(*input)) CheckImage(index, *input, causes);
  }
}

}  // namespace edet::check
