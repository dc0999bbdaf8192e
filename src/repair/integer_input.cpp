// A uint8 image input becomes float32: the same numbers 0..255, as nvinfer feeds them.
#include <fmt/format.h>

#include <unordered_set>

#include "graph/rewrite.h"
#include "repair/repairs.h"

namespace edet::repair {
using graph::ElementType;
using graph::Graph;
using graph::ValueId;
namespace {

bool IsInteger(ElementType type) {
  return graph::HoldsIntegers(type) && type != ElementType::kBool;
}

// Operators that hand on whatever type they get.
bool OnlyMoves(const std::string& op) {
  static const std::unordered_set<std::string> ops = {
      "Identity", "Reshape", "Squeeze", "Unsqueeze", "Slice",   "Transpose",
      "Gather",   "Split",   "Concat",  "Expand",    "Flatten", "Tile"};
  return ops.count(op) == 1;
}

// True if every way from the input comes to a Cast to float32 (or asks for the shape only), so that
// floats from the start are the same.
bool BecomesFloat(const Graph& graph, ValueId input) {
  graph::Links links = graph::LinkUp(graph);
  std::vector<bool> integer(graph.values.size(), false);
  integer[static_cast<size_t>(input)] = true;
  for (ValueId output : graph.outputs)
    if (output == input) return false;
  for (const graph::Node& node : graph.nodes) {
    bool reads = false, data = !node.inputs.empty();
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      ValueId id = node.inputs[i];
      bool mine = id != graph::kNoValue && integer[static_cast<size_t>(id)];
      reads = reads || mine;
      if (i > 0 && mine) data = false;
    }
    for (ValueId id : node.captures) data = data && !integer[static_cast<size_t>(id)];
    if (!reads || node.op == "Shape" || node.op == "Size") continue;
    constexpr int64_t kOnnxFloat = 1;
    if (node.op == "Cast" && IntAttribute(node, "to", 0) == kOnnxFloat) continue;
    if (!data || !node.domain.empty() || !OnlyMoves(node.op)) return false;
    for (ValueId output : node.outputs) {
      integer[static_cast<size_t>(output)] = true;
      for (ValueId marked : graph.outputs)
        if (marked == output) return false;
    }
  }
  return true;
}

}  // namespace

Result<int> RepairIntegerInput(Subject& subject) {
  Graph& graph = subject.graph;
  int changed = 0;
  for (ValueId id : graph.inputs) {
    graph::Value& value = graph.value(id);
    if (!IsInteger(value.type)) continue;
    if (!BecomesFloat(graph, id)) {
      subject.left.push_back(fmt::format(
          "the integer input '{}' is used as integers: DeepStream cannot feed it", value.name));
      continue;
    }
    value.type = ElementType::kFloat32;
    subject.notes.push_back(
        fmt::format("'{}' takes float32 now, the same numbers 0 to 255", value.name));
    ++changed;
  }
  return changed;
}

}  // namespace edet::repair
