#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace edet::efficientdet {

// AutoML's nms_configs, as far as the hyperparameters say them. As there, None and 0 mean "not
// given".
struct NmsConfigs {
  bool gaussian = false;  // soft NMS: scores sink by overlap, nothing is suppressed
  std::optional<float> iou_threshold;
  std::optional<float> score_threshold;
  std::optional<float> sigma;
  std::optional<int> max_detections;  // max_output_size
  std::optional<int> max_nms_inputs;

  // AutoML's own values where nothing is given.
  float SigmaOrDefault() const { return sigma.value_or(0.5F); }
};

// Reads nms_configs out of what --hparams takes: k=v,k=v (nms_configs.method=gaussian) or the name
// of a .yaml file. Nothing where the hyperparameters do not speak of it. Errors: InvalidArgument
// for a value of the wrong kind, Corrupt for what is no YAML, and those of reading the file.
Result<std::optional<NmsConfigs>> ReadNmsConfigs(const std::string& given);

// What a graph that ends in hard NMS does instead of soft NMS, and who computes it; a line each.
std::vector<std::string> SoftNmsAdvice(const NmsConfigs& configs, bool nms_in_graph);

}  // namespace edet::efficientdet
