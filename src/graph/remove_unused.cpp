#include "graph/remove_unused.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace edet::graph {

int RemoveUnused(Graph& graph) {
  std::vector<bool> used(graph.values.size(), false);
  for (ValueId output : graph.outputs) used[static_cast<size_t>(output)] = true;
  std::vector<Node> kept;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    bool needed = std::any_of(node->outputs.begin(), node->outputs.end(), [&](ValueId id) {
      return id != kNoValue && used[static_cast<size_t>(id)];
    });
    if (!needed) continue;
    for (ValueId input : node->inputs)
      if (input != kNoValue) used[static_cast<size_t>(input)] = true;
    for (ValueId captured : node->captures) used[static_cast<size_t>(captured)] = true;
    kept.push_back(std::move(*node));
  }
  int removed = static_cast<int>(graph.nodes.size() - kept.size());
  std::reverse(kept.begin(), kept.end());
  graph.nodes = std::move(kept);
  for (size_t id = 0; id < used.size(); ++id) {
    if (!used[id]) graph.values[id].constant.reset();
  }
  return removed;
}

}  // namespace edet::graph
