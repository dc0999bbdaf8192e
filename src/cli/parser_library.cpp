#include "cli/parser_library.h"

namespace edet::cli {
namespace fs = std::filesystem;

Result<fs::path> FindParserLibrary() {
  constexpr const char* kName = "libnvdsinfer_efficientdet.so";
  std::error_code failed;
  fs::path program = fs::read_symlink("/proc/self/exe", failed);
  fs::path folder = program.parent_path();
  for (const fs::path& candidate : {folder / ".." / "lib" / kName, folder / kName}) {
    if (fs::exists(candidate, failed)) return fs::weakly_canonical(candidate);
  }
  return Error{ErrorCode::kEnvironment, std::string(kName) + " is not beside this program",
               folder.string(), "build the target nvdsinfer_efficientdet, or install edet again"};
}

}  // namespace edet::cli
