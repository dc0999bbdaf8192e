// C++14, no dependencies beyond libstdc++.
#pragma once

#include <cstddef>
#include <vector>

#include "detect/geometry.h"

namespace edet {
namespace detect {

// 1 / (1 + e^-x), in float.
float Sigmoid(float logit);
// The logit whose sigmoid is `probability`; -inf for 0 and below, +inf for 1 and above.
float Logit(float probability);

// A box head's four numbers (ty, tx, th, tw) and its anchor (ymin, xmin, ymax, xmax, network
// pixels) as a box, as AutoML decodes it: no variances, no clamp of the exponent, no clipping.
BoxNet DecodeBox(const float* deltas, const float* anchor);

// The same for `count` rows of [count, 4] each; result [count].
std::vector<BoxNet> DecodeBoxes(const float* deltas, const float* anchors, size_t count);

// The best class of every anchor (the first one of several equal ones) and its value.
// `values`: float32 [anchors, classes], logits or scores; results [anchors].
void BestClass(const float* values, size_t anchors, size_t classes, std::vector<float>* best,
               std::vector<int>* class_index);

// The part of a box inside [0, width] x [0, height].
BoxNet Clip(const BoxNet& box, float width, float height);

}  // namespace detect
}  // namespace edet
