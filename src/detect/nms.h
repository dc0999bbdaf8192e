// C++14, no dependencies beyond libstdc++. Non-maximum suppression as AutoML's post-processing does
// it.
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include "detect/geometry.h"

namespace edet {
namespace detect {

struct NmsOptions {
  float iou_threshold = 0.5F;  // above it, not at it, hard NMS suppresses
  // A candidate's score must be above it, not at it. AutoML: min_score_thresh, none (-inf) or 0.001
  // (gaussian).
  float score_threshold = -std::numeric_limits<float>::infinity();
  // > 0: gaussian soft NMS, score *= exp(-iou^2 / (2 sigma)) for each better box; nothing is
  // suppressed outright. AutoML's sigma of 0.5 is half of that here (0.25), because it hands
  // TensorFlow half of it.
  float soft_sigma = 0.F;
  size_t max_output = 100;
};

struct Detection {
  BoxNet box;  // not clipped
  float score = 0.F;
  int class_index = 0;  // 0-based model class
  size_t anchor = 0;    // which anchor it came from
};

// Intersection over union; 0 where one of the boxes has no area.
float IntersectionOverUnion(const BoxNet& a, const BoxNet& b);

// Pre-NMS tensors of one image, borrowed. Boxes [anchors].
// `scores` is [anchors] with `class_indices` [anchors] (the best class of each anchor, 0-based).
struct BestClassCandidates {
  const BoxNet* boxes = nullptr;
  const float* scores = nullptr;
  const int* class_indices = nullptr;
  size_t anchors = 0;
};

// All functions below: the result is in order of falling score, equal ones by anchor; at most
// max_output rows, no padding. Scores that are NaN are never candidates.

// AutoML's 'global': one NMS over every anchor's best class, whatever the class.
std::vector<Detection> GlobalNms(const BestClassCandidates& candidates, const NmsOptions& options);

// AutoML's 'per_class': every anchor's best class, NMS within each class, then the best max_output
// of all.
std::vector<Detection> PerClassNms(const BestClassCandidates& candidates,
                                   const NmsOptions& options);

// AutoML's 'combined': every anchor x class pair is a candidate of its class, hard NMS within each
// class, then the best max_output of all. `scores`: [anchors, classes].
std::vector<Detection> CombinedNms(const BoxNet* boxes, const float* scores, size_t anchors,
                                   size_t classes, const NmsOptions& options);

// AutoML's 'detections:0' of one image: float32 [max_output, 7] rows of image_id, ymin, xmin, ymax,
// xmax, score, class (1-based), boxes clipped to the network input and multiplied by `scale` (frame
// pixels per network pixel). Rows past the detections have score 0 and, as in AutoML, the box and
// class of `padding` (anchor 0).
struct RowsOptions {
  float image_id = 0.F;
  float network_width = 0.F, network_height = 0.F;
  float scale = 1.F;
  size_t max_output = 100;
};
std::vector<float> AutoMlRows(const std::vector<Detection>& detections, const Detection& padding,
                              const RowsOptions& options);

}  // namespace detect
}  // namespace edet
