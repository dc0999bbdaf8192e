#pragma once

#include <string>

#include "efficientdet/hparams.h"

namespace edet::efficientdet {

// The facts that the model's anchors are made of, as the parser library's option
// EDET_PARSER_ANCHORS takes them: "a4_s3_r1-2-0.5_l3" is anchor_scale (one number or one a level),
// num_scales, aspect_ratios (width to height, or "1.4x0.7") and min_level. The highest level
// follows from the number of anchors.
std::string AnchorSpec(const Hparams& hparams);

}  // namespace edet::efficientdet
