#pragma once

#include <string>
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

// "efficientnet-b0" .. "efficientnet-b8", "efficientnet-l2", "efficientnet-lite0" ..
// "efficientnet-lite4", with AutoML's rounding of filters (multiples of 8, never more than 10%
// down) and repeats (up). `stages`, if not empty, replace EfficientNet's own before they are
// scaled. Errors: Unsupported for other names; InvalidArgument for stages that do not fit together
// or do not halve the image often enough: the block is named.
Result<BackboneConfig> FindBackbone(const std::string& name, const std::vector<Stage>& stages = {});

// Adds the backbone for an image value [N, 3, H, W], normalised. Result: the endpoints of reduction
// 1, 2, .. 5 (strides 2, 4, ..): the output of the last block before each further reduction, or of
// the last block.
std::vector<graph::ValueId> AddBackbone(Layers& layers, graph::ValueId image,
                                        const std::string& name, const BackboneConfig& config);

}  // namespace edet::efficientdet
