#include "efficientdet/hparams.h"

#include "base/nearest.h"

namespace edet::efficientdet {
namespace {

struct Row {  // a line of AutoML's table of compound scaling
  const char* name;
  const char* backbone;
  int image_size, fpn_filters, fpn_repeats, head_repeats;
  float anchor_scale;
  int max_level;
};

// d6, d7 and d7x add their inputs without weights; the lite models have relu6 and their own
// normalisation as well.
constexpr Row kRows[] = {
    {"d0", "b0", 512, 64, 3, 3, 4.F, 7},        {"d1", "b1", 640, 88, 4, 3, 4.F, 7},
    {"d2", "b2", 768, 112, 5, 3, 4.F, 7},       {"d3", "b3", 896, 160, 6, 4, 4.F, 7},
    {"d4", "b4", 1024, 224, 7, 4, 4.F, 7},      {"d5", "b5", 1280, 288, 7, 4, 4.F, 7},
    {"d6", "b6", 1280, 384, 8, 5, 4.F, 7},      {"d7", "b6", 1536, 384, 8, 5, 5.F, 7},
    {"d7x", "b7", 1536, 384, 8, 5, 4.F, 8},     {"lite0", "lite0", 320, 64, 3, 3, 3.F, 7},
    {"lite1", "lite1", 384, 88, 4, 3, 3.F, 7},  {"lite2", "lite2", 448, 112, 5, 3, 3.F, 7},
    {"lite3", "lite3", 512, 160, 6, 4, 4.F, 7}, {"lite3x", "lite3", 640, 200, 6, 4, 3.F, 7},
    {"lite4", "lite4", 640, 224, 7, 4, 4.F, 7},
};

Hparams FromRow(const Row& row) {
  Hparams h;
  std::string_view name = row.name;
  bool lite = name.substr(0, 4) == "lite";
  h.model_name = "efficientdet-" + std::string(name);
  h.backbone_name = std::string("efficientnet-") + row.backbone;
  h.image_height = h.image_width = row.image_size;
  h.fpn_num_filters = row.fpn_filters;
  h.fpn_cell_repeats = row.fpn_repeats;
  h.box_class_repeats = row.head_repeats;
  h.anchor_scale = {row.anchor_scale};
  h.max_level = row.max_level;
  if (lite) {
    h.act_type = Activation::kRelu6;
    h.mean_rgb = {127.F, 127.F, 127.F};
    h.stddev_rgb = {128.F, 128.F, 128.F};
  }
  if (lite || name == "d6" || name == "d7" || name == "d7x")
    h.fpn_weight_method = FusionMethod::kSum;
  return h;
}

}  // namespace

const std::vector<Hparams>& AllModels() {
  static const std::vector<Hparams> models = [] {
    std::vector<Hparams> all;
    for (const Row& row : kRows) all.push_back(FromRow(row));
    return all;
  }();
  return models;
}

Result<Hparams> FindModel(std::string_view name) {
  constexpr std::string_view kPrefix = "efficientdet-";
  std::string_view wanted =
      name.substr(0, kPrefix.size()) == kPrefix ? name.substr(kPrefix.size()) : name;
  std::vector<std::string> known;
  for (const Hparams& model : AllModels()) {
    known.push_back(model.model_name.substr(kPrefix.size()));
    if (known.back() == wanted) return model;
  }
  std::vector<std::string> near = NearestNames(wanted, known, 1);
  return Error{ErrorCode::kInvalidArgument, "there is no model '" + std::string(name) + "'",
               "--model",
               (near.empty() ? "" : "did you mean '" + near[0] + "'? ") +
                   std::string("The models are d0 to d7, d7x, lite0 to lite4 and lite3x")};
}

detect::AnchorConfig AnchorConfigOf(const Hparams& hparams) {
  detect::AnchorConfig config;
  config.min_level = hparams.min_level;
  config.max_level = hparams.max_level;
  config.num_scales = hparams.num_scales;
  config.aspect_ratios = hparams.aspect_ratios;
  config.anchor_scales = hparams.anchor_scale;
  config.image_height = hparams.image_height;
  config.image_width = hparams.image_width;
  return config;
}

}  // namespace edet::efficientdet
