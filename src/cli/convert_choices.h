#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "cli/convert_options.h"
#include "deepstream/platforms.h"
#include "efficientdet/hparams.h"

namespace edet::cli {

// What one conversion found out and decided: for the screen and for edet.json.
struct Conversion {
  efficientdet::Hparams hparams;
  std::string hparams_given;  // what --hparams or config.yaml said
  std::optional<deepstream::Platform> platform;
  std::vector<std::string> reasons;
  std::vector<std::string> labels;
  float soft_sigma = 0.F;  // of the soft NMS left to the parser library; 0: hard
  std::string checkpoint;
  bool uses_ema = false;
  efficientdet::NmsSemantics semantics = efficientdet::NmsSemantics::kPerClass;
  std::vector<std::string> outputs;
  size_t nodes = 0;
  uint64_t parameters = 0;
};

// What --target chooses where the user chose nothing; before anything is read, as it may be
// refused. Returns the reasons, one line each.
Result<std::vector<std::string>> ChooseForTarget(ConvertOptions& options, Conversion& conversion);

// The rest, from the checkpoint, --hparams, the config.yaml beside the checkpoint and the options:
// model, thresholds, semantics, labels. Each conclusion is a line in conversion.reasons.
Status Choose(const checkpoint::Checkpoint& checkpoint, ConvertOptions& options,
              Conversion& conversion);

deepstream::Postprocessing PostprocessingOf(efficientdet::NmsKind kind);

}  // namespace edet::cli
