// An NHWC image input becomes NCHW (--layout nchw): nvinfer of DeepStream 5 feeds nothing else.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "graph/infer_shapes.h"
#include "repair/repairs.h"

namespace edet::repair {
using graph::Graph;
using graph::Node;
using graph::ValueId;

Result<int> RepairLayout(Subject& subject) {
  Graph& graph = subject.graph;
  ValueId image = ImageInput(graph);
  if (!subject.options.nchw || image == graph::kNoValue) return 0;
  const graph::Value& value = graph.value(image);
  if (!value.shape_known || value.shape[3] != 3) return 0;
  graph::Shape nhwc = value.shape, nchw{nhwc[0], nhwc[3], nhwc[1], nhwc[2]};
  for (const Node& node : graph.nodes) {
    if (std::find(node.captures.begin(), node.captures.end(), image) == node.captures.end())
      continue;
    subject.left.push_back("the input stays NHWC: a subgraph reads it by name");
    return 0;
  }
  std::string name = value.name;
  size_t readers = graph.nodes.size();
  ValueId turned = graph.AddNode("Transpose", name + "/nhwc", {image}, value.type, nhwc,
                                 {{"perm", std::vector<int64_t>{0, 2, 3, 1}}});
  for (size_t i = 0; i < readers; ++i)
    std::replace(graph.nodes[i].inputs.begin(), graph.nodes[i].inputs.end(), image, turned);
  std::rotate(graph.nodes.begin(), graph.nodes.end() - 1, graph.nodes.end());
  graph.value(image).shape = std::move(nchw);
  subject.notes.push_back(fmt::format("'{}' is N, channels, height, width now", name));
  return 1;
}

}  // namespace edet::repair
