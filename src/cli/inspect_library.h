#pragma once

#include <filesystem>

#include "base/result.h"

namespace edet::cli {

// Whether a file name is one of a shared library: x.so, x.so.1.
bool IsLibraryName(const std::filesystem::path& path);

// Prints what a parser library is: architecture, needs, functions, contracts. Does not load it.
Status InspectLibrary(const std::filesystem::path& path, bool json);

}  // namespace edet::cli
