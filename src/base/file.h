#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/interruption.h"
#include "base/result.h"

namespace edet {

inline constexpr uint64_t kDefaultFileLimitBytes = uint64_t{4} << 30;

// Reads a whole regular file. Errors: NotFound, Io (a folder, a device, no permission),
// LimitExceeded.
Result<std::string> ReadFile(const std::filesystem::path& path,
                             uint64_t limit_bytes = kDefaultFileLimitBytes);

// Size of a regular file in bytes. Errors as ReadFile.
Result<uint64_t> FileSizeBytes(const std::filesystem::path& path);

// A file, or several that belong together, written under temporary names beside their final ones
// and renamed by Commit(): an interrupted or failed run leaves what was there before. What was not
// committed is removed by the destructor, and where a signal ends the program. One thread.
class OutputFiles {
 public:
  OutputFiles() = default;
  OutputFiles(const OutputFiles&) = delete;
  OutputFiles& operator=(const OutputFiles&) = delete;
  OutputFiles(OutputFiles&& other) noexcept { staged_.swap(other.staged_); }
  ~OutputFiles();

  // Writes `bytes` to a temporary name in the folder of `path` (which is made if absent) and syncs
  // it.
  Status Stage(const std::filesystem::path& path, std::string_view bytes, bool executable = false);
  // For writers that want a file name: reserves a temporary name, which keeps the extension of
  // `path`.
  Result<std::filesystem::path> StageName(const std::filesystem::path& path);
  // Renames everything to its final name. If one name cannot be had, those before it are given
  // back what they had (a file system without RENAME_EXCHANGE loses what was replaced).
  Status Commit();

 private:
  struct Staged {
    std::filesystem::path temporary;
    std::filesystem::path final;
    std::unique_ptr<AtInterruption> removal;
    bool swapped = false;  // by Commit: what was there has the temporary name now
  };
  void TakeBack(size_t done);
  std::vector<Staged> staged_;
};

// One file through OutputFiles.
Status WriteFileAtomically(const std::filesystem::path& path, std::string_view bytes);

}  // namespace edet
