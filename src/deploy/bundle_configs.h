#pragma once

#include <vector>

#include "base/result.h"
#include "deploy/bundle.h"

namespace edet::deploy {

// The configs of a model for a platform, and the parser library's options file where it needs one:
// files of model/. `engine`: the engine's name that they hold. Errors: Unsupported, where the
// platform does not take the model's form.
Result<std::vector<BundleFile>> ConfigsFor(const ModelFolder& folder,
                                           const deepstream::Platform& platform,
                                           std::string& engine);

}  // namespace edet::deploy
