#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "detect/anchors.h"

namespace edet::efficientdet {

enum class Activation { kSwish, kRelu, kRelu6 };
enum class FusionMethod { kFastAttention, kSum };

// What decides the graph of an EfficientDet. Names and defaults are those of AutoML's
// hparams_config.py.
struct Hparams {
  std::string model_name;     // "efficientdet-d0"
  std::string backbone_name;  // "efficientnet-b0"
  int image_height = 512;     // network input, pixels
  int image_width = 512;
  int num_classes = 90;
  int min_level = 3;
  int max_level = 7;
  int num_scales = 3;
  std::vector<float> aspect_ratios = {1.0F, 2.0F, 0.5F};  // width / height
  float anchor_scale = 4.0F;
  Activation act_type = Activation::kSwish;
  FusionMethod fpn_weight_method = FusionMethod::kFastAttention;
  int fpn_num_filters = 64;
  int fpn_cell_repeats = 3;
  int box_class_repeats = 3;
  // Applied to RGB values 0..255 as (x - mean) / stddev.
  std::array<float, 3> mean_rgb = {0.485F * 255, 0.456F * 255, 0.406F * 255};
  std::array<float, 3> stddev_rgb = {0.229F * 255, 0.224F * 255, 0.225F * 255};

  int num_anchors() const {
    return num_scales * static_cast<int>(aspect_ratios.size());
  }  // at each place
};

// The 15 public models, "efficientdet-d0" .. "efficientdet-d7x", "efficientdet-lite0" ..
// "efficientdet-lite4".
const std::vector<Hparams>& AllModels();

// Takes "d0", "lite3x" or the full name. Error: InvalidArgument with the nearest name.
Result<Hparams> FindModel(std::string_view name);

detect::AnchorConfig AnchorConfigOf(const Hparams& hparams);

}  // namespace edet::efficientdet
