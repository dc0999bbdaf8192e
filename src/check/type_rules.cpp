// Element types of inputs, constants and casts.
#include <fmt/format.h>

#include <set>

#include "check/causes.h"
#include "onnx/read.h"

namespace edet::check {
namespace {

using ::onnx::TensorProto;

bool IsUnsupported(int32_t type) {
  static const std::set<int32_t> types = {
      TensorProto::UINT16, TensorProto::INT16,     TensorProto::UINT32,    TensorProto::UINT64,
      TensorProto::STRING, TensorProto::COMPLEX64, TensorProto::COMPLEX128};
  return types.count(type) != 0;
}

void CheckConstant(const TensorProto& tensor, const ::onnx::NodeProto* node, Causes& causes) {
  const int32_t type = tensor.data_type();
  if (IsUnsupported(type)) {
    causes.Add("unsupported-type", fmt::format("constants of {}", onnx_format::TypeName(type)),
               node);
  }
  if (type == TensorProto::DOUBLE) causes.Add("double-precision", "constants of float64", node);
  if (type == TensorProto::INT64) causes.Add("int64-weights", "constants of int64");
}

// Bytes within a network: what a quantised model has, and TensorRT computes with nowhere.
bool CastsToBytes(const ::onnx::NodeProto& node) {
  return node.op_type() == "Cast" && IntOf(node, "to", 0) == TensorProto::UINT8;
}

void CheckNode(const ::onnx::NodeProto& node, Causes& causes) {
  if (node.op_type() == "Cast") {
    const auto to = static_cast<int32_t>(IntOf(node, "to", 0));
    if (IsUnsupported(to) || CastsToBytes(node)) {
      causes.Add("unsupported-type",
                 fmt::format("values are cast to {}", onnx_format::TypeName(to)), &node);
    }
    if (to == TensorProto::DOUBLE)
      causes.Add("double-precision", "values are cast to float64", &node);
  }
  for (const auto& attribute : node.attribute()) {
    if (attribute.has_t()) CheckConstant(attribute.t(), &node, causes);
  }
}

}  // namespace

void CheckTypes(const ModelIndex& index, Causes& causes) {
  for (const auto* input : index.inputs()) {
    const int32_t type = input->type().tensor_type().elem_type();
    if (IsUnsupported(type)) {
      causes.Add("unsupported-type",
                 fmt::format("the input {} is {}", input->name(), onnx_format::TypeName(type)));
    }
    if (type == TensorProto::DOUBLE)
      causes.Add("double-precision", fmt::format("the input {} is float64", input->name()));
  }
  for (const auto* tensor : index.initializers()) CheckConstant(*tensor, nullptr, causes);
  for (const auto* node : index.nodes()) CheckNode(*node, causes);
}

}  // namespace edet::check
