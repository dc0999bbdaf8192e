// C++14. The facts that anchors are made of, as text: part of the box tensor's name where a model
// differs from the family's default, so that no side file is needed.
#pragma once

#include <cstddef>

#include "detect/anchors.h"

namespace edet {
namespace parser {

// Fields joined by '_', each may be absent:
//   a4 or a4-4-5    anchor_scale, one number or one for each level      (default 4)
//   s3              num_scales                                          (default 3)
//   r1-2-0.5        aspect_ratios, width to height; or r1x1-1.4x0.7     (default 1-2-0.5)
//   l4              min_level; the highest is found by the tensors' size (default 3)
// `config` keeps what the text does not tell. False, with `config` as it was, where it cannot be
// read.
bool ReadAnchorSpec(const char* text, size_t length, detect::AnchorConfig* config);

}  // namespace parser
}  // namespace edet
