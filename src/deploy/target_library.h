#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "deepstream/platforms.h"
#include "parser/library_symbols.h"

namespace edet::deploy {

struct TargetLibrary {
  std::filesystem::path path;
  parser::LibraryDescription description;
};

// The parser library for a platform's architecture. `given`: the file that the user named, or
// empty: ../lib/ARCH/ beside the program, ../../jetson/lib/ of a build tree, or the program's own
// library, the first that is there and is of this architecture. `program_folder`: where the running
// program lies. Errors: Environment (none found), and CheckLibrary's.
Result<TargetLibrary> FindTargetLibrary(const deepstream::Platform& platform,
                                        const std::filesystem::path& given,
                                        const std::filesystem::path& program_folder);

// Whether the loader of the platform takes the library: our own, of its architecture, and asking
// for no newer symbol of glibc, libstdc++ or libgcc than it has. Errors: Unsupported.
Status CheckLibrary(const TargetLibrary& library, const deepstream::Platform& platform);

}  // namespace edet::deploy
