// What two networks detected, box by box.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "compare/values.h"
#include "detect/geometry.h"

namespace edet::compare {

struct Detection {
  detect::BoxNet box;
  float score = 0.F;
  int class_index = 0;  // 0-based
};
using Detections = std::vector<Detection>;

// AutoML's rows, or EfficientNMS_TRT's four tensors, of one image; nothing where there are neither.
std::optional<Detections> DetectionsOf(const Outputs& outputs);

// Two detections of the same class that lie over each other.
struct Partners {
  size_t a = 0, b = 0;  // indices
  double iou = 0.;
  bool by_overlap = true;  // false: `iou` is too small to say anything, all corners are near
  double score = 0.;       // difference
  double corner_px = 0.;   // the largest difference of a coordinate
};

struct DetectionMatch {
  size_t in_a = 0, in_b = 0;
  std::vector<Partners> partners;
  std::vector<size_t> only_a, only_b;  // without a partner
  // Over all partners (the overlap: over those that it matched); 1, 0 and 0 without any.
  double lowest_iou() const;
  double largest_score() const;
  double largest_corner_px() const;
  bool complete() const { return only_a.empty() && only_b.empty(); }
};

// Each detection of `a`, best score first, gets the free one of `b` that has its class, overlaps by
// at least `iou` and overlaps most (of equal ones the nearer score). Where all corners are within
// half a pixel or a thousandth of the longer side, boxes are partners whatever their overlap: thin
// ones have none to speak of.
DetectionMatch MatchDetections(const Detections& a, const Detections& b, double iou);

}  // namespace edet::compare
