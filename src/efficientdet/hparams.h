#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "detect/anchors.h"

namespace edet::efficientdet {

enum class Activation { kSwish, kHardSwish, kRelu, kRelu6, kMish, kSmoothRelu };

// How a node of the feature network weighs its inputs (fpn_weight_method).
enum class FusionMethod {
  kFastAttention,         // 'fastattn': relu(w) / (sum + 1e-4), a scalar an input
  kAttention,             // 'attn': softmax, a scalar an input
  kSum,                   // 'sum': no weights
  kChannelFastAttention,  // 'channel_fastattn': as fastattn, a value a channel
  kChannelAttention,      // 'channel_attn': as attn, a value a channel
};

// A node of a feature network cell: it makes a feature of `level` from earlier features. Features
// are numbered: the cell's inputs (min_level first), then each node's result.
struct FusionNode {
  int level = 0;
  std::vector<int> inputs;
};

enum class BlockKind {
  kDepthwise,  // expansion 1x1, depthwise k x k, projection 1x1 (conv_type 0)
  kFused,      // one k x k convolution instead of expansion and depthwise (fused_conv)
  kPointwise,  // the projection alone (conv_type 1 with expand_ratio 1)
};

// A stage of MBConv blocks.
struct Stage {
  int repeats, kernel, stride, expand, input_filters, output_filters;
  double se_ratio = 0.25;  // squeeze-and-excite, of the block's input; none unless in (0, 1]
  bool id_skip = true;     // a block that keeps size and channels adds its input
  BlockKind kind = BlockKind::kDepthwise;
};

// What decides the graph of an EfficientDet. Names and defaults are those of AutoML's
// hparams_config.py.
struct Hparams {
  std::string model_name;     // "efficientdet-d0"
  std::string backbone_name;  // "efficientnet-b0"
  // Not empty: replaces EfficientNet's stages (backbone_config.blocks), before the scaling of
  // backbone_name.
  std::vector<Stage> backbone_stages;
  int image_height = 512;  // network input, pixels
  int image_width = 512;
  int num_classes = 90;
  int min_level = 3;
  int max_level = 7;
  int num_scales = 3;
  std::vector<detect::AspectRatio> aspect_ratios = {1.F, 2.F, 0.5F};
  // One scale for each level, or a single one for all.
  std::vector<float> anchor_scale = {4.0F};
  Activation act_type = Activation::kSwish;
  bool quad_fpn = false;  // fpn_name 'qufpn'; otherwise 'bifpn'
  // Not empty: replaces the nodes of fpn_name (fpn_config.nodes).
  std::vector<FusionNode> fpn_nodes;
  FusionMethod fpn_weight_method = FusionMethod::kFastAttention;
  int fpn_num_filters = 64;
  int fpn_cell_repeats = 3;
  int box_class_repeats = 3;
  bool separable_conv = true;
  bool apply_bn_for_resampling = true;
  bool conv_after_downsample = false;
  bool conv_bn_act_pattern = false;
  // survival_prob is set: each head convolution but the first adds its input, also at inference.
  bool head_residual = false;
  // Applied to RGB values 0..255 as (x - mean) / stddev.
  // The products are rounded once, as the same numbers from AutoML's config.yaml are.
  std::array<float, 3> mean_rgb = {static_cast<float>(0.485 * 255), static_cast<float>(0.456 * 255),
                                   static_cast<float>(0.406 * 255)};
  std::array<float, 3> stddev_rgb = {static_cast<float>(0.229 * 255),
                                     static_cast<float>(0.224 * 255),
                                     static_cast<float>(0.225 * 255)};

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
