#include "detect/efficient_nms.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "detect/decode.h"

namespace edet {
namespace detect {
namespace {

// Corners in the order of the input: first and second axis, min and max.
struct Corners {
  float a1, b1, a2, b2;
};

struct Candidate {
  float score;  // as the input has it: logit or probability
  size_t pair;  // anchor * classes + class
};

bool ComesFirst(const Candidate& x, const Candidate& y) {
  return x.score > y.score || (x.score == y.score && x.pair < y.pair);
}

struct Kept {
  Corners box;
  float score;
  int32_t class_index;
};

// The score an input value must reach. The plugin compares logits where it applies the sigmoid
// itself.
float InputThreshold(const EfficientNmsOptions& options) {
  return options.score_activation ? Logit(options.score_threshold) : options.score_threshold;
}

std::vector<Candidate> BestCandidates(const EfficientNmsInputs& inputs,
                                      const EfficientNmsOptions& options) {
  std::vector<Candidate> candidates;
  const float threshold = InputThreshold(options);
  for (size_t a = 0; a < inputs.num_anchors; ++a) {
    const float* row = inputs.scores + a * inputs.num_classes;
    for (size_t c = 0; c < inputs.num_classes; ++c) {
      if (!(row[c] >= threshold)) continue;
      if (options.background_class >= 0 && c == static_cast<size_t>(options.background_class))
        continue;
      candidates.push_back({row[c], a * inputs.num_classes + c});
    }
  }
  if (candidates.size() > options.max_candidates) {
    const auto middle = candidates.begin() + static_cast<std::ptrdiff_t>(options.max_candidates);
    std::nth_element(candidates.begin(), middle, candidates.end(), ComesFirst);
    candidates.erase(middle, candidates.end());
  }
  std::sort(candidates.begin(), candidates.end(), ComesFirst);
  return candidates;
}

Corners FromCentre(const float* box, const float* anchor) {
  float a = box[0], b = box[1], size_a = box[2], size_b = box[3];
  if (anchor != nullptr) {
    a = a * anchor[2] + anchor[0];
    b = b * anchor[3] + anchor[1];
    size_a = anchor[2] * std::exp(size_a);
    size_b = anchor[3] * std::exp(size_b);
  }
  return {a - size_a * 0.5F, b - size_b * 0.5F, a + size_a * 0.5F, b + size_b * 0.5F};
}

Corners FromCorners(const float* box, const float* anchor) {
  if (anchor == nullptr) return {box[0], box[1], box[2], box[3]};
  return {box[0] + anchor[0], box[1] + anchor[1], box[2] + anchor[2], box[3] + anchor[3]};
}

// Min and max in order, as the plugin has them before it measures areas.
Corners Ordered(const Corners& c) {
  return {std::min(c.a1, c.a2), std::min(c.b1, c.b2), std::max(c.a1, c.a2), std::max(c.b1, c.b2)};
}

Corners BoxOf(const EfficientNmsInputs& inputs, const EfficientNmsOptions& options, size_t pair) {
  const size_t anchor_index = pair / inputs.num_classes;
  const size_t box_class = inputs.box_classes > 1 ? pair % inputs.num_classes : 0;
  const float* box = inputs.boxes + (anchor_index * inputs.box_classes + box_class) * 4;
  const float* anchor = inputs.anchors == nullptr ? nullptr : inputs.anchors + anchor_index * 4;
  return Ordered(options.box_coding == 1 ? FromCentre(box, anchor) : FromCorners(box, anchor));
}

float Overlap(const Corners& x, const Corners& y) {
  const float a = std::min(x.a2, y.a2) - std::max(x.a1, y.a1);
  const float b = std::min(x.b2, y.b2) - std::max(x.b1, y.b1);
  if (!(a > 0.F) || !(b > 0.F)) return 0.F;
  const float intersection = a * b;
  const float united = (x.a2 - x.a1) * (x.b2 - x.b1) + (y.a2 - y.a1) * (y.b2 - y.b1) - intersection;
  return united <= 0.F ? 0.F : intersection / united;
}

bool Suppressed(const Kept& candidate, const std::vector<Kept>& kept,
                const EfficientNmsOptions& options) {
  int of_this_class = 0;
  for (const Kept& better : kept) {
    const bool same_class = better.class_index == candidate.class_index;
    if (same_class) ++of_this_class;
    if (!same_class && !options.class_agnostic) continue;
    if (Overlap(candidate.box, better.box) >= options.iou_threshold) return true;
  }
  return options.max_output_boxes_per_class >= 0 &&
         of_this_class >= options.max_output_boxes_per_class;
}

std::vector<Kept> Select(const EfficientNmsInputs& inputs, const EfficientNmsOptions& options) {
  std::vector<Kept> kept;
  const size_t limit = static_cast<size_t>(std::max(options.max_output_boxes, 0));
  for (const Candidate& candidate : BestCandidates(inputs, options)) {
    if (kept.size() == limit) break;
    const Kept next = {BoxOf(inputs, options, candidate.pair), candidate.score,
                       static_cast<int32_t>(candidate.pair % inputs.num_classes)};
    if (!Suppressed(next, kept, options)) kept.push_back(next);
  }
  return kept;
}

}  // namespace

void EfficientNms(const EfficientNmsInputs& inputs, const EfficientNmsOptions& options,
                  const EfficientNmsOutputs& outputs) {
  const std::vector<Kept> kept = Select(inputs, options);
  const size_t rows = static_cast<size_t>(std::max(options.max_output_boxes, 0));
  *outputs.num_detections = static_cast<int32_t>(kept.size());
  std::fill_n(outputs.boxes, rows * 4, 0.F);
  std::fill_n(outputs.scores, rows, 0.F);
  std::fill_n(outputs.classes, rows, 0);
  for (size_t i = 0; i < kept.size(); ++i) {
    const Corners& box = kept[i].box;
    const float corners[4] = {box.a1, box.b1, box.a2, box.b2};
    std::copy_n(corners, 4, outputs.boxes + 4 * i);
    outputs.scores[i] = options.score_activation ? Sigmoid(kept[i].score) : kept[i].score;
    outputs.classes[i] = kept[i].class_index;
  }
}

}  // namespace detect
}  // namespace edet
