#include "graph/rewrite.h"

#include <algorithm>
#include <queue>
#include <string>
#include <unordered_set>
#include <utility>

namespace edet::graph {
namespace {

// "name", "name_2", "name_3": the first that is free. Numbers that were tried are not tried again.
class Names {
 public:
  std::string Free(const std::string& wanted, const std::string& fallback) {
    const std::string& base = wanted.empty() ? fallback : wanted;
    if (used_.insert(base).second) return base;
    int& number = last_[base];
    for (;;) {
      number = number < 2 ? 2 : number + 1;
      std::string name = base + "_" + std::to_string(number);
      if (used_.insert(name).second) return name;
    }
  }
  void Take(const std::string& name) { used_.insert(name); }

 private:
  std::unordered_set<std::string> used_;
  std::map<std::string, int> last_;
};

std::vector<bool> UsedValues(const Graph& graph) {
  std::vector<bool> used(graph.values.size(), false);
  auto mark = [&](const std::vector<ValueId>& ids) {
    for (ValueId id : ids)
      if (id != kNoValue) used[static_cast<size_t>(id)] = true;
  };
  mark(graph.inputs);
  mark(graph.outputs);
  for (const Node& node : graph.nodes) {
    mark(node.inputs);
    mark(node.outputs);
    mark(node.captures);
  }
  return used;
}

}  // namespace

Links LinkUp(const Graph& graph) {
  Links links;
  links.producer.assign(graph.values.size(), -1);
  links.readers.resize(graph.values.size());
  links.uses.assign(graph.values.size(), 0);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    for (ValueId output : node.outputs)
      if (output != kNoValue) links.producer[static_cast<size_t>(output)] = static_cast<int>(i);
    for (ValueId input : node.inputs) {
      if (input == kNoValue) continue;
      links.readers[static_cast<size_t>(input)].push_back(static_cast<int>(i));
      ++links.uses[static_cast<size_t>(input)];
    }
    for (ValueId captured : node.captures) ++links.uses[static_cast<size_t>(captured)];
  }
  for (ValueId output : graph.outputs) ++links.uses[static_cast<size_t>(output)];
  return links;
}

std::vector<bool> NamedValues(const Graph& graph) {
  std::vector<bool> named(graph.values.size(), false);
  for (ValueId id : graph.outputs) named[static_cast<size_t>(id)] = true;
  for (const Node& node : graph.nodes)
    for (ValueId id : node.captures) named[static_cast<size_t>(id)] = true;
  return named;
}

Replacements::Replacements(Graph& graph)
    : graph_(graph),
      instead_(graph.values.size(), kNoValue),
      captured_(graph.values.size(), false),
      output_(graph.values.size(), false),
      input_(graph.values.size(), false) {
  for (ValueId id : graph.inputs) input_[static_cast<size_t>(id)] = true;
  for (ValueId id : graph.outputs) output_[static_cast<size_t>(id)] = true;
  for (const Node& node : graph.nodes)
    for (ValueId id : node.captures) captured_[static_cast<size_t>(id)] = true;
}

ValueId Replacements::Of(ValueId id) const {
  while (id != kNoValue && static_cast<size_t>(id) < instead_.size() &&
         instead_[static_cast<size_t>(id)] != kNoValue)
    id = instead_[static_cast<size_t>(id)];
  return id;
}

bool Replacements::Add(ValueId from, ValueId to) {
  to = Of(to);
  size_t size = graph_.values.size();  // a pass may have added values
  for (auto* flags : {&captured_, &output_, &input_}) flags->resize(size, false);
  instead_.resize(size, kNoValue);
  auto f = static_cast<size_t>(from), t = static_cast<size_t>(to);
  if (from == to || captured_[f]) return false;
  if (output_[f]) {
    if (graph_.value(to).constant || input_[t] || output_[t] || captured_[t]) return false;
    std::swap(graph_.value(from).name, graph_.value(to).name);
    std::replace(graph_.outputs.begin(), graph_.outputs.end(), from, to);
    output_[f] = false;
    output_[t] = true;
  }
  instead_[f] = to;
  return true;
}

void Replacements::Apply() {
  for (Node& node : graph_.nodes)
    for (ValueId& input : node.inputs) input = Of(input);
}

namespace {

// Nodes in topological order; those in cycles, and behind them, are left out.
std::vector<int> Order(const Graph& graph) {
  Links links = LinkUp(graph);
  std::vector<int> waiting(graph.nodes.size(), 0);
  std::vector<std::vector<int>> followers(graph.nodes.size());
  auto wait = [&](size_t node, const std::vector<ValueId>& needed) {
    for (ValueId id : needed) {
      int maker = id == kNoValue ? -1 : links.producer[static_cast<size_t>(id)];
      if (maker < 0) continue;
      followers[static_cast<size_t>(maker)].push_back(static_cast<int>(node));
      ++waiting[node];
    }
  };
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    wait(i, graph.nodes[i].inputs);
    wait(i, graph.nodes[i].captures);
  }
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (size_t i = 0; i < waiting.size(); ++i)
    if (waiting[i] == 0) ready.push(static_cast<int>(i));
  std::vector<int> order;
  while (!ready.empty()) {
    int node = ready.top();
    ready.pop();
    order.push_back(node);
    for (int follower : followers[static_cast<size_t>(node)])
      if (--waiting[static_cast<size_t>(follower)] == 0) ready.push(follower);
  }
  return order;
}

}  // namespace

bool SortNodes(Graph& graph) {
  std::vector<int> order = Order(graph);
  if (order.size() != graph.nodes.size()) return false;
  std::vector<Node> sorted;
  sorted.reserve(order.size());
  for (int node : order) sorted.push_back(std::move(graph.nodes[static_cast<size_t>(node)]));
  graph.nodes = std::move(sorted);
  return true;
}

std::string NodeInCycle(const Graph& graph) {
  std::vector<bool> ordered(graph.nodes.size(), false);
  for (int node : Order(graph)) ordered[static_cast<size_t>(node)] = true;
  for (size_t i = 0; i < ordered.size(); ++i)
    if (!ordered[i]) return graph.nodes[i].name.empty() ? graph.nodes[i].op : graph.nodes[i].name;
  return "";
}

int MakeNamesUnique(Graph& graph) {
  std::vector<bool> used = UsedValues(graph), fixed = NamedValues(graph);
  for (ValueId id : graph.inputs) fixed[static_cast<size_t>(id)] = true;
  Names names;
  for (size_t id = 0; id < used.size(); ++id)
    if (fixed[id]) names.Take(graph.values[id].name);
  int changed = 0;
  for (size_t id = 0; id < used.size(); ++id) {
    if (!used[id] || fixed[id]) continue;
    std::string name = names.Free(graph.values[id].name, "value");
    if (name == graph.values[id].name) continue;
    graph.values[id].name = std::move(name);
    ++changed;
  }
  Names node_names;
  for (Node& node : graph.nodes) {
    std::string name = node_names.Free(node.name, node.op);
    if (name == node.name) continue;
    node.name = std::move(name);
    ++changed;
  }
  return changed;
}

}  // namespace edet::graph
