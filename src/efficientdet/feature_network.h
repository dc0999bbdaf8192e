#pragma once

#include <vector>

#include "efficientdet/hparams.h"
#include "efficientdet/layers.h"

namespace edet::efficientdet {

// BiFPN (Tan, Pang and Le, 2020, figure 2d) for any range of levels: a top-down pass, then a
// bottom-up pass that reads the cell's inputs again.
std::vector<FusionNode> BiFpnNodes(int min_level, int max_level);

// AutoML's 'qufpn' (fpn_configs.py): top-down and bottom-up, and bottom-up and top-down, added in
// the end.
std::vector<FusionNode> QuFpnNodes(int min_level, int max_level);

// Adds everything between the backbone and the heads. `endpoints`: reductions 1, 2, .. of the
// backbone. Result: one feature map a level, min_level first, each with fpn_num_filters channels.
std::vector<graph::ValueId> AddFeatureNetwork(Layers& layers,
                                              const std::vector<graph::ValueId>& endpoints,
                                              const Hparams& hparams);

}  // namespace edet::efficientdet
