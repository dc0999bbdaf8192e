#include "compare/detections.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "detect/nms.h"

namespace edet::compare {
namespace {

// Of the four numbers y1, x1, y2, x2.
detect::BoxNet BoxOf(const float* yxyx) { return {yxyx[1], yxyx[0], yxyx[3], yxyx[2]}; }

const TensorValues* Find(const Outputs& outputs, const char* name) {
  auto found = outputs.find(name);
  return found != outputs.end() ? &found->second : nullptr;
}

// A number that a network made may be anything.
int WholeNumber(float value) {
  constexpr float kMost = 1e6F;
  return std::isnan(value) ? 0 : static_cast<int>(std::clamp(value, -kMost, kMost));
}

bool HoldsRows(const TensorValues& tensor) {
  return tensor.shape.size() == 3 && tensor.shape[2] == 7 && tensor.shape[0] == 1;
}

// image_id, ymin, xmin, ymax, xmax, score, class from 1.
Detections FromRows(const TensorValues& rows) {
  Detections found;
  for (size_t i = 0; i + 6 < rows.values.size(); i += 7) {
    const float* row = &rows.values[i];
    if (row[5] > 0.F) found.push_back({BoxOf(row + 1), row[5], WholeNumber(row[6]) - 1});
  }
  return found;
}

double CornerDifference(const detect::BoxNet& a, const detect::BoxNet& b) {
  return std::max({std::fabs(a.left - b.left), std::fabs(a.top - b.top),
                   std::fabs(a.right - b.right), std::fabs(a.bottom - b.bottom)});
}

Partners Look(const Detections& a, const Detections& b, size_t i, size_t j) {
  return {i,
          j,
          detect::IntersectionOverUnion(a[i].box, b[j].box),
          true,
          std::fabs(double{a[i].score} - b[j].score),
          CornerDifference(a[i].box, b[j].box)};
}

// Partners at all; says whether by overlap.
bool BelongTogether(const detect::BoxNet& box, Partners& pair, double iou) {
  constexpr double kNearPx = 0.5, kNearPart = 1e-3;
  double side = std::max(box.right - box.left, box.bottom - box.top);
  pair.by_overlap = pair.iou >= iou;
  return pair.by_overlap || pair.corner_px <= std::max(kNearPx, kNearPart * side);
}

bool Better(const Partners& one, const Partners& other) {
  return one.iou != other.iou ? one.iou > other.iou : one.score < other.score;
}

template <typename Value>
double Largest(const std::vector<Partners>& partners, Value value) {
  double largest = 0.;
  for (const Partners& pair : partners) largest = std::max(largest, value(pair));
  return largest;
}

}  // namespace

std::optional<Detections> DetectionsOf(const Outputs& outputs) {
  for (const auto& [name, output] : outputs)
    if (HoldsRows(output)) return FromRows(output);
  const TensorValues *count = Find(outputs, "num_detections"),
                     *boxes = Find(outputs, "detection_boxes"),
                     *scores = Find(outputs, "detection_scores"),
                     *classes = Find(outputs, "detection_classes");
  if (!count || !boxes || !scores || !classes || count->values.empty()) return std::nullopt;
  size_t kept = std::min({static_cast<size_t>(std::max(WholeNumber(count->values[0]), 0)),
                          scores->values.size(), classes->values.size(), boxes->values.size() / 4});
  Detections found;
  for (size_t i = 0; i < kept; ++i)
    found.push_back(
        {BoxOf(&boxes->values[i * 4]), scores->values[i], WholeNumber(classes->values[i])});
  return found;
}

double DetectionMatch::lowest_iou() const {
  return 1. - Largest(partners,
                      [](const Partners& pair) { return pair.by_overlap ? 1. - pair.iou : 0.; });
}
double DetectionMatch::largest_score() const {
  return Largest(partners, [](const Partners& pair) { return pair.score; });
}
double DetectionMatch::largest_corner_px() const {
  return Largest(partners, [](const Partners& pair) { return pair.corner_px; });
}

DetectionMatch MatchDetections(const Detections& a, const Detections& b, double iou) {
  DetectionMatch match;
  match.in_a = a.size();
  match.in_b = b.size();
  std::vector<size_t> order(a.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&a](size_t i, size_t j) { return a[i].score > a[j].score; });
  std::vector<bool> taken(b.size(), false);
  for (size_t i : order) {
    std::optional<Partners> best;
    for (size_t j = 0; j < b.size(); ++j) {
      if (taken[j] || a[i].class_index != b[j].class_index) continue;
      Partners pair = Look(a, b, i, j);
      if (BelongTogether(a[i].box, pair, iou) && (!best || Better(pair, *best))) best = pair;
    }
    if (!best) {
      match.only_a.push_back(i);
      continue;
    }
    taken[best->b] = true;
    match.partners.push_back(*best);
  }
  for (size_t j = 0; j < b.size(); ++j)
    if (!taken[j]) match.only_b.push_back(j);
  return match;
}

}  // namespace edet::compare
