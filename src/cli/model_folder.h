#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "deepstream/platforms.h"
#include "deepstream/write_configs.h"

namespace edet::cli {

// A folder that `edet convert` wrote, as its edet.json tells.
struct ModelFolder {
  deepstream::ModelFacts facts;   // of the model; nothing of a platform; files by name
  deepstream::ModelWishes needs;  // what a platform must take
  std::string target;             // that it was converted for; empty: none in particular
  deepstream::TensorFacts input;
  std::vector<deepstream::TensorFacts> outputs;
};

// Reads edet.json and, for the tensors, model.onnx. Errors: NotFound, Corrupt (not such files, or
// not of each other), those of reading.
Result<ModelFolder> ReadModelFolder(const std::filesystem::path& folder);

}  // namespace edet::cli
