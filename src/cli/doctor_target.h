#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace edet::cli {

// Prints what a device that ssh reaches has and lacks for `edet deploy`. Gives the exit code: 0, or
// 4 where something is missing. Errors: Environment (not reached).
Result<int> DoctorTarget(const std::string& device, const std::filesystem::path& ssh_config,
                         bool json);

}  // namespace edet::cli
