// Pads, sizes, shapes, K and bounds that the graph computes become constants where they can be
// known, and what only served to compute them goes away.
#include <fmt/format.h>

#include <map>
#include <unordered_map>

#include "graph/fold_constants.h"
#include "graph/remove_unused.h"
#include "repair/repairs.h"

namespace edet::repair {
using graph::Graph;
using graph::Node;
namespace {

// Inputs that TensorRT wants as constants, by operator.
const std::unordered_map<std::string, std::vector<size_t>>& Arguments() {
  static const std::unordered_map<std::string, std::vector<size_t>> table = {
      {"Expand", {1}},    {"Pad", {1, 2}},         {"Reshape", {1}},
      {"Resize", {2, 3}}, {"Slice", {1, 2, 3, 4}}, {"Split", {1}},
      {"Squeeze", {1}},   {"Tile", {1}},           {"TopK", {1}},
      {"Unsqueeze", {1}}, {"OneHot", {1}},         {"NonMaxSuppression", {2, 3, 4}}};
  return table;
}

bool HasComputed(const Graph& graph, const Node& node) {
  auto found = node.domain.empty() ? Arguments().find(node.op) : Arguments().end();
  if (found == Arguments().end()) return false;
  for (size_t place : found->second) {
    bool given = place < node.inputs.size() && node.inputs[place] != graph::kNoValue;
    if (given && !graph.value(node.inputs[place]).constant) return true;
  }
  return false;
}

std::map<std::string, int> ComputedByOperator(const Graph& graph) {
  std::map<std::string, int> count;
  for (const Node& node : graph.nodes)
    if (HasComputed(graph, node)) ++count[node.op];
  return count;
}

}  // namespace

std::vector<std::string> ComputedArgumentsLeft(const Graph& graph) {
  std::vector<std::string> lines;
  for (const auto& [op, count] : ComputedByOperator(graph))
    lines.push_back(fmt::format("{} of {} take an argument that is computed", count, op));
  return lines;
}

Result<int> RepairComputedArguments(Subject& subject) {
  std::map<std::string, int> before = ComputedByOperator(subject.graph);
  int folded = graph::FoldConstants(subject.graph);
  graph::RemoveUnused(subject.graph);
  std::map<std::string, int> after = ComputedByOperator(subject.graph);
  for (const auto& [op, count] : before) {
    int mended = count - after[op];
    if (mended > 0)
      subject.notes.push_back(fmt::format("{} of {} have constant arguments now", mended, op));
  }
  return folded;
}

}  // namespace edet::repair
