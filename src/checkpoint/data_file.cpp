#include "checkpoint/data_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/checked_math.h"

namespace edet::checkpoint {
namespace {

Error SystemError(const char* doing, const std::filesystem::path& path, int number) {
  ErrorCode code = number == ENOENT || number == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo;
  return {code, std::string(doing) + ": " + std::strerror(number), path.string(), ""};
}

}  // namespace

DataFile::DataFile(std::filesystem::path path, int descriptor, uint64_t size_bytes)
    : path_(std::move(path)), descriptor_(descriptor), size_bytes_(size_bytes) {}

DataFile::DataFile(DataFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      bytes_(std::move(other.bytes_)),
      size_bytes_(other.size_bytes_) {}

DataFile& DataFile::operator=(DataFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(bytes_, other.bytes_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

DataFile::~DataFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

Result<DataFile> DataFile::Open(const std::filesystem::path& path) {
  int descriptor =
      open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO must not hold us up
  if (descriptor < 0) return SystemError("cannot open", path, errno);
  DataFile file(path, descriptor, 0);
  struct stat info {};
  if (fstat(descriptor, &info) != 0) return SystemError("cannot look at", path, errno);
  if (!S_ISREG(info.st_mode))
    return Error{ErrorCode::kIo, "is not a regular file", path.string(), ""};
  file.size_bytes_ = static_cast<uint64_t>(info.st_size);
  return file;
}

DataFile DataFile::InMemory(std::filesystem::path path, std::string bytes) {
  DataFile file(std::move(path), -1, bytes.size());
  file.bytes_ = std::move(bytes);
  return file;
}

Status DataFile::ReadAt(uint64_t offset, void* destination, uint64_t size) const {
  if (!RangeFits(offset, size, size_bytes_)) {
    return Error{ErrorCode::kCorrupt, "the data file ends too early", path_.string(),
                 "copy it again"};
  }
  if (descriptor_ < 0) {
    std::copy_n(bytes_.data() + offset, size, static_cast<char*>(destination));
    return {};
  }
  auto* bytes = static_cast<char*>(destination);
  while (size > 0) {
    ssize_t got = pread(descriptor_, bytes, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("cannot read", path_, errno);
    if (got == 0) {
      return Error{ErrorCode::kCorrupt, "the data file became shorter while it was read",
                   path_.string(), ""};
    }
    bytes += got;
    offset += static_cast<uint64_t>(got);
    size -= static_cast<uint64_t>(got);
  }
  return {};
}

}  // namespace edet::checkpoint
