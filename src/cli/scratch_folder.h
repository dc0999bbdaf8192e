#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "base/interruption.h"

namespace edet::cli {

// A folder for temporary files, gone with everything in it afterwards, also where a signal ends the
// program. `path()` is empty where none could be made.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::error_code failed;
    std::filesystem::path base = std::filesystem::temp_directory_path(failed);
    if (failed) base = "/tmp";
    std::string name = (base / "edet-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() { Remove(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  void Remove() const {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path path_;
  AtInterruption removal_{[this] { Remove(); }};
};

}  // namespace edet::cli
