#include "cli/hparams_json.h"

#include <fmt/format.h>

namespace edet::cli {

using efficientdet::Activation;
using efficientdet::BlockKind;
using efficientdet::FusionMethod;
using efficientdet::Hparams;
using nlohmann::ordered_json;
namespace {

const char* NameOf(Activation activation) {
  switch (activation) {
    case Activation::kSwish:
      return "swish";
    case Activation::kHardSwish:
      return "hswish";
    case Activation::kRelu:
      return "relu";
    case Activation::kRelu6:
      return "relu6";
    case Activation::kMish:
      return "mish";
    case Activation::kSmoothRelu:
      return "srelu";
  }
  return "";
}

const char* NameOf(FusionMethod method) {
  switch (method) {
    case FusionMethod::kFastAttention:
      return "fastattn";
    case FusionMethod::kAttention:
      return "attn";
    case FusionMethod::kSum:
      return "sum";
    case FusionMethod::kChannelFastAttention:
      return "channel_fastattn";
    case FusionMethod::kChannelAttention:
      return "channel_attn";
  }
  return "";
}

// A ratio, or [x, y] where the pair is no ratio's.
ordered_json AspectsJson(const Hparams& hparams) {
  ordered_json list = ordered_json::array();
  for (const detect::AspectRatio& aspect : hparams.aspect_ratios) {
    const auto ratio = static_cast<float>(aspect.x / aspect.y);
    if (aspect == detect::AspectRatio(ratio)) {
      list.push_back(ratio);
    } else {
      list.push_back({aspect.x, aspect.y});
    }
  }
  return list;
}

// The names are those of AutoML's BlockArgs.
ordered_json StageJson(const efficientdet::Stage& stage) {
  return {{"num_repeat", stage.repeats},
          {"kernel_size", stage.kernel},
          {"strides", {stage.stride, stage.stride}},
          {"expand_ratio", stage.expand},
          {"input_filters", stage.input_filters},
          {"output_filters", stage.output_filters},
          {"se_ratio", stage.se_ratio},
          {"id_skip", stage.id_skip},
          {"fused_conv", stage.kind == BlockKind::kFused ? 1 : 0},
          {"conv_type", stage.kind == BlockKind::kPointwise ? 1 : 0}};
}

ordered_json FpnJson(const Hparams& hparams) {
  ordered_json nodes = ordered_json::array();
  for (const efficientdet::FusionNode& node : hparams.fpn_nodes)
    nodes.push_back({{"feat_level", node.level}, {"inputs_offsets", node.inputs}});
  return {{"nodes", nodes}, {"weight_method", NameOf(hparams.fpn_weight_method)}};
}

// What most models leave alone.
void AddSpecialParts(const Hparams& hparams, ordered_json& json) {
  if (!hparams.fpn_nodes.empty()) json["fpn_config"] = FpnJson(hparams);
  // AutoML's survival probability matters to a graph for prediction by being there.
  if (hparams.head_residual) json["survival_prob"] = 1.0;
  if (hparams.backbone_stages.empty()) return;
  for (const efficientdet::Stage& stage : hparams.backbone_stages)
    json["backbone_config"]["blocks"].push_back(StageJson(stage));
}

}  // namespace

ordered_json HparamsJson(const Hparams& h) {
  ordered_json json = {
      {"name", h.model_name},
      {"backbone_name", h.backbone_name},
      {"image_size", fmt::format("{}x{}", h.image_width, h.image_height)},
      {"num_classes", h.num_classes},
      {"min_level", h.min_level},
      {"max_level", h.max_level},
      {"num_scales", h.num_scales},
      {"aspect_ratios", AspectsJson(h)},
      {"anchor_scale", h.anchor_scale},
      {"act_type", NameOf(h.act_type)},
      {"fpn_name", h.quad_fpn ? "qufpn" : "bifpn"},
      {"fpn_weight_method", NameOf(h.fpn_weight_method)},
      {"fpn_num_filters", h.fpn_num_filters},
      {"fpn_cell_repeats", h.fpn_cell_repeats},
      {"box_class_repeats", h.box_class_repeats},
      {"separable_conv", h.separable_conv},
      {"apply_bn_for_resampling", h.apply_bn_for_resampling},
      {"conv_after_downsample", h.conv_after_downsample},
      {"conv_bn_act_pattern", h.conv_bn_act_pattern},
      {"mean_rgb", h.mean_rgb},
      {"stddev_rgb", h.stddev_rgb},
  };
  AddSpecialParts(h, json);
  return json;
}

}  // namespace edet::cli
