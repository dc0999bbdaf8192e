#pragma once

#include <filesystem>

#include "base/result.h"
#include "deploy/bundle.h"
#include "deploy/kitti.h"

namespace edet::cli {

// What a bundle's own configuration finds in a video on this machine, by `edet run` and with this
// program's own parser library: the reference for a device's detections. `frames`: at most so
// many; 0: all. Errors: those of video::Run and of writing to the temporary folder.
Result<deploy::KittiFrames> ReferenceRun(const deploy::Bundle& bundle,
                                         const std::filesystem::path& video, uint64_t frames,
                                         bool show_progress);

}  // namespace edet::cli
