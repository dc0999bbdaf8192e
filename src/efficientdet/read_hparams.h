#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "efficientdet/hparams.h"

namespace edet::efficientdet {

// Hyperparameters as AutoML writes and takes them, applied on top of `hparams`.
//
// `given`: "key=value,key=value" (nested keys with dots, lists with '*':
// "aspect_ratios=1.0*2.0*0.5"), or the name of a .yaml file, such as the config.yaml that AutoML's
// trainers leave beside a checkpoint. Keys that decide the graph are applied; keys of training and
// data are skipped; `notes` gets a line for each value that changes the model. A name (`name:
// efficientdet-d2`) starts from that model. Errors: NotFound, Corrupt (no YAML, a value of the
// wrong kind: the key is named), InvalidArgument (unknown key, with the nearest known one),
// Unsupported (a segmentation head, say: named).
Result<Hparams> ReadHparams(const std::string& given, Hparams hparams,
                            std::vector<std::string>& notes);

}  // namespace edet::efficientdet
