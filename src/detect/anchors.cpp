#include "detect/anchors.h"

#include <cmath>

namespace edet {
namespace detect {
namespace {

// One anchor of a cell: half its height and width, in pixels.
struct HalfSize {
  double height, width;
};

double ScaleOfLevel(const AnchorConfig& config, size_t level_index) {
  if (config.anchor_scales.empty()) return 4.;
  return static_cast<double>(config.anchor_scales.size() > level_index
                                 ? config.anchor_scales[level_index]
                                 : config.anchor_scales[0]);
}

// The octaves are powers in long double: the double versions of pow() and exp2() would need
// glibc 2.29 on aarch64 and x86_64, newer than JetPack 4 has. Rounded to double they are the same.
std::vector<HalfSize> SizesOfCell(const AnchorConfig& config, double scale, double stride_y,
                                  double stride_x) {
  std::vector<HalfSize> sizes;
  for (int scale_index = 0; scale_index < config.num_scales; ++scale_index) {
    const auto octave =
        static_cast<double>(std::exp2(static_cast<long double>(scale_index) / config.num_scales));
    for (const AspectRatio& aspect : config.aspect_ratios) {
      sizes.push_back(
          {scale * stride_y * octave * aspect.y / 2., scale * stride_x * octave * aspect.x / 2.});
    }
  }
  return sizes;
}

void AppendCell(const std::vector<HalfSize>& sizes, double y, double x,
                std::vector<float>* anchors) {
  for (const HalfSize& half : sizes) {
    anchors->push_back(static_cast<float>(y - half.height));
    anchors->push_back(static_cast<float>(x - half.width));
    anchors->push_back(static_cast<float>(y + half.height));
    anchors->push_back(static_cast<float>(x + half.width));
  }
}

size_t AnchorCount(const AnchorConfig& config, const std::vector<FeatureSize>& sizes) {
  size_t cells = 0;
  for (const FeatureSize& size : sizes) cells += static_cast<size_t>(size.height) * size.width;
  return cells * config.num_scales * config.aspect_ratios.size();
}

}  // namespace

AspectRatio::AspectRatio(float ratio) : x(std::sqrt(static_cast<double>(ratio))), y(1. / x) {}

AspectRatio::AspectRatio(float width_factor, float height_factor)
    : x(width_factor), y(height_factor) {}

std::vector<FeatureSize> FeatureSizes(const AnchorConfig& config) {
  std::vector<FeatureSize> sizes;
  FeatureSize size;
  size.height = config.image_height;
  size.width = config.image_width;
  for (int level = 0; level <= config.max_level; ++level) {
    if (level >= config.min_level) sizes.push_back(size);
    size.height = (size.height - 1) / 2 + 1;
    size.width = (size.width - 1) / 2 + 1;
  }
  return sizes;
}

std::vector<float> MakeAnchors(const AnchorConfig& config) {
  std::vector<float> anchors;
  const std::vector<FeatureSize> sizes = FeatureSizes(config);
  anchors.reserve(4 * AnchorCount(config, sizes));
  for (size_t i = 0; i < sizes.size(); ++i) {
    const double stride_y = static_cast<double>(config.image_height) / sizes[i].height;
    const double stride_x = static_cast<double>(config.image_width) / sizes[i].width;
    const std::vector<HalfSize> cell =
        SizesOfCell(config, ScaleOfLevel(config, i), stride_y, stride_x);
    for (int y = 0; y < sizes[i].height; ++y) {
      for (int x = 0; x < sizes[i].width; ++x) {
        AppendCell(cell, stride_y / 2. + y * stride_y, stride_x / 2. + x * stride_x, &anchors);
      }
    }
  }
  return anchors;
}

}  // namespace detect
}  // namespace edet
