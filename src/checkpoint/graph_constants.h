#pragma once

#include <filesystem>

#include "base/result.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/loaded_tensors.h"

namespace edet::checkpoint {

enum class GraphFile {
  kGraphDef,    // a frozen graph: `efficientdet-d0_frozen.pb`
  kSavedModel,  // `saved_model.pb`; all its graphs are looked through
};

// The variables that freezing turned into constants, under their own names. Freezing leaves the
// read of a variable as an Identity of the constant, which no other floating-point constant of a
// graph has: that tells them apart from the graph's own numbers (anchors, thresholds). Functions of
// the graph are not looked into. No part of the graph is run. Errors: NotFound, Io, Corrupt (not a
// graph, cut off, a constant that does not fit its shape), Unsupported (no constant in it was a
// variable), LimitExceeded.
Result<LoadedTensors> ReadGraphConstants(const std::filesystem::path& path, GraphFile form,
                                         const Limits& limits);

}  // namespace edet::checkpoint
