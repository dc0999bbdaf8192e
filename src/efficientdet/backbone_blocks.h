#pragma once

#include <yaml-cpp/yaml.h>

#include <vector>

#include "base/result.h"
#include "efficientdet/hparams.h"

namespace edet::efficientdet {

// The stages of `backbone_config` as users and AutoML's trainers write them:
//   {blocks: [..]} or the list itself; each block is
//   - a text, "r2_k5_s22_e6_i24_o40_se0.25_noskip" (AutoML's notation), or
//   - a mapping with the names of AutoML's BlockArgs (num_repeat, kernel_size, strides, ..), or
//   - those twelve values in their order, as its config.yaml has them.
// A block without se_ratio has no squeeze-and-excite. Numbers are read, not judged (CheckHparams
// does that). Errors: Corrupt (no such block), Unsupported (what is not converted: conditional
// convolutions, space-to-depth, unequal strides; named). `where` is the block.
Result<std::vector<Stage>> ReadBackboneBlocks(const YAML::Node& config);

}  // namespace edet::efficientdet
