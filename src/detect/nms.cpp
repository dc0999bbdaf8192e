#include "detect/nms.h"

#include <algorithm>
#include <cmath>
#include <queue>

#include "detect/decode.h"

namespace edet {
namespace detect {
namespace {

// A box waiting for its turn. `compared` selected boxes have already lowered its score.
struct Waiting {
  float score;
  size_t index;
  size_t compared;
};

struct ComesLater {
  bool operator()(const Waiting& a, const Waiting& b) const {
    return a.score < b.score || (a.score == b.score && a.index > b.index);
  }
};

using Queue = std::priority_queue<Waiting, std::vector<Waiting>, ComesLater>;

// What TensorFlow's NonMaxSuppressionV5 selects out of boxes[indices]; the scores are those after
// decay. A soft-suppressed box goes back into the queue and is compared only with boxes selected
// since.
class Suppression {
 public:
  Suppression(const BoxNet* boxes, const NmsOptions& options) : boxes_(boxes), options_(options) {}

  void Add(size_t index, float score) {
    if (score > options_.score_threshold) waiting_.push_back({score, index, 0});
  }

  std::vector<Waiting> Select() {
    Queue queue(ComesLater(), std::move(waiting_));
    while (selected_.size() < options_.max_output && !queue.empty()) {
      Waiting next = queue.top();
      queue.pop();
      const float before = next.score;
      if (!Compare(&next)) continue;
      if (next.score == before) {
        selected_.push_back(next);
      } else if (next.score > options_.score_threshold) {
        queue.push(next);
      }
    }
    return selected_;
  }

 private:
  // Lowers the score by every box selected since the last time; false where one suppresses it
  // outright.
  bool Compare(Waiting* next) const {
    for (size_t j = selected_.size(); j > next->compared; --j) {
      const float iou = IntersectionOverUnion(boxes_[next->index], boxes_[selected_[j - 1].index]);
      if (options_.soft_sigma > 0.F) {
        next->score *= std::exp(-0.5F / options_.soft_sigma * iou * iou);
        if (next->score <= options_.score_threshold) break;
      } else if (iou > options_.iou_threshold) {
        return false;
      }
    }
    next->compared = selected_.size();
    return true;
  }

  const BoxNet* boxes_;
  const NmsOptions& options_;
  std::vector<Waiting> waiting_;
  std::vector<Waiting> selected_;
};

void KeepBest(size_t max_output, std::vector<Detection>* detections) {
  std::stable_sort(detections->begin(), detections->end(),
                   [](const Detection& a, const Detection& b) { return a.score > b.score; });
  if (detections->size() > max_output) detections->resize(max_output);
}

Detection MakeDetection(const BoxNet& box, const Waiting& selected, int class_index) {
  Detection detection;
  detection.box = box;
  detection.score = selected.score;
  detection.class_index = class_index;
  detection.anchor = selected.index;
  return detection;
}

// Anchors of each class, in their order.
std::vector<std::vector<size_t>> AnchorsByClass(const BestClassCandidates& candidates) {
  std::vector<std::vector<size_t>> by_class;
  for (size_t a = 0; a < candidates.anchors; ++a) {
    if (candidates.class_indices[a] < 0) continue;
    const auto class_index = static_cast<size_t>(candidates.class_indices[a]);
    if (class_index >= by_class.size()) by_class.resize(class_index + 1);
    by_class[class_index].push_back(a);
  }
  return by_class;
}

void AppendRow(const Detection& detection, float score, const RowsOptions& options,
               std::vector<float>* rows) {
  const BoxNet box = Clip(detection.box, options.network_width, options.network_height);
  const float row[7] = {options.image_id,
                        box.top * options.scale,
                        box.left * options.scale,
                        box.bottom * options.scale,
                        box.right * options.scale,
                        score,
                        static_cast<float>(detection.class_index + 1)};
  rows->insert(rows->end(), row, row + 7);
}

}  // namespace

float IntersectionOverUnion(const BoxNet& a, const BoxNet& b) {
  // Corners in the wrong order are taken in the right one, as TensorFlow does.
  const float a_top = std::min(a.top, a.bottom), a_bottom = std::max(a.top, a.bottom);
  const float a_left = std::min(a.left, a.right), a_right = std::max(a.left, a.right);
  const float b_top = std::min(b.top, b.bottom), b_bottom = std::max(b.top, b.bottom);
  const float b_left = std::min(b.left, b.right), b_right = std::max(b.left, b.right);
  const float area_a = (a_bottom - a_top) * (a_right - a_left);
  const float area_b = (b_bottom - b_top) * (b_right - b_left);
  if (area_a <= 0.F || area_b <= 0.F) return 0.F;
  const float height = std::max(std::min(a_bottom, b_bottom) - std::max(a_top, b_top), 0.F);
  const float width = std::max(std::min(a_right, b_right) - std::max(a_left, b_left), 0.F);
  const float intersection = height * width;
  return intersection / (area_a + area_b - intersection);
}

std::vector<Detection> GlobalNms(const BestClassCandidates& candidates, const NmsOptions& options) {
  Suppression suppression(candidates.boxes, options);
  for (size_t a = 0; a < candidates.anchors; ++a) suppression.Add(a, candidates.scores[a]);
  std::vector<Detection> detections;
  for (const Waiting& selected : suppression.Select()) {
    detections.push_back(MakeDetection(candidates.boxes[selected.index], selected,
                                       candidates.class_indices[selected.index]));
  }
  return detections;
}

std::vector<Detection> PerClassNms(const BestClassCandidates& candidates,
                                   const NmsOptions& options) {
  std::vector<Detection> detections;
  const std::vector<std::vector<size_t>> by_class = AnchorsByClass(candidates);
  for (size_t c = 0; c < by_class.size(); ++c) {
    Suppression suppression(candidates.boxes, options);
    for (size_t a : by_class[c]) suppression.Add(a, candidates.scores[a]);
    for (const Waiting& selected : suppression.Select()) {
      detections.push_back(
          MakeDetection(candidates.boxes[selected.index], selected, static_cast<int>(c)));
    }
  }
  KeepBest(options.max_output, &detections);
  return detections;
}

std::vector<Detection> CombinedNms(const BoxNet* boxes, const float* scores, size_t anchors,
                                   size_t classes, const NmsOptions& options) {
  NmsOptions hard = options;
  hard.soft_sigma = 0.F;
  std::vector<Suppression> suppressions(classes, Suppression(boxes, hard));
  for (size_t a = 0; a < anchors; ++a) {
    for (size_t c = 0; c < classes; ++c) suppressions[c].Add(a, scores[a * classes + c]);
  }
  std::vector<Detection> detections;
  for (size_t c = 0; c < classes; ++c) {
    for (const Waiting& selected : suppressions[c].Select()) {
      detections.push_back(MakeDetection(boxes[selected.index], selected, static_cast<int>(c)));
    }
  }
  KeepBest(options.max_output, &detections);
  return detections;
}

std::vector<float> AutoMlRows(const std::vector<Detection>& detections, const Detection& padding,
                              const RowsOptions& options) {
  std::vector<float> rows;
  rows.reserve(options.max_output * 7);
  for (size_t i = 0; i < options.max_output; ++i) {
    const bool real = i < detections.size();
    AppendRow(real ? detections[i] : padding, real ? detections[i].score : 0.F, options, &rows);
  }
  return rows;
}

}  // namespace detect
}  // namespace edet
