// Tensors with every anchor: the suppression of overlaps is left to the parser.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "detect/anchors.h"
#include "detect/decode.h"
#include "detect/nms.h"
#include "parser/library/contracts.h"
#include "parser/library/report.h"

namespace edet {
namespace parser {
namespace {

// As many anchor x class pairs as AutoML's evaluation and EfficientNMS_TRT let take part.
constexpr size_t kMaxPairs = 5000;

// Class values and boxes of every anchor.
struct Dense {
  FloatView values;  // [anchors, classes]: logits or probabilities
  FloatView boxes;   // [anchors, 4]: deltas or corners
  size_t anchors = 0, classes = 0;
  bool logits = false;
};

// An anchor and a class that reached the class's threshold.
struct Candidate {
  float score;
  int class_index;
  size_t anchor;
};

// The largest of a row. Eight lanes of their own, so that the compiler uses vector instructions: a
// single running maximum of floats it must keep in order.
float RowMax(const float* row, size_t count) {
  float lanes[8];
  std::fill_n(lanes, 8, -std::numeric_limits<float>::infinity());
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (size_t k = 0; k < 8; ++k) lanes[k] = row[i + k] > lanes[k] ? row[i + k] : lanes[k];
  }
  for (; i < count; ++i) lanes[0] = row[i] > lanes[0] ? row[i] : lanes[0];
  return *std::max_element(lanes, lanes + 8);
}

class CandidateSearch {
 public:
  CandidateSearch(const Dense& dense, const Frame& frame)
      : dense_(dense), frame_(frame), row_(dense.classes) {
    float lowest = std::numeric_limits<float>::infinity();
    for (size_t c = 0; c < dense.classes && c < frame.objects.num_classes(); ++c) {
      lowest = std::min(lowest, frame.objects.Threshold(c));
    }
    // A little below: the sigmoid of the logit decides in the end.
    lowest_value_ = dense.logits ? detect::Logit(lowest) - 1e-3F : lowest;
  }

  std::vector<Candidate> Run() {
    for (size_t a = 0; a < dense_.anchors; ++a) {
      const float* row = Row(a);
      const float max = RowMax(row, dense_.classes);
      if (!(max >= lowest_value_)) continue;
      if (frame_.options.per_class) {
        for (size_t c = 0; c < dense_.classes; ++c) AddIfAboveThreshold(row[c], c, a);
      } else {
        AddIfAboveThreshold(
            max, static_cast<size_t>(std::find(row, row + dense_.classes, max) - row), a);
      }
    }
    if (frame_.options.per_class) KeepBestPairs();
    return std::move(candidates_);
  }

 private:
  const float* Row(size_t anchor) {
    if (dense_.values.floats() != nullptr) return dense_.values.floats() + anchor * dense_.classes;
    for (size_t c = 0; c < dense_.classes; ++c)
      row_[c] = dense_.values[anchor * dense_.classes + c];
    return row_.data();
  }

  void AddIfAboveThreshold(float value, size_t class_index, size_t anchor) {
    if (!(value >= lowest_value_)) return;
    const float score = dense_.logits ? detect::Sigmoid(value) : value;
    if (score >= frame_.objects.Threshold(class_index)) {
      candidates_.push_back({score, static_cast<int>(class_index), anchor});
    }
  }

  // In anchor order again afterwards, because that is the order of equal scores.
  void KeepBestPairs() {
    if (candidates_.size() <= kMaxPairs) return;
    std::stable_sort(candidates_.begin(), candidates_.end(),
                     [](const Candidate& x, const Candidate& y) { return x.score > y.score; });
    candidates_.resize(kMaxPairs);
    std::stable_sort(candidates_.begin(), candidates_.end(),
                     [](const Candidate& x, const Candidate& y) { return x.anchor < y.anchor; });
  }

  const Dense& dense_;
  const Frame& frame_;
  std::vector<float> row_;
  std::vector<Candidate> candidates_;
  float lowest_value_ = 0.F;
};

// `anchors`: to decode deltas with; null for boxes that are decoded already.
detect::BoxNet BoxOf(const Dense& dense, size_t anchor, const float* anchors) {
  const float values[4] = {dense.boxes[4 * anchor], dense.boxes[4 * anchor + 1],
                           dense.boxes[4 * anchor + 2], dense.boxes[4 * anchor + 3]};
  if (anchors != nullptr) return detect::DecodeBox(values, anchors + 4 * anchor);
  detect::BoxNet box;
  box.top = values[0];
  box.left = values[1];
  box.bottom = values[2];
  box.right = values[3];
  return box;
}

bool IsFinite(const detect::BoxNet& box) {
  return std::isfinite(box.left) && std::isfinite(box.top) && std::isfinite(box.right) &&
         std::isfinite(box.bottom);
}

void Suppress(const Dense& dense, const float* anchors, const Frame& frame) {
  std::vector<detect::BoxNet> boxes;
  std::vector<float> scores;
  std::vector<int> classes;
  for (const Candidate& candidate : CandidateSearch(dense, frame).Run()) {
    const detect::BoxNet box = BoxOf(dense, candidate.anchor, anchors);
    if (!IsFinite(box)) continue;  // overlaps nothing, and would be dropped at the end
    boxes.push_back(box);
    scores.push_back(candidate.score);
    classes.push_back(candidate.class_index);
  }
  detect::NmsOptions options;
  options.iou_threshold = frame.options.iou_threshold;
  options.soft_sigma = frame.options.soft_sigma / 2.F;
  options.max_output = frame.options.max_objects;
  // What soft NMS has lowered below AutoML's limit is gone.
  if (options.soft_sigma > 0.F) options.score_threshold = 0.001F;
  const detect::BestClassCandidates candidates = {boxes.data(), scores.data(), classes.data(),
                                                  boxes.size()};
  const auto kept = frame.options.per_class ? detect::PerClassNms(candidates, options)
                                            : detect::GlobalNms(candidates, options);
  frame.objects.Reserve(kept.size());
  for (const detect::Detection& detection : kept) {
    frame.objects.Add(detection.box, detection.score, detection.class_index);
  }
}

// The two tensors as one, if they fit each other; reported otherwise.
bool Pair(const Frame& frame, const char* values_name, const char* boxes_name, const char* expected,
          Dense* dense) {
  const abi::LayerInfo* values = FindTensor(frame.layers, {values_name});
  const abi::LayerInfo* boxes = FindTensor(frame.layers, {boxes_name});
  if (values == nullptr || boxes == nullptr || LastDim(*boxes) != 4 || LastDim(*values) == 0) {
    ReportLayout(frame.layers, expected);
    return false;
  }
  dense->classes = LastDim(*values);
  dense->anchors = values->dims.num_elements / dense->classes;
  if (dense->anchors != boxes->dims.num_elements / 4) {
    ReportLayout(frame.layers, expected);
    return false;
  }
  dense->values = ViewFloats(*values);
  dense->boxes = ViewFloats(*boxes);
  return dense->values.ok() && dense->boxes.ok();
}

size_t CountAnchors(const detect::AnchorConfig& config) {
  size_t cells = 0;
  for (const detect::FeatureSize& size : detect::FeatureSizes(config)) {
    cells += static_cast<size_t>(size.height) * static_cast<size_t>(size.width);
  }
  return cells * 9;
}

// Anchors of the thread's last call, made anew only where the model is another one.
struct AnchorCache {
  unsigned width = 0, height = 0;
  size_t count = 0;
  std::vector<float> anchors;
};

// `count` anchors for the network's size, whatever number of levels that makes; null, reported,
// where none does.
const float* AnchorsFor(const Frame& frame, size_t count) {
  static thread_local AnchorCache cache;
  if (cache.width == frame.network.width && cache.height == frame.network.height &&
      cache.count == count) {
    return cache.anchors.data();
  }
  detect::AnchorConfig config;
  config.image_width = static_cast<int>(frame.network.width);
  config.image_height = static_cast<int>(frame.network.height);
  config.anchor_scales = {frame.options.anchor_scale};
  for (config.max_level = 3; config.max_level <= 10; ++config.max_level) {
    if (CountAnchors(config) != count) continue;
    cache.anchors = detect::MakeAnchors(config);
    cache.width = frame.network.width;
    cache.height = frame.network.height;
    cache.count = count;
    return cache.anchors.data();
  }
  if (ShouldReport(Cause::kNoAnchors)) {
    PrintReport(Cause::kNoAnchors, "no objects: " + std::to_string(count) +
                                       " anchors do not belong to a network input of " +
                                       std::to_string(frame.network.width) + "x" +
                                       std::to_string(frame.network.height) +
                                       " with 9 anchors a cell from level 3 on");
  }
  return nullptr;
}

}  // namespace

void ParseDecoded(const Frame& frame) {
  Dense dense;
  if (Pair(frame, "scores", "boxes", "boxes [A, 4] and scores [A, C]", &dense))
    Suppress(dense, nullptr, frame);
}

void ParseRaw(const Frame& frame) {
  Dense dense;
  if (!Pair(frame, "class_logits", "box_deltas", "class_logits [A, C] and box_deltas [A, 4]",
            &dense))
    return;
  dense.logits = true;
  const float* anchors = AnchorsFor(frame, dense.anchors);
  if (anchors != nullptr) Suppress(dense, anchors, frame);
}

}  // namespace parser
}  // namespace edet
