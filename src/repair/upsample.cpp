// Upsample (opset 7 to 9) and Resize as it was in opset 10 become Resize of opset 11 and later.
#include "repair/repairs.h"

namespace edet::repair {
using graph::kNoValue;
using graph::Node;
using graph::ValueId;
namespace {

ValueId Scales(graph::Graph& graph, const Node& node) {
  if (node.inputs.size() > 1) return node.inputs[1];
  auto found = node.attributes.find("scales");
  const auto* scales =
      found != node.attributes.end() ? std::get_if<std::vector<float>>(&found->second) : nullptr;
  if (scales == nullptr) return kNoValue;
  graph::Shape shape{static_cast<int64_t>(scales->size())};
  return graph.AddConstant(node.name + "/scales", graph::FloatTensor(std::move(shape), *scales));
}

bool IsOld(const Node& node) {
  if (!node.domain.empty() || node.inputs.empty()) return false;
  return node.op == "Upsample" || (node.op == "Resize" && node.inputs.size() == 2);
}

}  // namespace

Result<int> RepairUpsample(Subject& subject) {
  int changed = 0;
  for (Node& node : subject.graph.nodes) {
    if (!IsOld(node)) continue;
    ValueId scales = Scales(subject.graph, node);
    if (scales == kNoValue) continue;
    std::string mode = StringAttribute(node, "mode", "nearest");
    node.op = "Resize";
    node.inputs = {node.inputs[0], kNoValue, scales};
    node.attributes.clear();
    node.attributes["mode"] = mode == "bilinear" ? std::string("linear") : mode;
    node.attributes["coordinate_transformation_mode"] = std::string("asymmetric");
    if (mode == "nearest") node.attributes["nearest_mode"] = std::string("floor");
    ++changed;
  }
  return changed;
}

}  // namespace edet::repair
