// C++14. Tensors with every anchor: what they hold, whatever their layout.
#pragma once

#include <vector>

#include "detect/anchors.h"
#include "parser/library/contracts.h"

namespace edet {
namespace parser {

// Class values and box numbers of a run of anchors.
struct DensePart {
  FloatView values, boxes;
  size_t anchors = 0;
  // Of a level's [anchors * classes, H, W]: H * W. 0: the classes of an anchor lie side by side.
  size_t plane = 0;
  size_t anchors_per_cell = 1;

  // Where the class value, or box number, `k` of `count` of an anchor lies.
  size_t Index(size_t anchor, size_t k, size_t count) const {
    if (plane == 0) return anchor * count + k;
    return (anchor % anchors_per_cell * count + k) * plane + anchor / anchors_per_cell;
  }
};

// All anchors of a frame, in AutoML's order: level, y, x, scale, aspect.
struct Dense {
  std::vector<DensePart> parts;
  size_t classes = 0;
  size_t anchors() const;
};

// The pair of tensors `values` [A, C] and `boxes` [A, 4], found by role or, where the model has two
// tensors only and neither name is known, by shape. False, nothing reported, where they do not fit.
bool FindPair(const NamedLayers& tensors, Role values, Role boxes, Dense* dense);

// The pairs of tensors of each level of `config`'s network size, as [H, W, ..] or [.., H, W]; where
// both would fit, the former. Sets the levels in `config`. False, nothing reported, where there is
// no such set of levels.
bool FindLevels(const NamedLayers& tensors, detect::AnchorConfig* config, Dense* dense);

}  // namespace parser
}  // namespace edet
