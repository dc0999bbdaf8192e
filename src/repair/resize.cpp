// A Resize to a constant size that is a multiple gets scales instead: they hold for any batch.
// A nearest Resize by a fraction (3 to 5 places, scale 1.6666666) becomes a Gather an axis: engines
// disagree on how many places that makes and which it takes, constant indices leave no choice.
#include <algorithm>
#include <cmath>
#include <utility>

#include "graph/infer_shapes.h"
#include "repair/repairs.h"

namespace edet::repair {
using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::ValueId;
namespace {

bool TakesTheFloor(const Node& node) {
  return node.op == "Resize" && node.domain.empty() &&
         StringAttribute(node, "mode", "nearest") == "nearest" &&
         StringAttribute(node, "nearest_mode", "round_prefer_floor") == "floor" &&
         StringAttribute(node, "coordinate_transformation_mode", "half_pixel") == "asymmetric";
}

// The scale of each axis as the file says it: out / in where it gives sizes.
std::vector<float> Scales(const Graph& graph, const Node& node) {
  const graph::Shape &from = graph.shape(node.inputs[0]), &to = graph.shape(node.outputs[0]);
  graph::TensorPtr given = node.inputs.size() > 2 ? graph.constant(node.inputs[2]) : nullptr;
  bool sizes = node.inputs.size() > 3 && node.inputs[3] != kNoValue;
  if (!sizes && given && given->floats.size() == from.size()) return given->floats;
  std::vector<float> scales;
  for (size_t i = 0; i < from.size(); ++i)
    scales.push_back(static_cast<float>(to[i]) / static_cast<float>(from[i]));
  return scales;
}

bool IsFractional(const Graph& graph, const Node& node) {
  if (!TakesTheFloor(node) || node.inputs.empty() || node.inputs[0] == kNoValue) return false;
  const graph::Value &x = graph.value(node.inputs[0]), &y = graph.value(node.outputs[0]);
  constexpr int64_t kMost = 1 << 16;
  bool known = x.shape_known && y.shape_known && x.shape.size() == 4 && y.shape.size() == 4 &&
               x.shape[0] == y.shape[0] && x.shape[1] == y.shape[1];
  bool fraction = false;
  for (size_t axis : {size_t{2}, size_t{3}}) {
    known = known && x.shape[axis] > 0 && y.shape[axis] > 0 && y.shape[axis] < kMost;
    fraction = fraction || (known && y.shape[axis] % x.shape[axis] != 0);
  }
  return known && fraction;
}

class Rewrite {
 public:
  explicit Rewrite(Graph& graph) : graph_(graph) {}

  int Run() {
    std::vector<Node> nodes = std::move(graph_.nodes);
    graph_.nodes.clear();
    int changed = 0;
    for (Node& node : nodes) {
      if (!IsFractional(graph_, node)) {
        graph_.nodes.push_back(std::move(node));
        continue;
      }
      Replace(node);
      ++changed;
    }
    return changed;
  }

 private:
  void Replace(const Node& node) {
    std::vector<float> scales = Scales(graph_, node);
    const graph::Shape from = graph_.shape(node.inputs[0]), to = graph_.shape(node.outputs[0]);
    ValueId x = node.inputs[0];
    if (from[2] != to[2]) x = Gather(x, node.name + "/rows", 2, to[2], scales[2]);
    if (from[3] != to[3]) Gather(x, node.name + "/columns", 3, to[3], scales[3]);
    graph_.nodes.back().outputs = {node.outputs[0]};
  }

  ValueId Gather(ValueId x, const std::string& name, int64_t axis, int64_t target, float scale) {
    graph::Shape shape = graph_.shape(x);
    int64_t size = shape[static_cast<size_t>(axis)];
    std::vector<int64_t> places;
    for (int64_t i = 0; i < target; ++i) {
      auto place = static_cast<int64_t>(std::floor(static_cast<float>(i) / scale));
      places.push_back(std::min(std::max<int64_t>(place, 0), size - 1));
    }
    shape[static_cast<size_t>(axis)] = target;
    ValueId indices =
        graph_.AddConstant(name + "/indices", graph::Int64Tensor({target}, std::move(places)));
    return graph_.AddNode("Gather", name, {x, indices}, graph_.value(x).type, std::move(shape),
                          {{"axis", axis}});
  }

  Graph& graph_;
};

// True if the node had sizes and has scales now.
bool SizesToScales(Graph& graph, Node& node) {
  bool sized = node.op == "Resize" && node.domain.empty() && node.inputs.size() > 3 &&
               graph.constant(node.inputs[3]) && node.inputs[0] != kNoValue;
  if (!sized) return false;
  const graph::Value &x = graph.value(node.inputs[0]), &y = graph.value(node.outputs[0]);
  if (!graph::IsStatic(x) || !graph::IsStatic(y) || x.shape.size() != y.shape.size()) return false;
  std::vector<float> scales;
  for (size_t i = 0; i < x.shape.size(); ++i) {
    constexpr int64_t kMost = 1 << 20;
    bool multiple = x.shape[i] > 0 && y.shape[i] <= kMost && y.shape[i] % x.shape[i] == 0;
    if (!multiple) return false;
    const int64_t times = y.shape[i] / x.shape[i];
    scales.push_back(static_cast<float>(times));
  }
  graph::Shape rank{static_cast<int64_t>(scales.size())};
  node.inputs = {node.inputs[0], kNoValue,
                 graph.AddConstant(node.name + "/scales",
                                   graph::FloatTensor(std::move(rank), std::move(scales)))};
  return true;
}

}  // namespace

Result<int> RepairResize(Subject& subject) {
  int scaled = 0;
  for (Node& node : subject.graph.nodes) scaled += SizesToScales(subject.graph, node) ? 1 : 0;
  return scaled + Rewrite(subject.graph).Run();
}

}  // namespace edet::repair
