#include "graph/remove_identities.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "graph/infer_shapes.h"
#include "graph/rewrite.h"

namespace edet::graph {
namespace {

// A node with its graph, while asking what it does to its first input.
struct Question {
  const Graph& graph;
  const Node& node;

  const Value& In() const { return graph.value(node.inputs[0]); }
  const Value& Out() const { return graph.value(node.outputs[0]); }
  TensorPtr Constant(size_t i) const {
    return i < node.inputs.size() ? graph.constant(node.inputs[i]) : nullptr;
  }
  bool Absent(size_t i) const { return i >= node.inputs.size() || node.inputs[i] == kNoValue; }
  // The same shape, at most one dimension of it free: the number of elements settles that one.
  bool SameShape() const {
    if (!In().shape_known || !Out().shape_known || In().shape != Out().shape) return false;
    return std::count(In().shape.begin(), In().shape.end(), kDynamic) <= 1;
  }
  bool SameStaticShape() const { return SameShape() && IsStatic(In()); }
};

bool Always(const Question&) { return true; }
bool OneInput(const Question& q) { return q.node.inputs.size() == 1; }
bool SameType(const Question& q) {
  return q.In().type == q.Out().type && q.In().type != ElementType::kUnknown;
}
bool SameShape(const Question& q) { return q.SameShape(); }
bool SameStaticShape(const Question& q) { return q.SameStaticShape(); }

bool NothingMoves(const Question& q) {
  std::vector<int64_t> order = IntsAttribute(q.node, "perm");
  if (order.empty()) return q.In().shape_known && q.In().shape.size() < 2;
  return std::is_sorted(order.begin(), order.end());
}

bool All(const TensorPtr& tensor, int64_t wanted) {
  return tensor && HoldsIntegers(tensor->type) &&
         std::all_of(tensor->integers.begin(), tensor->integers.end(),
                     [&](int64_t value) { return value == wanted; });
}

// The same static shape would not do: a step of -1 turns the order round.
bool WholeSlice(const Question& q) {
  return q.SameStaticShape() && (q.Absent(4) || All(q.Constant(4), 1));
}

// Dimensions of 1 in the wanted shape keep what is there, a free one too.
bool ExpandsNothing(const Question& q) {
  TensorPtr target = q.Constant(1);
  if (!target || !q.In().shape_known || target->integers.size() > q.In().shape.size()) return false;
  size_t shift = q.In().shape.size() - target->integers.size();
  for (size_t i = 0; i < target->integers.size(); ++i)
    if (target->integers[i] != 1 && target->integers[i] != q.In().shape[i + shift]) return false;
  return true;
}

bool NoPads(const Question& q) { return All(q.Constant(1), 0); }

bool SameSize(const Question& q) {
  bool crops = StringAttribute(q.node, "coordinate_transformation_mode", "half_pixel") ==
               "tf_crop_and_resize";
  return q.SameStaticShape() && !crops;
}

bool IsFilledWith(const TensorPtr& tensor, float wanted) {
  return tensor && tensor->type == ElementType::kFloat32 && !tensor->floats.empty() &&
         std::all_of(tensor->floats.begin(), tensor->floats.end(),
                     [&](float value) { return value == wanted; });
}

bool TimesOne(const Question& q) {
  return q.SameShape() && q.node.inputs.size() == 2 && IsFilledWith(q.Constant(1), 1.F);
}
bool PlusZero(const Question& q) {
  return q.SameShape() && q.node.inputs.size() == 2 && IsFilledWith(q.Constant(1), 0.F);
}

using Test = bool (*)(const Question&);
const std::unordered_map<std::string, Test>& Tests() {
  static const std::unordered_map<std::string, Test> table = {
      {"Add", PlusZero},         {"Cast", SameType},         {"Concat", OneInput},
      {"Div", TimesOne},         {"Dropout", Always},        {"Expand", ExpandsNothing},
      {"Identity", Always},      {"Max", OneInput},          {"Mean", OneInput},
      {"Min", OneInput},         {"Mul", TimesOne},          {"Pad", NoPads},
      {"Reshape", SameShape},    {"Resize", SameSize},       {"Slice", WholeSlice},
      {"Squeeze", SameShape},    {"Sub", PlusZero},          {"Sum", OneInput},
      {"Tile", SameStaticShape}, {"Transpose", NothingMoves}};
  return table;
}

// A mask that somebody reads makes a Dropout more than an identity.
bool IsIdentity(const Graph& graph, const Node& node, const Links& links) {
  auto found = node.domain.empty() ? Tests().find(node.op) : Tests().end();
  bool whole = found != Tests().end() && !node.inputs.empty() && node.inputs[0] != kNoValue &&
               !node.outputs.empty() && node.outputs[0] != kNoValue;
  if (!whole) return false;
  for (size_t i = 1; i < node.outputs.size(); ++i) {
    ValueId id = node.outputs[i];
    if (id != kNoValue && links.uses[static_cast<size_t>(id)] > 0) return false;
  }
  return found->second({graph, node});
}

// 1 * x and 0 + x: the constant goes behind.
void PutConstantLast(Graph& graph) {
  for (Node& node : graph.nodes) {
    bool commutes = node.domain.empty() && (node.op == "Mul" || node.op == "Add");
    if (commutes && node.inputs.size() == 2 && graph.constant(node.inputs[0]) &&
        !graph.constant(node.inputs[1]))
      std::swap(node.inputs[0], node.inputs[1]);
  }
}

}  // namespace

int RemoveIdentities(Graph& graph) {
  PutConstantLast(graph);
  Links links = LinkUp(graph);
  Replacements replacements(graph);
  std::vector<Node> kept;
  kept.reserve(graph.nodes.size());
  int removed = 0;
  for (Node& node : graph.nodes) {
    for (ValueId& input : node.inputs) input = replacements.Of(input);
    if (IsIdentity(graph, node, links) && replacements.Add(node.outputs[0], node.inputs[0])) {
      ++removed;
      continue;
    }
    kept.push_back(std::move(node));
  }
  graph.nodes = std::move(kept);
  replacements.Apply();
  return removed;
}

}  // namespace edet::graph
