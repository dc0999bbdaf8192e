#pragma once

#include <vector>

#include "efficientdet/hparams.h"
#include "efficientdet/layers.h"

namespace edet::efficientdet {

// The two heads' raw outputs over all levels, in the order of detect::MakeAnchors (level, y, x,
// scale, aspect).
struct RawHeads {
  graph::ValueId class_logits;  // [N, A, num_classes], before the sigmoid
  graph::ValueId box_deltas;    // [N, A, 4]: ty, tx, th, tw
};

// Adds the class and the box network for one feature map a level (min_level first). The
// convolutions are shared by the levels, each level has batch normalisations of its own.
RawHeads AddHeads(Layers& layers, const std::vector<graph::ValueId>& features,
                  const Hparams& hparams);

}  // namespace edet::efficientdet
