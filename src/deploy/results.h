#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"

namespace edet::deploy {

// The plain files of a tar that a device sent, by their path. Names that lead out of a folder,
// links and anything else are refused. Errors: Corrupt.
Result<std::map<std::string, std::string>> ReadResults(const std::string& tar);

// Writes them into a folder here, all or none. Errors: Io.
Status WriteResults(const std::map<std::string, std::string>& files,
                    const std::filesystem::path& folder);

}  // namespace edet::deploy
