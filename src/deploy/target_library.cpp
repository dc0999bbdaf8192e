#include "deploy/target_library.h"

#include <fmt/format.h>

#include <map>
#include <vector>

namespace edet::deploy {
namespace fs = std::filesystem;
using deepstream::CompareVersions;
using deepstream::Platform;
namespace {

constexpr const char* kName = "libnvdsinfer_efficientdet.so";

// The newest symbol versions of the libstdc++ that Ubuntu ships beside a glibc (18.04, 20.04,
// 22.04, 24.04); libgcc's versions of 64-bit machines end with 4.2 and 4.3 for what we use.
struct SystemSymbols {
  const char *glibc, *glibcxx, *cxxabi;
};
constexpr SystemSymbols kSystems[] = {{"2.27", "3.4.25", "1.3.11"},
                                      {"2.31", "3.4.28", "1.3.12"},
                                      {"2.35", "3.4.30", "1.3.13"},
                                      {"2.39", "3.4.33", "1.3.15"}};

std::map<std::string, std::string> NewestOf(const Platform& platform) {
  std::map<std::string, std::string> newest = {{"GLIBC", platform.glibc}};
  for (const SystemSymbols& system : kSystems) {
    if (CompareVersions(system.glibc, platform.glibc) > 0) break;
    newest["GLIBCXX"] = system.glibcxx;
    newest["CXXABI"] = system.cxxabi;
  }
  return newest;
}

// "2.27"; a file may claim anything ("GLIBC_PRIVATE"), and such a version no system promises.
bool IsOlderOrSame(const std::string& version, const std::string& newest) {
  if (version.empty() || version.size() > 9 ||
      version.find_first_not_of("0123456789.") != std::string::npos ||
      version.find("..") != std::string::npos || version[0] == '.')
    return false;
  return CompareVersions(version, newest) <= 0;
}

std::vector<fs::path> Candidates(const Platform& platform, const fs::path& program_folder) {
  return {program_folder / ".." / "lib" / platform.arch / kName,
          program_folder / ".." / ".." / "jetson" / "lib" / kName,
          program_folder / ".." / "lib" / kName, program_folder / kName};
}

}  // namespace

Status CheckLibrary(const TargetLibrary& library, const Platform& platform) {
  const parser::LibraryDescription& it = library.description;
  if (it.architecture != platform.arch) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("the library is for {}, {} is {}", it.architecture, platform.name,
                             platform.arch),
                 library.path.string(), "give the one for the device with --parser-library"};
  }
  if (!it.self) {
    return Error{ErrorCode::kUnsupported, "this is not edet's parser library",
                 library.path.string(), "a bundle's install script lets the library test itself"};
  }
  for (const auto& [family, newest] : NewestOf(platform)) {
    auto needed = it.needed_newest.find(family);
    if (needed == it.needed_newest.end() || IsOlderOrSame(needed->second, newest)) continue;
    return Error{ErrorCode::kUnsupported,
                 fmt::format("the library needs {}_{}, {} ends at {}", family, needed->second,
                             platform.name, newest),
                 library.path.string(),
                 "build it with 'cmake --preset jetson && cmake --build --preset jetson'"};
  }
  return {};
}

Result<TargetLibrary> FindTargetLibrary(const Platform& platform, const fs::path& given,
                                        const fs::path& program_folder) {
  TargetLibrary library;
  if (!given.empty()) {
    library.path = given;
    EDET_ASSIGN_OR_RETURN(library.description, parser::DescribeLibrary(given));
    EDET_RETURN_IF_ERROR(CheckLibrary(library, platform));
    return library;
  }
  for (const fs::path& candidate : Candidates(platform, program_folder)) {
    Result<parser::LibraryDescription> description = parser::DescribeLibrary(candidate);
    if (!description.ok() || description->architecture != platform.arch) continue;
    library.path = fs::weakly_canonical(candidate);
    library.description = *description;
    EDET_RETURN_IF_ERROR(CheckLibrary(library, platform));
    return library;
  }
  return Error{ErrorCode::kEnvironment,
               fmt::format("there is no {} for {} beside this program", kName, platform.arch),
               (program_folder / ".." / "lib" / platform.arch).lexically_normal().string(),
               "build it with 'cmake --preset jetson && cmake --build --preset jetson', or give "
               "--parser-library FILE"};
}

}  // namespace edet::deploy
