// Another number of images a run, where the network treats each image alike.
#include <fmt/format.h>

#include "graph/infer_shapes.h"
#include "repair/repairs.h"

namespace edet::repair {
using graph::Graph;
using graph::Node;
using graph::Shape;
using graph::ValueId;
namespace {

std::string BatchName(int64_t batch) {
  return batch == graph::kDynamic ? "dynamic" : std::to_string(batch);
}

// A Reshape that names the old batch in front keeps its input's first dimension instead.
void KeepFirstDimension(Graph& graph, int64_t old_batch) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.op != "Reshape" || node.inputs.size() != 2) continue;
    const graph::Value& x = graph.value(node.inputs[0]);
    graph::TensorPtr target = graph.constant(node.inputs[1]);
    bool names = target && !target->integers.empty() && x.shape_known && !x.shape.empty() &&
                 x.shape[0] == old_batch && target->integers[0] == old_batch;
    if (!names) continue;
    std::vector<int64_t> values = target->integers;
    values[0] = 0;
    std::string name = graph.value(node.inputs[1]).name + "/any_batch";
    graph.nodes[i].inputs[1] =
        graph.AddConstant(name, graph::Int64Tensor(target->shape, std::move(values)));
  }
}

// True if every value that had the old batch in front has the new one, and is else as before.
bool OnlyBatchChanged(const Graph& before, const Graph& after, int64_t from, int64_t to) {
  for (const Node& node : before.nodes) {
    for (ValueId id : node.outputs) {
      if (id == graph::kNoValue) continue;
      const graph::Value &old_value = before.value(id), &new_value = after.value(id);
      if (!old_value.shape_known || !new_value.shape_known) return false;
      Shape expected = old_value.shape;
      if (expected.empty() || expected[0] != from) return false;
      expected[0] = to;
      if (expected != new_value.shape) return false;
    }
  }
  return true;
}

// The part of the graph that leads to what `outputs` give.
Graph UpTo(const Graph& graph, const std::vector<ValueId>& ends) {
  Graph part = graph;
  std::vector<bool> needed(part.values.size(), false);
  for (ValueId id : ends) needed[static_cast<size_t>(id)] = true;
  std::vector<Node> kept;
  for (size_t i = part.nodes.size(); i-- > 0;) {
    bool wanted = false;
    for (ValueId id : part.nodes[i].outputs)
      wanted = wanted || (id != graph::kNoValue && needed[static_cast<size_t>(id)]);
    if (!wanted) continue;
    for (ValueId id : part.nodes[i].inputs)
      if (id != graph::kNoValue) needed[static_cast<size_t>(id)] = true;
    kept.insert(kept.begin(), part.nodes[i]);
  }
  part.nodes = std::move(kept);
  return part;
}

}  // namespace

bool ChangeBatch(Subject& subject, const std::vector<ValueId>& ends, int64_t batch) {
  Graph& graph = subject.graph;
  ValueId image = ImageInput(graph);
  if (image == graph::kNoValue || !graph.value(image).shape_known) return false;
  int64_t old_batch = graph.shape(image)[0];
  if (old_batch == batch) return true;
  Graph changed = graph;
  if (old_batch > 0) KeepFirstDimension(changed, old_batch);
  changed.value(image).shape[0] = batch;
  graph::InferShapes(changed);
  if (!OnlyBatchChanged(UpTo(graph, ends), changed, old_batch, batch)) return false;
  graph = std::move(changed);
  subject.notes.push_back(
      fmt::format("a run takes {} images instead of {}", BatchName(batch), BatchName(old_batch)));
  return true;
}

}  // namespace edet::repair
