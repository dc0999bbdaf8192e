#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace edet::checkpoint {

// A data file of a bundle, open for reading at any place, or its bytes where they came out of
// something else (an archive, a graph). Movable; reads may come from several threads.
class DataFile {
 public:
  // Errors: NotFound, Io (not a regular file, no permission).
  static Result<DataFile> Open(const std::filesystem::path& path);
  // `path` only names the bytes in errors.
  static DataFile InMemory(std::filesystem::path path, std::string bytes);
  DataFile(DataFile&& other) noexcept;
  DataFile& operator=(DataFile&& other) noexcept;
  ~DataFile();

  uint64_t size_bytes() const { return size_bytes_; }
  const std::filesystem::path& path() const { return path_; }
  // Fills `destination` with the bytes at `offset`. Errors: Io, Corrupt (the file ends before, or
  // shrank meanwhile).
  Status ReadAt(uint64_t offset, void* destination, uint64_t size) const;

 private:
  DataFile(std::filesystem::path path, int descriptor, uint64_t size_bytes);
  std::filesystem::path path_;
  int descriptor_ = -1;  // -1: the bytes are in memory
  std::string bytes_;
  uint64_t size_bytes_ = 0;
};

}  // namespace edet::checkpoint
