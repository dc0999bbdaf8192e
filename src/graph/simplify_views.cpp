#include "graph/simplify_views.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "graph/evaluate.h"
#include "graph/infer_shapes.h"
#include "graph/remove_identities.h"
#include "graph/remove_unused.h"
#include "graph/rewrite.h"

namespace edet::graph {
namespace {

bool AtMostOneFree(const Value& value) {
  return value.shape_known && std::count(value.shape.begin(), value.shape.end(), kDynamic) <= 1;
}

Shape WithoutOnes(const Shape& shape) {
  Shape rest;
  std::copy_if(shape.begin(), shape.end(), std::back_inserter(rest),
               [](int64_t dimension) { return dimension != 1; });
  return rest;
}

bool IsOwn(const Node& node, const char* op) {
  return node.domain.empty() && node.op == op && !node.inputs.empty() &&
         node.inputs[0] != kNoValue && node.outputs.size() == 1;
}

// The permutation of a Transpose of known rank; empty where there is none.
std::vector<int64_t> Permutation(const Graph& graph, const Node& node) {
  const Value& input = graph.value(node.inputs[0]);
  if (!input.shape_known) return {};
  std::vector<int64_t> order(input.shape.size());
  std::iota(order.rbegin(), order.rend(), int64_t{0});
  order = IntsAttribute(node, "perm", order);
  std::vector<int64_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i)
    if (sorted[i] != static_cast<int64_t>(i)) return {};
  return order.size() == input.shape.size() ? order : std::vector<int64_t>();
}

// Reshape, Squeeze or Unsqueeze between known shapes.
bool IsReshape(const Graph& graph, const Node& node) {
  bool op = IsOwn(node, "Reshape") || IsOwn(node, "Squeeze") || IsOwn(node, "Unsqueeze");
  return op && AtMostOneFree(graph.value(node.inputs[0])) &&
         AtMostOneFree(graph.value(node.outputs[0]));
}

// One that only adds and removes dimensions of 1.
bool IsUnitReshape(const Graph& graph, const Node& node) {
  return IsReshape(graph, node) &&
         WithoutOnes(graph.shape(node.inputs[0])) == WithoutOnes(graph.shape(node.outputs[0]));
}

bool IsTranspose(const Graph& graph, const Node& node) {
  return IsOwn(node, "Transpose") && AtMostOneFree(graph.value(node.inputs[0])) &&
         !Permutation(graph, node).empty();
}

// --- Chains of views become one ---

// What a value is to the value at the begin of its chain: for each dimension the place, among the
// root's dimensions that are not 1, of what it holds; -1 for dimensions of 1.
struct View {
  ValueId root = kNoValue;
  std::vector<int> labels;
  bool InOrder() const {
    std::vector<int> order;
    for (int label : labels)
      if (label >= 0) order.push_back(label);
    return std::is_sorted(order.begin(), order.end());
  }
};

View WholeView(const Graph& graph, ValueId id) {
  View view{id, {}};
  int next = 0;
  for (int64_t dimension : graph.shape(id)) view.labels.push_back(dimension == 1 ? -1 : next++);
  return view;
}

class Collapse {
 public:
  explicit Collapse(Graph& graph) : graph_(graph), replacements_(graph) {}

  void Run() {
    std::vector<Node> nodes = std::move(graph_.nodes);
    graph_.nodes.clear();
    for (Node& node : nodes) {
      for (ValueId& input : node.inputs) input = replacements_.Of(input);
      if (IsTranspose(graph_, node)) {
        Emit(node, Transposed(node));
      } else if (IsUnitReshape(graph_, node)) {
        Emit(node, Reshaped(node));
      } else if (IsReshape(graph_, node)) {
        View before = ViewOf(node.inputs[0]);
        AddReshape(node, before.InOrder() ? before.root : node.inputs[0], node.outputs[0]);
      } else {
        graph_.nodes.push_back(std::move(node));
      }
    }
    replacements_.Apply();
  }

 private:
  View ViewOf(ValueId id) const {
    auto found = views_.find(id);
    return found != views_.end() ? found->second : WholeView(graph_, id);
  }

  View Transposed(const Node& node) const {
    View before = ViewOf(node.inputs[0]), after{before.root, {}};
    for (int64_t axis : Permutation(graph_, node))
      after.labels.push_back(before.labels[static_cast<size_t>(axis)]);
    return after;
  }

  View Reshaped(const Node& node) const {
    View before = ViewOf(node.inputs[0]), after{before.root, {}};
    std::vector<int> order;
    for (int label : before.labels)
      if (label >= 0) order.push_back(label);
    size_t next = 0;
    for (int64_t dimension : graph_.shape(node.outputs[0]))
      after.labels.push_back(dimension == 1 ? -1 : order[next++]);
    return after;
  }

  void Emit(Node& node, View view) {
    ValueId output = node.outputs[0];
    const Shape &from = graph_.shape(view.root), &to = graph_.shape(output);
    views_[output] = view;
    if (view.InOrder()) {
      if (from == to && replacements_.Add(output, view.root)) return;
      AddReshape(node, view.root, output);
    } else if (from.size() == to.size()) {
      AddTranspose(node, view.root, output, OrderFor(from, view.labels));
    } else {
      AddBoth(node, view);
    }
  }

  // The permutation that gives dimensions with these labels; dimensions of 1 are dealt out in turn.
  static std::vector<int64_t> OrderFor(const Shape& from, const std::vector<int>& labels) {
    std::vector<int64_t> ones, others, order;
    for (size_t i = 0; i < from.size(); ++i)
      (from[i] == 1 ? ones : others).push_back(static_cast<int64_t>(i));
    size_t next = 0;
    for (int label : labels)
      order.push_back(label < 0 ? ones[next++] : others[static_cast<size_t>(label)]);
    return order;
  }

  void AddReshape(Node& node, ValueId from, ValueId to) {
    Shape target = graph_.shape(to), rank{static_cast<int64_t>(target.size())};
    ValueId shape = graph_.AddConstant(graph_.value(to).name + "/shape",
                                       Int64Tensor(std::move(rank), std::move(target)));
    node.op = "Reshape";
    node.inputs = {from, shape};
    node.attributes.clear();
    node.outputs = {to};
    graph_.nodes.push_back(std::move(node));
  }

  void AddTranspose(Node& node, ValueId from, ValueId to, std::vector<int64_t> order) {
    node.op = "Transpose";
    node.inputs = {from};
    node.attributes.clear();
    node.attributes["perm"] = std::move(order);
    node.outputs = {to};
    graph_.nodes.push_back(std::move(node));
  }

  // Another rank in another order: first the rank, dimensions of 1 in front, then the order.
  void AddBoth(Node& node, const View& view) {
    ValueId output = node.outputs[0];
    const Shape to = graph_.shape(output);
    auto ones = static_cast<size_t>(std::count(view.labels.begin(), view.labels.end(), -1));
    Shape middle(to.size(), 1);
    for (size_t i = 0; i < to.size(); ++i)
      if (view.labels[i] >= 0) middle[ones + static_cast<size_t>(view.labels[i])] = to[i];
    Value value{graph_.value(output).name + "/ranked", graph_.value(output).type, middle, nullptr};
    graph_.values.push_back(std::move(value));
    auto ranked = static_cast<ValueId>(graph_.values.size() - 1);
    Node reshape;
    reshape.name = node.name + "/ranked";
    AddReshape(reshape, view.root, ranked);
    AddTranspose(node, ranked, output, OrderFor(middle, view.labels));
  }

  Graph& graph_;
  Replacements replacements_;
  std::unordered_map<ValueId, View> views_;
};

// --- Views go below what works element by element ---

bool IsElementwise(const std::string& op) {
  static const std::unordered_set<std::string> ops = {
      "Abs",        "Add",       "Cast",  "Ceil",    "Clip",     "Div",  "Exp", "Floor",
      "HardSwish",  "LeakyRelu", "Log",   "Max",     "Min",      "Mul",  "Neg", "Pow",
      "Reciprocal", "Relu",      "Round", "Sigmoid", "Softplus", "Sqrt", "Sub", "Tanh"};
  return ops.count(op) == 1;
}

class Sink {
 public:
  explicit Sink(Graph& graph) : graph_(graph) {}

  void Run() {
    std::vector<Node> nodes = std::move(graph_.nodes);
    graph_.nodes.clear();
    for (Node& node : nodes) {
      std::optional<Node> view = ViewAbove(node);
      if (view && Swap(node, *view)) continue;
      if (IsTranspose(graph_, node) || IsUnitReshape(graph_, node)) views_[node.outputs[0]] = node;
      graph_.nodes.push_back(std::move(node));
    }
  }

 private:
  // The view that stands above every input of the node that is no constant; none where they differ
  // or the node is not for it.
  std::optional<Node> ViewAbove(const Node& node) const {
    if (!node.domain.empty() || !IsElementwise(node.op) || node.outputs.size() != 1)
      return std::nullopt;
    std::optional<Node> above;
    for (ValueId input : node.inputs) {
      if (input == kNoValue || graph_.value(input).constant) continue;
      auto found = views_.find(input);
      if (found == views_.end()) return std::nullopt;
      if (above && !Alike(*above, found->second)) return std::nullopt;
      above = found->second;
    }
    bool grows = above && graph_.shape(above->outputs[0]) != graph_.shape(node.outputs[0]);
    return grows ? std::nullopt : above;
  }

  bool Alike(const Node& a, const Node& b) const {
    return (a.op == "Transpose") == (b.op == "Transpose") &&
           graph_.shape(a.inputs[0]) == graph_.shape(b.inputs[0]) &&
           graph_.shape(a.outputs[0]) == graph_.shape(b.outputs[0]) &&
           IntsAttribute(a, "perm") == IntsAttribute(b, "perm");
  }

  // A constant as it must be above the view; null where that cannot be said.
  TensorPtr Lift(const TensorPtr& constant, const Node& view) const {
    const Shape &above = graph_.shape(view.inputs[0]), &below = graph_.shape(view.outputs[0]);
    size_t count = std::max(constant->floats.size(), constant->integers.size());
    if (count == 1) return Reshaped(constant, Shape());
    if (constant->shape.size() > below.size()) return nullptr;
    Shape padded(below.size() - constant->shape.size(), 1);
    padded.insert(padded.end(), constant->shape.begin(), constant->shape.end());
    if (view.op == "Transpose") {
      std::vector<int64_t> order = Permutation(graph_, view), back(order.size());
      for (size_t i = 0; i < order.size(); ++i)
        back[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
      Node transpose;
      transpose.op = "Transpose";
      transpose.attributes["perm"] = back;
      std::vector<TensorPtr> lifted = Evaluate(transpose, {Reshaped(constant, padded)});
      return lifted.empty() ? nullptr : lifted[0];
    }
    Shape own;  // the constant's dimensions where the view's are not 1
    for (size_t i = 0; i < below.size(); ++i)
      if (below[i] != 1) own.push_back(padded[i]);
    Shape lifted;
    size_t next = 0;
    for (int64_t dimension : above) lifted.push_back(dimension == 1 ? 1 : own[next++]);
    return Reshaped(constant, lifted);
  }

  static TensorPtr Reshaped(const TensorPtr& constant, Shape shape) {
    Tensor made = *constant;
    made.shape = std::move(shape);
    return std::make_shared<const Tensor>(std::move(made));
  }

  bool Swap(Node& node, const Node& view) {
    std::vector<ValueId> inputs;
    for (ValueId input : node.inputs) {
      if (input != kNoValue && graph_.value(input).constant) {
        TensorPtr lifted = Lift(graph_.value(input).constant, view);
        if (!lifted) return false;
        input = lifted->shape == graph_.shape(input)
                    ? input
                    : graph_.AddConstant(graph_.value(input).name + "/lifted", lifted);
      } else if (input != kNoValue) {
        input = views_.at(input).inputs[0];
      }
      inputs.push_back(input);
    }
    ValueId output = node.outputs[0];
    Value lifted{graph_.value(output).name + "/lifted", graph_.value(output).type,
                 graph_.shape(view.inputs[0]), nullptr};
    graph_.values.push_back(std::move(lifted));
    auto above = static_cast<ValueId>(graph_.values.size() - 1);
    node.inputs = std::move(inputs);
    node.outputs = {above};
    Node below = view;
    below.name = node.name + "/view";
    below.inputs[0] = above;
    below.outputs = {output};
    graph_.nodes.push_back(std::move(node));
    graph_.nodes.push_back(below);
    views_[output] = std::move(below);
    return true;
  }

  Graph& graph_;
  std::unordered_map<ValueId, Node> views_;
};

void Tidy(Graph& graph) {
  Collapse(graph).Run();
  RemoveIdentities(graph);
  RemoveUnused(graph);
}

// The smallest graph of some rounds: a view may have to pass several operators, others in between.
Graph Smallest(Graph graph) {
  constexpr int kRounds = 4;
  Tidy(graph);
  Graph best = graph;
  for (int round = 0; round < kRounds; ++round) {
    Sink(graph).Run();
    Tidy(graph);
    if (graph.nodes.size() < best.nodes.size()) best = graph;
  }
  return best;
}

}  // namespace

int SimplifyViews(Graph& graph) {
  size_t before = graph.nodes.size();
  graph = Smallest(std::move(graph));
  return static_cast<int>(before) - static_cast<int>(graph.nodes.size());
}

}  // namespace edet::graph
