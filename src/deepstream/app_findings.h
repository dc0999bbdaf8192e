#pragma once

#include "base/findings.h"
#include "deepstream/app_config.h"
#include "deepstream/key_file.h"

namespace edet::deepstream {

// What deepstream-app accepts although it does harm: missing files, no sources, overrides of the
// nvinfer config.
void FindSilentHarm(const KeyFile& file, const AppConfig& config, Findings& findings);

}  // namespace edet::deepstream
