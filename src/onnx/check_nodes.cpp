#include "onnx/check_nodes.h"

#include <onnx/defs/schema.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
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

// Of an operator of ONNX's own: the attribute that it lacks; empty if none.
std::string Lacking(const format::NodeProto& node, int opset) {
  const bool own = node.domain().empty() || node.domain() == "ai.onnx";
  const auto* schema = own ? format::OpSchemaRegistry::Schema(node.op_type(), opset, "") : nullptr;
  if (schema == nullptr) return {};
  for (const auto& [name, attribute] : schema->attributes()) {
    const auto has_name = [&name = name](const auto& given) { return given.name() == name; };
    if (attribute.required &&
        std::none_of(node.attribute().begin(), node.attribute().end(), has_name))
      return name;
  }
  return {};
}

// A Scan reads as many of its inputs step by step; inference counts up to whatever it is told.
bool ScansTooMuch(const format::NodeProto& node) {
  if (node.op_type() != "Scan") return false;
  const auto more = [&node](const auto& attribute) {
    return attribute.name() == "num_scan_inputs" &&
           (attribute.i() < 1 || attribute.i() > node.input_size());
  };
  return std::any_of(node.attribute().begin(), node.attribute().end(), more);
}

Error Refused(const format::NodeProto& node, const std::string& what) {
  const std::string& name =
      node.name().empty() && node.output_size() > 0 ? node.output(0) : node.name();
  return {ErrorCode::kCorrupt, node.op_type() + what, "node " + Printable(name, 200),
          "export it again"};
}

class Checker {
 public:
  explicit Checker(int opset) : opset_(opset) {}

  // protobuf's own limit bounds the depth.
  template <typename Graph>
  Status Check(const Graph& graph) const {
    for (const auto& node : graph.node()) EDET_RETURN_IF_ERROR(Node(node));
    return {};
  }

 private:
  Status Node(const format::NodeProto& node) const {
    if (const std::string name = Lacking(node, opset_); !name.empty())
      return Refused(node, " lacks the attribute '" + name + "'");
    if (ScansTooMuch(node)) return Refused(node, " has an impossible 'num_scan_inputs'");
    const bool windows = HasWindows(node.op_type());
    for (const auto& attribute : node.attribute()) {
      if (windows && !Good(attribute))
        return Refused(node, " has an impossible '" + attribute.name() + "'");
      if (attribute.has_g()) EDET_RETURN_IF_ERROR(Check(attribute.g()));
      for (const auto& inner : attribute.graphs()) EDET_RETURN_IF_ERROR(Check(inner));
    }
    return {};
  }

  int opset_;
};

}  // namespace

Status CheckNodes(const format::ModelProto& model) {
  int64_t opset = 1;
  for (const auto& import : model.opset_import())
    if (import.domain().empty() || import.domain() == "ai.onnx")
      opset = std::clamp<int64_t>(import.version(), 1, kMost);
  const Checker checker(static_cast<int>(opset));
  for (const auto& function : model.functions()) EDET_RETURN_IF_ERROR(checker.Check(function));
  return checker.Check(model.graph());
}

}  // namespace edet::onnx_format
