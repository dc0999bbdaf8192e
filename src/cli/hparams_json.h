#pragma once

#include <nlohmann/json.hpp>

#include "efficientdet/hparams.h"

namespace edet::cli {

// Everything that decides the graph, under AutoML's names: saved as a file, it is what
// `--hparams FILE.yaml` takes, and gives the same graph again.
nlohmann::ordered_json HparamsJson(const efficientdet::Hparams& hparams);

}  // namespace edet::cli
