// C++14, no dependencies beyond libstdc++.
#pragma once

#include <cstddef>
#include <vector>

namespace edet {
namespace detect {

// Shape of an anchor: width and height as factors of its side. A ratio of width to height r stands
// for (sqrt(r), 1 / sqrt(r)), as in AutoML.
struct AspectRatio {
  AspectRatio(float ratio);  // NOLINT: a number is a ratio
  AspectRatio(float width_factor, float height_factor);
  bool operator==(const AspectRatio& other) const { return x == other.x && y == other.y; }
  double x, y;
};

// What decides AutoML's anchors (automl/efficientdet/tf2/anchors.py, class Anchors).
struct AnchorConfig {
  int min_level = 3;
  int max_level = 7;
  int num_scales = 3;
  std::vector<AspectRatio> aspect_ratios = {1.0F, 2.0F, 0.5F};
  // One scale for each level, or a single one for all levels.
  std::vector<float> anchor_scales = {4.0F};
  int image_height = 512;  // network input, pixels
  int image_width = 512;
};

// Height and width of the feature map of each level min_level..max_level: the image halved,
// rounding up, level times.
struct FeatureSize {
  int height = 0, width = 0;
};
std::vector<FeatureSize> FeatureSizes(const AnchorConfig& config);

// Every anchor as corners ymin, xmin, ymax, xmax in network pixels, not clipped: float32 [A, 4],
// row-major. Order: level, then y, x, scale octave, aspect ratio. Computed as AutoML does: double
// precision, rounded at the end.
std::vector<float> MakeAnchors(const AnchorConfig& config);

}  // namespace detect
}  // namespace edet
