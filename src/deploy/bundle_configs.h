#pragma once

#include <vector>

#include "base/result.h"
#include "deploy/bundle.h"

namespace edet::deploy {

// The configs of a model for a platform, and the parser library's options file where it needs one:
// files of model/. deepstream_measure.txt is deepstream-app's for measuring: nothing is drawn,
// encoded or shown, and the detections of each frame go to ../kitti/. `engine`: the engine's name
// that they hold. Errors: Unsupported, where the platform does not take the model's form; where the
// folder's own configs are kept, those of reading them.
Result<std::vector<BundleFile>> ConfigsFor(const BundleModel& model,
                                           const deepstream::Platform& platform,
                                           std::string& engine);

}  // namespace edet::deploy
