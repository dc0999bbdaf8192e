#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace edet::checkpoint {

// A data file of a bundle, open for reading at any place. Movable; reads may come from several
// threads.
class DataFile {
 public:
  // Errors: NotFound, Io (not a regular file, no permission).
  static Result<DataFile> Open(const std::filesystem::path& path);
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
  int descriptor_ = -1;
  uint64_t size_bytes_ = 0;
};

}  // namespace edet::checkpoint
