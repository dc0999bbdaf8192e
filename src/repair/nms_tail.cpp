// TensorFlow's post-processing, or the plugin, is replaced by one that the converter makes too.
#include <fmt/format.h>

#include <unordered_set>

#include "efficientdet/layers.h"
#include "efficientdet/variables.h"
#include "graph/infer_shapes.h"
#include "graph/remove_unused.h"
#include "graph/rewrite.h"
#include "repair/heads.h"
#include "repair/repairs.h"

namespace edet::repair {
using efficientdet::NmsKind;
using graph::Graph;
using graph::ValueId;
namespace {

// Outputs of the graph that come out of an NMS; the rest stays.
std::vector<ValueId> OutputsWithoutNms(const Graph& graph) {
  std::unordered_set<ValueId> behind;
  for (const graph::Node& node : graph.nodes) {
    bool after = node.op == "NonMaxSuppression" || node.op == "EfficientNMS_TRT";
    for (ValueId input : node.inputs) after = after || behind.count(input) == 1;
    if (after) behind.insert(node.outputs.begin(), node.outputs.end());
  }
  std::vector<ValueId> others;
  for (ValueId output : graph.outputs)
    if (behind.count(output) == 0) others.push_back(output);
  return others;
}

const char* KindName(NmsKind kind) {
  switch (kind) {
    case NmsKind::kPlugin:
      return "EfficientNMS_TRT";
    case NmsKind::kOnnx:
      return "standard operators with EfficientNMS_TRT's four outputs";
    case NmsKind::kRows:
      return "standard operators with AutoML's rows";
    case NmsKind::kDecoded:
      return "boxes and scores, NMS outside";
    case NmsKind::kNone:
      break;
  }
  return "the raw heads, decoding and NMS outside";
}

efficientdet::PostprocessGraph Wanted(const RepairOptions& options, const Tail& tail) {
  efficientdet::PostprocessGraph wanted;
  wanted.kind = options.nms.value_or(NmsKind::kRows);
  wanted.semantics = options.semantics.value_or(tail.semantics);
  wanted.score_threshold = options.score_threshold.value_or(tail.score_threshold);
  wanted.iou_threshold = options.iou_threshold.value_or(tail.iou_threshold);
  wanted.max_detections = options.max_detections.value_or(tail.max_detections);
  return wanted;
}

void Tell(Subject& subject, const Tail& tail, const efficientdet::PostprocessGraph& wanted) {
  bool same =
      wanted.semantics == tail.semantics && wanted.score_threshold == tail.score_threshold &&
      wanted.iou_threshold == tail.iou_threshold && wanted.max_detections == tail.max_detections;
  subject.same_rules = same && !tail.plugin && wanted.kind != NmsKind::kPlugin;
  subject.notes.push_back(fmt::format("{}, {} -> {} (score > {}, IoU > {}, at most {}{})",
                                      tail.plugin ? "plugin" : "TensorFlow's NMS", tail.anchor_note,
                                      KindName(wanted.kind), wanted.score_threshold,
                                      wanted.iou_threshold, wanted.max_detections,
                                      same ? ", as before" : ", as asked"));
  bool needs_anchors = wanted.kind == NmsKind::kNone && !tail.automl_anchors;
  if (needs_anchors) {
    subject.notes.emplace_back(
        "the anchors are not AutoML's and are in the file no more: take --nms decoded, unless your "
        "parser has them");
  }
}

void Remember(Subject& subject, const std::string& before, ValueId value) {
  subject.landmarks.push_back({before, subject.graph.value(value).name});
}

}  // namespace

Result<int> RepairBatch(Subject& subject) {
  if (!subject.options.batch) return 0;
  const Graph& graph = subject.graph;
  ValueId image = ImageInput(graph);
  bool same = image != graph::kNoValue && graph.value(image).shape_known &&
              graph.shape(image)[0] == *subject.options.batch;
  if (same) return 0;
  Tail tail;
  std::string why;
  if (!FindTail(graph, tail, why))
    return ChangeBatch(subject, graph.outputs, *subject.options.batch) ? 1 : 0;
  bool tail_goes = tail.plugin || IsAsked(subject.options, "nms-tail");
  if (!tail_goes) {
    subject.left.emplace_back("the batch stays as it is: TensorFlow's NMS takes one image");
    return 0;
  }
  if (!ChangeBatch(subject, {tail.class_logits, tail.box_deltas}, *subject.options.batch)) return 0;
  subject.tail = std::move(tail);
  return 1;
}

Result<int> RepairNmsTail(Subject& subject) {
  Graph& graph = subject.graph;
  Tail tail;
  std::string why;
  if (subject.tail) {
    tail = *subject.tail;
  } else if (!FindTail(graph, tail, why)) {
    subject.left.push_back("post-processing stays as it is: " + why);
    return 0;
  }
  if (tail.plugin && subject.options.nms.value_or(NmsKind::kPlugin) == NmsKind::kPlugin) return 0;
  ValueId image = ImageInput(graph);
  if (image == graph::kNoValue || !graph::IsStatic(graph.value(tail.class_logits))) {
    bool only_batch = image != graph::kNoValue && graph.shape(tail.class_logits)[1] > 0;
    if (!only_batch) return 0;
  }
  size_t at = IsChannelsLast(graph, image) ? 1 : 2;
  efficientdet::BoxFrame frame{tail.anchor_corners, static_cast<int>(graph.shape(image)[at]),
                               static_cast<int>(graph.shape(image)[at + 1])};
  efficientdet::PostprocessGraph wanted = Wanted(subject.options, tail);
  std::string logits_name = graph.value(tail.class_logits).name,
              deltas_name = graph.value(tail.box_deltas).name;
  graph.outputs = OutputsWithoutNms(graph);
  efficientdet::VariableList no_variables;
  efficientdet::Layers layers(graph, no_variables, efficientdet::Activation::kSwish);
  EDET_RETURN_IF_ERROR(AddPostprocess(layers, {tail.class_logits, tail.box_deltas}, frame, wanted));
  graph::RemoveUnused(graph);
  Tell(subject, tail, wanted);
  Remember(subject, logits_name, tail.class_logits);
  Remember(subject, deltas_name, tail.box_deltas);
  return 1;
}

}  // namespace edet::repair
