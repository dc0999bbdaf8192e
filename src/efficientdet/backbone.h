#pragma once

#include <vector>

#include "base/result.h"
#include "efficientdet/hparams.h"
#include "efficientdet/layers.h"

namespace edet::efficientdet {

struct BackboneConfig {
  int stem_filters = 32;
  bool has_squeeze_excite = true;
  std::vector<Stage> stages;
};

// "efficientnet-b0" .. "efficientnet-b7", "efficientnet-lite0" .. "efficientnet-lite4", with
// AutoML's rounding of filters (multiples of 8, never more than 10% down) and repeats (up). Error:
// Unsupported for other names.
Result<BackboneConfig> FindBackbone(const std::string& name);

// Adds the backbone for an image value [N, 3, H, W], normalised. Result: the endpoints of reduction
// 1, 2, .. (strides 2, 4, ..): the output of the last block before each further reduction, and of
// the last block.
std::vector<graph::ValueId> AddBackbone(Layers& layers, graph::ValueId image,
                                        const std::string& name, const BackboneConfig& config);

}  // namespace edet::efficientdet
