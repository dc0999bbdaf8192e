#include "repair/heads.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>

#include "detect/anchors.h"
#include "graph/evaluate.h"
#include "graph/infer_shapes.h"
#include "graph/rewrite.h"
#include "repair/repairs.h"

namespace edet::repair {
using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::TensorPtr;
using graph::ValueId;
namespace {

bool HasShape(const Graph& graph, ValueId id, size_t rank) {
  return id != kNoValue && graph.value(id).shape_known && graph.shape(id).size() == rank;
}

// Sizes of the network's image; zeros where unknown.
ImageSize SizeOf(const Graph& graph) {
  ValueId image = ImageInput(graph);
  if (image == kNoValue || !HasShape(graph, image, 4)) return {};
  size_t at = IsChannelsLast(graph, image) ? 1 : 2;
  return {graph.shape(image)[at], graph.shape(image)[at + 1]};
}

const Node* Maker(const Graph& graph, const graph::Links& links, ValueId id) {
  int maker = id == kNoValue ? -1 : links.producer[static_cast<size_t>(id)];
  return maker < 0 ? nullptr : &graph.nodes[static_cast<size_t>(maker)];
}

// A Concat that puts the levels' predictions one behind the other.
bool JoinsLevels(const Graph& graph, const Node& node) {
  int64_t axis = IntAttribute(node, "axis", 0);
  return node.op == "Concat" && HasShape(graph, node.outputs[0], 3) && (axis == 1 || axis == -2) &&
         graph.shape(node.outputs[0])[1] > 0 && graph.shape(node.outputs[0])[2] > 0;
}

// The nearest joined predictions above a value, going up through everything.
ValueId JoinedAbove(const Graph& graph, const graph::Links& links, ValueId from) {
  std::vector<ValueId> open{from};
  std::unordered_set<ValueId> seen{from};
  for (size_t next = 0; next < open.size(); ++next) {
    const Node* maker = Maker(graph, links, open[next]);
    if (maker == nullptr) continue;
    if (JoinsLevels(graph, *maker)) return maker->outputs[0];
    for (ValueId input : maker->inputs)
      if (input != kNoValue && seen.insert(input).second) open.push_back(input);
  }
  return kNoValue;
}

struct ScorePath {
  int sigmoids = 0, maxima = 0;
};

// Scores must be the sigmoid of the logits, of their maximum over the classes perhaps, and nothing
// else on the way.
bool FollowScores(const Graph& graph, const graph::Links& links, ValueId from, ValueId logits,
                  ScorePath& path) {
  static const std::unordered_set<std::string> moves = {"Squeeze",   "Unsqueeze", "Reshape",
                                                        "Transpose", "Identity",  "Slice"};
  while (from != logits) {
    const Node* maker = Maker(graph, links, from);
    if (maker == nullptr || !maker->domain.empty()) return false;
    bool maximum = maker->op == "GlobalMaxPool";
    if (maker->op == "ReduceMax") {
      std::vector<int64_t> axes = IntsAttribute(*maker, "axes");
      maximum = axes == std::vector<int64_t>{2} || axes == std::vector<int64_t>{-1};
    }
    if (maximum && maker->inputs[0] != logits &&
        Maker(graph, links, maker->inputs[0])->op != "Sigmoid")
      return false;
    path.maxima += maximum ? 1 : 0;
    path.sigmoids += maker->op == "Sigmoid" ? 1 : 0;
    if (!maximum && maker->op != "Sigmoid" && moves.count(maker->op) == 0) return false;
    if (maker->op == "Slice" && graph.shape(maker->inputs[0]) != graph.shape(maker->outputs[0]))
      return false;
    from = maker->inputs[0];
  }
  return path.sigmoids == 1 && path.maxima <= 1;
}

// --- Decoding, by trying it ---

constexpr float kTolerancePx = 2e-3F;

TensorPtr Deltas(const graph::Shape& shape, const std::vector<float>& values) {
  return graph::FloatTensor(shape, values);
}

// Small numbers without a pattern, the same every time.
std::vector<float> Probe(size_t count) {
  std::vector<float> values(count);
  uint32_t state = 12345;
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(state >> 8) / static_cast<float>(1U << 24) - 0.5F;
  }
  return values;
}

// AutoML's: centre = delta * size + centre, size = exp(delta) * size.
std::vector<float> Decode(const std::vector<float>& corners, const std::vector<float>& deltas) {
  std::vector<float> boxes(corners.size());
  for (size_t i = 0; i + 3 < corners.size(); i += 4) {
    for (size_t axis = 0; axis < 2; ++axis) {  // y, x
      float low = corners[i + axis], high = corners[i + axis + 2];
      float size = high - low, centre = (low + high) / 2;
      float half = std::exp(deltas[i + axis + 2]) * size / 2;
      centre += deltas[i + axis] * size;
      boxes[i + axis] = centre - half;
      boxes[i + axis + 2] = centre + half;
    }
  }
  return boxes;
}

bool Near(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!(std::fabs(a[i] - b[i]) <= kTolerancePx * std::max(1.F, std::fabs(a[i]) / 64.F)))
      return false;
  return true;
}

bool TryDecoding(const Graph& graph, ValueId boxes, Tail& tail) {
  const graph::Shape& shape = graph.shape(tail.box_deltas);
  auto count = static_cast<size_t>(shape[1]) * 4;
  auto run = [&](const std::vector<float>& deltas) -> std::vector<float> {
    TensorPtr result = EvaluateValue(graph, {{tail.box_deltas, Deltas(shape, deltas)}}, boxes);
    return result ? result->floats : std::vector<float>();
  };
  tail.anchor_corners = run(std::vector<float>(count, 0.F));
  if (tail.anchor_corners.size() != count) return false;
  std::vector<float> probe = Probe(count);
  return Near(run(probe), Decode(tail.anchor_corners, probe));
}

// AutoML's own anchors where these are they: the numbers before a round trip through corners.
void RecognizeAnchors(ImageSize size, Tail& tail) {
  auto anchors = tail.anchor_corners.size() / 4;
  float first_height = tail.anchor_corners[2] - tail.anchor_corners[0];
  for (int max_level : {7, 8, 6, 5}) {
    detect::AnchorConfig config;
    config.image_height = static_cast<int>(size.height);
    config.image_width = static_cast<int>(size.width);
    config.max_level = max_level;
    auto levels = detect::FeatureSizes(config);
    if (levels.empty() || levels[0].height == 0) continue;
    float stride = static_cast<float>(size.height) / static_cast<float>(levels[0].height);
    float scale = first_height / stride;
    config.anchor_scales = {std::round(scale * 1000.F) / 1000.F};
    if (!(scale > 0.1F && scale < 100.F)) return;
    std::vector<float> made = detect::MakeAnchors(config);
    if (made.size() != anchors * 4 || !Near(made, tail.anchor_corners)) continue;
    tail.anchor_corners = std::move(made);
    tail.automl_anchors = true;
    tail.anchor_note = fmt::format("AutoML's own anchors (levels 3 to {}, anchor_scale {})",
                                   max_level, config.anchor_scales[0]);
    return;
  }
  tail.anchor_note = "anchors of its own";
}

// --- The two kinds of tail ---

float FloatInput(const Graph& graph, const Node& node, size_t place, float fallback) {
  TensorPtr constant = place < node.inputs.size() ? graph.constant(node.inputs[place]) : nullptr;
  return constant && constant->floats.size() == 1 ? constant->floats[0] : fallback;
}

bool ReadThresholds(const Graph& graph, const Node& nms, Tail& tail) {
  for (size_t place = 2; place < nms.inputs.size(); ++place)
    if (nms.inputs[place] != kNoValue && !graph.constant(nms.inputs[place])) return false;
  TensorPtr most = nms.inputs.size() > 2 ? graph.constant(nms.inputs[2]) : nullptr;
  bool bounded =
      most && most->integers.size() == 1 && most->integers[0] > 0 && most->integers[0] <= 3840;
  if (!bounded) return false;
  tail.max_detections = static_cast<int>(most->integers[0]);
  tail.iou_threshold = FloatInput(graph, nms, 3, 0.F);
  tail.score_threshold = std::max(FloatInput(graph, nms, 4, 0.F), 0.F);
  return tail.iou_threshold >= 0.F && tail.iou_threshold <= 1.F && tail.score_threshold <= 1.F;
}

bool FindTensorFlowTail(const Graph& graph, const Node& nms, Tail& tail, std::string& why) {
  graph::Links links = graph::LinkUp(graph);
  bool shaped = nms.inputs.size() > 2 && HasShape(graph, nms.inputs[0], 3) &&
                HasShape(graph, nms.inputs[1], 3) && IntAttribute(nms, "center_point_box", 0) == 0;
  if (!shaped || !ReadThresholds(graph, nms, tail)) {
    why = "NonMaxSuppression has shapes or thresholds that are computed";
    return false;
  }
  tail.box_deltas = JoinedAbove(graph, links, nms.inputs[0]);
  tail.class_logits = JoinedAbove(graph, links, nms.inputs[1]);
  bool heads = tail.box_deltas != kNoValue && tail.class_logits != kNoValue &&
               tail.box_deltas != tail.class_logits && graph.shape(tail.box_deltas)[2] == 4 &&
               graph.shape(tail.box_deltas)[1] == graph.shape(tail.class_logits)[1];
  if (!heads) {
    why = "what feeds NonMaxSuppression is not an EfficientDet's two heads";
    return false;
  }
  ScorePath path;
  int64_t rows = graph.shape(nms.inputs[1])[1], classes = graph.shape(tail.class_logits)[2];
  bool scores = FollowScores(graph, links, nms.inputs[1], tail.class_logits, path) &&
                rows == (path.maxima == 1 ? 1 : classes);
  if (!scores) {
    why = "the scores for NonMaxSuppression are not the sigmoid of the class head";
    return false;
  }
  tail.semantics = path.maxima == 1 ? efficientdet::NmsSemantics::kAutoml
                                    : efficientdet::NmsSemantics::kPerClass;
  if (!TryDecoding(graph, nms.inputs[0], tail)) {
    why = "boxes are not decoded as AutoML does it (or not in pixels)";
    return false;
  }
  return true;
}

bool FindPluginTail(const Graph& graph, const Node& nms, Tail& tail, std::string& why) {
  TensorPtr anchors = nms.inputs.size() == 3 ? graph.constant(nms.inputs[2]) : nullptr;
  bool heads = anchors && HasShape(graph, nms.inputs[0], 3) && HasShape(graph, nms.inputs[1], 3) &&
               graph.shape(nms.inputs[0])[1] > 0 &&
               anchors->floats.size() == static_cast<size_t>(graph.shape(nms.inputs[0])[1]) * 4;
  bool known = heads && IntAttribute(nms, "box_coding", 0) == 1 &&
               IntAttribute(nms, "score_activation", 0) == 1 &&
               IntAttribute(nms, "background_class", -1) == -1;
  if (!known) {
    why = "EfficientNMS_TRT is not fed heads and anchors";
    return false;
  }
  tail.plugin = true;
  tail.box_deltas = nms.inputs[0];
  tail.class_logits = nms.inputs[1];
  tail.anchor_corners = anchors->floats;
  for (size_t i = 0; i + 3 < tail.anchor_corners.size(); i += 4) {
    float* a = &tail.anchor_corners[i];
    float y = a[0], x = a[1], half_h = a[2] / 2, half_w = a[3] / 2;
    a[0] = y - half_h, a[1] = x - half_w, a[2] = y + half_h, a[3] = x + half_w;
  }
  tail.semantics = IntAttribute(nms, "class_agnostic", 0) != 0
                       ? efficientdet::NmsSemantics::kAutoml
                       : efficientdet::NmsSemantics::kPerClass;
  tail.score_threshold = FloatAttribute(nms, "score_threshold", 0.25F);
  tail.iou_threshold = FloatAttribute(nms, "iou_threshold", 0.5F);
  tail.max_detections = static_cast<int>(IntAttribute(nms, "max_output_boxes", 100));
  return true;
}

}  // namespace

bool FindTail(const Graph& graph, Tail& tail, std::string& why) {
  std::vector<const Node*> found;
  for (const Node& node : graph.nodes) {
    if (!node.domain.empty()) continue;
    if (node.op == "NonMaxSuppression" || node.op == "EfficientNMS_TRT") found.push_back(&node);
  }
  if (found.size() != 1) {
    why = found.empty() ? "there is no NMS in it" : "there are several NMS in it";
    return false;
  }
  bool plugin = found[0]->op == "EfficientNMS_TRT";
  bool good = plugin ? FindPluginTail(graph, *found[0], tail, why)
                     : FindTensorFlowTail(graph, *found[0], tail, why);
  if (good) RecognizeAnchors(SizeOf(graph), tail);
  return good;
}

}  // namespace edet::repair
