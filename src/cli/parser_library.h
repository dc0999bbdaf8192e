#pragma once

#include <filesystem>

#include "base/result.h"

namespace edet::cli {

// The parser library that belongs to this program: ../lib/libnvdsinfer_efficientdet.so beside the
// executable, or in its own folder. Error: Environment.
Result<std::filesystem::path> FindParserLibrary();

}  // namespace edet::cli
