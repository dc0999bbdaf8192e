#include "detect/decode.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace edet {
namespace detect {

float Sigmoid(float logit) { return 1.F / (1.F + std::exp(-logit)); }

float Logit(float probability) {
  if (!(probability > 0.F)) return -std::numeric_limits<float>::infinity();
  if (probability >= 1.F) return std::numeric_limits<float>::infinity();
  return std::log(probability / (1.F - probability));
}

BoxNet DecodeBox(const float* deltas, const float* anchor) {
  const float anchor_height = anchor[2] - anchor[0];
  const float anchor_width = anchor[3] - anchor[1];
  const float height = std::exp(deltas[2]) * anchor_height;
  const float width = std::exp(deltas[3]) * anchor_width;
  const float y = deltas[0] * anchor_height + (anchor[0] + anchor[2]) / 2.F;
  const float x = deltas[1] * anchor_width + (anchor[1] + anchor[3]) / 2.F;
  BoxNet box;
  box.left = x - width / 2.F;
  box.top = y - height / 2.F;
  box.right = x + width / 2.F;
  box.bottom = y + height / 2.F;
  return box;
}

std::vector<BoxNet> DecodeBoxes(const float* deltas, const float* anchors, size_t count) {
  std::vector<BoxNet> boxes(count);
  for (size_t i = 0; i < count; ++i) boxes[i] = DecodeBox(deltas + 4 * i, anchors + 4 * i);
  return boxes;
}

void BestClass(const float* values, size_t anchors, size_t classes, std::vector<float>* best,
               std::vector<int>* class_index) {
  best->assign(anchors, -std::numeric_limits<float>::infinity());
  class_index->assign(anchors, 0);
  if (classes == 0) return;
  for (size_t a = 0; a < anchors; ++a) {
    const float* row = values + a * classes;
    const float* max = std::max_element(row, row + classes);
    (*best)[a] = *max;
    (*class_index)[a] = static_cast<int>(max - row);
  }
}

BoxNet Clip(const BoxNet& box, float width, float height) {
  BoxNet clipped;
  clipped.left = std::min(std::max(box.left, 0.F), width);
  clipped.top = std::min(std::max(box.top, 0.F), height);
  clipped.right = std::min(std::max(box.right, 0.F), width);
  clipped.bottom = std::min(std::max(box.bottom, 0.F), height);
  return clipped;
}

}  // namespace detect
}  // namespace edet
