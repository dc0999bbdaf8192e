// int64 outputs become int32: nvinfer before DeepStream 7.1 refuses an engine that has them.
#include <fmt/format.h>

#include "repair/repairs.h"

namespace edet::repair {
using graph::ElementType;
using graph::ValueId;

Result<int> RepairIntegerOutputs(Subject& subject) {
  constexpr int64_t kOnnxInt32 = 6;
  graph::Graph& graph = subject.graph;
  int changed = 0;
  for (ValueId& output : graph.outputs) {
    if (graph.value(output).type != ElementType::kInt64) continue;
    std::string name = graph.value(output).name;
    graph.value(output).name = name + "/int64";
    bool known = graph.value(output).shape_known;
    ValueId narrow = graph.AddNode("Cast", name, {output}, ElementType::kInt32, graph.shape(output),
                                   {{"to", kOnnxInt32}});
    graph.value(narrow).shape_known = known;
    output = narrow;
    subject.notes.push_back(fmt::format("'{}' is int32 now", name));
    ++changed;
  }
  return changed;
}

}  // namespace edet::repair
