#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "deepstream/platforms.h"
#include "deepstream/write_configs.h"

namespace edet::deploy {

// A folder that `edet convert` wrote, as far as a bundle needs it.
struct ModelFolder {
  std::filesystem::path path;
  std::string record;              // edet.json as it is: how the model was made
  deepstream::ModelFacts facts;    // platform and version empty
  deepstream::ModelWishes wishes;  // what the model is: a platform may refuse it
  std::string target;              // the platform that it was converted for; may be empty
};

// Errors: NotFound (no such folder, no edet.json, no config), Corrupt (edet.json or the config
// cannot be read), Unsupported (INT8, whose calibration belongs to one device).
Result<ModelFolder> ReadModelFolder(const std::filesystem::path& path);

}  // namespace edet::deploy
