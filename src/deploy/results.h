#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace edet::deploy {

// Writes the plain files of a tar that a device sent into a folder here; gives their number. Names
// that lead out of it, links and anything else are refused. Errors: Corrupt, LimitExceeded, Io.
Result<size_t> UnpackResults(const std::string& tar, const std::filesystem::path& folder);

}  // namespace edet::deploy
