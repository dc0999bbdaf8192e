#include "onnx/windows.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "base/printable.h"

namespace edet::onnx_format {
namespace format = ::onnx;
namespace {

constexpr int64_t kMost = std::numeric_limits<int32_t>::max();

template <size_t kCount>
bool OneOf(std::string_view text, const std::array<std::string_view, kCount>& list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool HasWindows(std::string_view op) {
  constexpr std::array<std::string_view, 12> kOperators = {
      "Conv",   "ConvInteger", "ConvTranspose", "QLinearConv", "DeformConv",   "MaxPool",
      "LpPool", "AveragePool", "MaxUnpool",     "MaxRoiPool",  "DepthToSpace", "SpaceToDepth"};
  return OneOf(op, kOperators);
}

bool Good(const format::AttributeProto& attribute) {
  constexpr std::array<std::string_view, 3> kSizes = {"strides", "dilations", "kernel_shape"};
  constexpr std::array<std::string_view, 3> kCounts = {"group", "blocksize", "offset_group"};
  const auto is_size = [](int64_t size) { return size > 0 && size <= kMost; };
  const auto is_padding = [](int64_t size) { return size >= -kMost && size <= kMost; };
  if (OneOf(attribute.name(), kSizes))
    return std::all_of(attribute.ints().begin(), attribute.ints().end(), is_size);
  if (OneOf(attribute.name(), kCounts)) return is_size(attribute.i());
  if (attribute.name() == "pads" || attribute.name() == "output_padding")
    return std::all_of(attribute.ints().begin(), attribute.ints().end(), is_padding);
  return true;
}

Status CheckGraph(const format::GraphProto& graph);

Status CheckNode(const format::NodeProto& node) {
  const bool windows = HasWindows(node.op_type());
  for (const auto& attribute : node.attribute()) {
    if (windows && !Good(attribute)) {
      const std::string& name =
          node.name().empty() && node.output_size() > 0 ? node.output(0) : node.name();
      return Error{ErrorCode::kCorrupt,
                   node.op_type() + " has an impossible '" + attribute.name() + "'",
                   "node " + Printable(name, 200), "export it again"};
    }
    if (attribute.has_g()) EDET_RETURN_IF_ERROR(CheckGraph(attribute.g()));
    for (const auto& inner : attribute.graphs()) EDET_RETURN_IF_ERROR(CheckGraph(inner));
  }
  return {};
}

// protobuf's own limit bounds the depth.
Status CheckGraph(const format::GraphProto& graph) {
  for (const auto& node : graph.node()) EDET_RETURN_IF_ERROR(CheckNode(node));
  return {};
}

}  // namespace

Status CheckWindows(const format::ModelProto& model) {
  for (const auto& function : model.functions())
    for (const auto& node : function.node()) EDET_RETURN_IF_ERROR(CheckNode(node));
  return CheckGraph(model.graph());
}

}  // namespace edet::onnx_format
