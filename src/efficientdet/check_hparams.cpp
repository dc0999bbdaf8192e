#include "efficientdet/check_hparams.h"

#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "efficientdet/backbone.h"

namespace edet::efficientdet {
namespace {

Error Invalid(std::string what, std::string where) {
  return {ErrorCode::kInvalidArgument, std::move(what), std::move(where), ""};
}

Status CheckCounts(const Hparams& h) {
  struct Range {
    const char* name;
    int value, least, most;
  };
  const Range ranges[] = {{"image_size (height)", h.image_height, 1, 8192},
                          {"image_size (width)", h.image_width, 1, 8192},
                          {"num_classes", h.num_classes, 1, 100000},
                          {"min_level", h.min_level, 1, 5},
                          {"max_level", h.max_level, h.min_level + 1, 12},
                          {"num_scales", h.num_scales, 1, 16},
                          {"fpn_num_filters", h.fpn_num_filters, 1, 8192},
                          {"fpn_cell_repeats", h.fpn_cell_repeats, 0, 64},
                          {"box_class_repeats", h.box_class_repeats, 0, 64}};
  for (const Range& range : ranges) {
    if (range.value >= range.least && range.value <= range.most) continue;
    return Invalid(std::to_string(range.value) + " is not in " + std::to_string(range.least) +
                       " to " + std::to_string(range.most),
                   range.name);
  }
  return {};
}

Status CheckAnchors(const Hparams& h) {
  auto num_levels = static_cast<size_t>(h.max_level - h.min_level + 1);
  if (h.aspect_ratios.empty() || h.aspect_ratios.size() > 64)
    return Invalid("must be 1 to 64 ratios", "aspect_ratios");
  if (h.anchor_scale.size() != 1 && h.anchor_scale.size() != num_levels) {
    return Invalid(
        "must be one number, or one for each of the " + std::to_string(num_levels) + " levels",
        "anchor_scale");
  }
  for (float scale : h.anchor_scale) {
    if (!(scale > 0.F)) return Invalid("must be above 0", "anchor_scale");
  }
  for (const detect::AspectRatio& aspect : h.aspect_ratios) {
    if (!(aspect.x > 0.) || !(aspect.y > 0.) || !std::isfinite(aspect.y))
      return Invalid("must be above 0", "aspect_ratios");
  }
  for (float deviation : h.stddev_rgb) {
    if (deviation == 0.F) return Invalid("must not be 0", "stddev_rgb");
  }
  return {};
}

// Between two levels both sides shrink, or none: AutoML has no way to halve one and keep the other.
Status CheckLevels(const Hparams& h) {
  std::vector<detect::FeatureSize> sizes = detect::FeatureSizes(AnchorConfigOf(h));
  for (size_t i = 1; i < sizes.size(); ++i) {
    bool shorter = sizes[i].height < sizes[i - 1].height,
         narrower = sizes[i].width < sizes[i - 1].width;
    if (shorter == narrower) continue;
    return Error{ErrorCode::kUnsupported,
                 "the picture is too small for its levels: at level " +
                     std::to_string(h.min_level + static_cast<int>(i)) +
                     " only one side still shrinks",
                 "image_size, max_level", "take a larger picture or a lower max_level"};
  }
  return {};
}

// D7x has 331,776 anchors at its lowest level; anchors are constants of the graph.
Status CheckPlaces(const Hparams& h) {
  constexpr uint64_t kMostAnchors = uint64_t{1} << 24;
  uint64_t anchors = 0;
  for (const detect::FeatureSize& size : detect::FeatureSizes(AnchorConfigOf(h))) {
    anchors += static_cast<uint64_t>(size.height) * static_cast<uint64_t>(size.width) *
               static_cast<uint64_t>(h.num_anchors());
  }
  if (anchors <= kMostAnchors) return {};
  return Error{
      ErrorCode::kLimitExceeded,
      std::to_string(anchors) + " anchors are over the limit of " + std::to_string(kMostAnchors),
      "image_size, min_level", "take a smaller picture or a higher min_level"};
}

Status CheckFusionNodes(const Hparams& h) {
  constexpr size_t kMostInputs = 1000;  // of all nodes of a cell; BiFPN has 23
  if (h.fpn_nodes.empty()) return {};
  size_t inputs = 0;
  for (const FusionNode& node : h.fpn_nodes) inputs += node.inputs.size();
  if (inputs > kMostInputs)
    return Invalid("more than " + std::to_string(kMostInputs) + " inputs of nodes", "fpn_config");
  int features = h.max_level - h.min_level + 1;
  std::set<int> levels;
  for (const FusionNode& node : h.fpn_nodes) {
    if (node.level < h.min_level || node.level > h.max_level)
      return Invalid("feat_level " + std::to_string(node.level) + " is not there", "fpn_config");
    if (node.inputs.empty()) return Invalid("a node without inputs", "fpn_config");
    for (int input : node.inputs) {
      if (input < 0 || input >= features)
        return Invalid("input " + std::to_string(input) + " is not there yet", "fpn_config");
    }
    levels.insert(node.level);
    ++features;
  }
  if (levels.size() != static_cast<size_t>(h.max_level - h.min_level + 1))
    return Invalid("not every level has a node", "fpn_config");
  return {};
}

// Scaling multiplies repeats by 5.3 and filters by 4.3 at the most.
Status CheckBackboneStages(const Hparams& h) {
  constexpr int kMostBlocks = 256;
  int blocks = 0;
  for (const Stage& stage : h.backbone_stages) {
    struct Range {
      const char* name;
      int value, most;
    };
    const Range ranges[] = {{"num_repeat", stage.repeats, 100},
                            {"kernel_size", stage.kernel, 31},
                            {"strides", stage.stride, 2},
                            {"expand_ratio", stage.expand, 64},
                            {"input_filters", stage.input_filters, 4096},
                            {"output_filters", stage.output_filters, 4096}};
    for (const Range& range : ranges) {
      if (range.value >= 1 && range.value <= range.most) continue;
      return Invalid(std::string(range.name) + " " + std::to_string(range.value) +
                         " is not in 1 to " + std::to_string(range.most),
                     "backbone_config");
    }
    blocks += stage.repeats;
  }
  if (blocks <= kMostBlocks) return {};
  return Invalid("more than " + std::to_string(kMostBlocks) + " blocks", "backbone_config");
}

}  // namespace

Status CheckHparams(const Hparams& hparams) {
  EDET_RETURN_IF_ERROR(CheckCounts(hparams));
  EDET_RETURN_IF_ERROR(CheckAnchors(hparams));
  EDET_RETURN_IF_ERROR(CheckLevels(hparams));
  EDET_RETURN_IF_ERROR(CheckPlaces(hparams));
  EDET_RETURN_IF_ERROR(CheckBackboneStages(hparams));
  Result<BackboneConfig> backbone = FindBackbone(hparams.backbone_name, hparams.backbone_stages);
  if (!backbone.ok()) return backbone.error();
  return CheckFusionNodes(hparams);
}

}  // namespace edet::efficientdet
