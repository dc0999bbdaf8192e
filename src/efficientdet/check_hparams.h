#pragma once

#include "base/result.h"
#include "efficientdet/hparams.h"

namespace edet::efficientdet {

// Whether a network can be built from these numbers: every count in its range, levels that fit the
// picture, fusion nodes that read what exists. Error: InvalidArgument or Unsupported, `where` names
// the hyperparameter.
Status CheckHparams(const Hparams& hparams);

}  // namespace edet::efficientdet
