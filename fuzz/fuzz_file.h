#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "checkpoint/checkpoint.h"

namespace edet::fuzz {

// Writes one input under a name in a folder of this process, in memory where there is /dev/shm.
inline std::filesystem::path WriteFile(const char* name, const uint8_t* bytes, size_t size) {
  namespace fs = std::filesystem;
  static const fs::path folder = [] {
    std::string made =
        fs::exists("/dev/shm") ? "/dev/shm/edet-fuzz-XXXXXX" : "/tmp/edet-fuzz-XXXXXX";
    if (mkdtemp(made.data()) == nullptr) std::abort();
    return fs::path(made);
  }();
  fs::path path = folder / name;
  int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0 || write(file, bytes, size) != static_cast<ssize_t>(size) || close(file) != 0)
    std::abort();
  return path;
}

// Opens under small limits; where it opens, each tensor can be read or an error says why not.
inline void OpenWhatOpens(const std::filesystem::path& path) {
  checkpoint::Limits limits;
  limits.tensor_bytes = limits.unpacked_bytes = uint64_t{1} << 24;
  Result<checkpoint::Checkpoint> opened = checkpoint::Checkpoint::Open(path, limits);
  if (!opened.ok()) {
    if (opened.error().ToString().empty()) std::abort();
    return;
  }
  for (const auto& entry : opened->entries()) {
    Result<std::vector<float>> values = opened->ReadFloats(entry.name);
    if (!values.ok() && values.error().ToString().empty()) std::abort();
  }
}

// Whatever the file holds: weights that can be read, or an error that says something.
inline void OpenAndReadAll(const std::filesystem::path& path) {
  checkpoint::Limits limits;
  limits.tensor_bytes = limits.unpacked_bytes = uint64_t{1} << 24;
  Result<checkpoint::Checkpoint> opened = checkpoint::Checkpoint::Open(path, limits);
  if (!opened.ok()) {
    if (opened.error().ToString().empty()) std::abort();
    return;
  }
  for (const auto& entry : opened->entries()) {
    if (!opened->ReadFloats(entry.name).ok()) std::abort();  // all was checked while opening
  }
}

}  // namespace edet::fuzz
