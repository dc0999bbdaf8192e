#pragma once

#include "base/findings.h"
#include "deepstream/key_file.h"
#include "deepstream/nvinfer_config.h"

namespace edet::deepstream {

// What nvinfer accepts although it does harm: missing files, classes without labels, boxes that
// vanish.
void FindSilentHarm(const KeyFile& file, const NvinferConfig& config, Findings& findings);

}  // namespace edet::deepstream
