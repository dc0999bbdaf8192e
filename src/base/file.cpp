#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace edet {
namespace fs = std::filesystem;
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  // Closes now and tells whether that worked: the last chance to hear of a full disk.
  bool Close() {
    int fd = fd_;
    fd_ = -1;
    return close(fd) == 0;
  }

 private:
  int fd_;
};

Error SystemError(const char* doing, const fs::path& path, int number) {
  ErrorCode code = number == ENOENT || number == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo;
  return {code, std::string(doing) + ": " + std::strerror(number), path.string(), ""};
}

// Opens for reading without hanging on a FIFO; only regular files pass.
Result<int> OpenRegular(const fs::path& path, uint64_t& size_bytes) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return SystemError("cannot open", path, errno);
  struct stat info {};
  if (fstat(fd, &info) != 0) {
    int number = errno;
    close(fd);
    return SystemError("cannot look at", path, number);
  }
  if (!S_ISREG(info.st_mode)) {
    close(fd);
    return Error{ErrorCode::kIo,
                 S_ISDIR(info.st_mode) ? "is a folder, not a file" : "is not a regular file",
                 path.string(), ""};
  }
  size_bytes = static_cast<uint64_t>(info.st_size);
  return fd;
}

Status WriteAll(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return SystemError("cannot write", path, errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

// Both names are there and change places at once. Not every file system can do that.
bool Swap(const fs::path& a, const fs::path& b) {
  return renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
}

// A name that is taken is given to the new file: root would take /dev/null from everybody. Folders
// are refused by Commit.
Status CheckReplaceable(const fs::path& path) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  if (!fs::exists(status) || fs::is_regular_file(status) || fs::is_directory(status)) return {};
  return Error{ErrorCode::kIo, "is a device or a pipe, and would be replaced by a file",
               path.string(), "name a file"};
}

}  // namespace

Result<std::string> ReadFile(const fs::path& path, uint64_t limit_bytes) {
  uint64_t size_bytes = 0;
  EDET_ASSIGN_OR_RETURN(int fd, OpenRegular(path, size_bytes));
  Descriptor file(fd);
  if (size_bytes > limit_bytes) {
    return Error{ErrorCode::kLimitExceeded,
                 "file of " + std::to_string(size_bytes) + " bytes is over the limit of " +
                     std::to_string(limit_bytes),
                 path.string(), ""};
  }
  std::string bytes(size_bytes, '\0');
  size_t filled = 0;
  while (filled < bytes.size()) {
    ssize_t got = read(file.get(), bytes.data() + filled, bytes.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("cannot read", path, errno);
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

Result<uint64_t> FileSizeBytes(const fs::path& path) {
  uint64_t size_bytes = 0;
  EDET_ASSIGN_OR_RETURN(int fd, OpenRegular(path, size_bytes));
  close(fd);
  return size_bytes;
}

OutputFiles::~OutputFiles() {
  for (const Staged& file : staged_) unlink(file.temporary.c_str());
}

Result<fs::path> OutputFiles::StageName(const fs::path& path) {
  EDET_RETURN_IF_ERROR(CheckReplaceable(path));
  if (path.has_parent_path()) {
    std::error_code failed;
    fs::create_directories(path.parent_path(), failed);
    if (failed) return SystemError("cannot make the folder", path.parent_path(), failed.value());
  }
  fs::path temporary =
      path.parent_path() / ("." + path.stem().string() + ".partial-" + std::to_string(getpid()) +
                            "-" + std::to_string(staged_.size()) + path.extension().string());
  unlink(temporary.c_str());
  staged_.push_back({temporary, path, std::make_unique<AtInterruption>([name = temporary.string()] {
                       unlink(name.c_str());
                     })});
  return temporary;
}

Status OutputFiles::Stage(const fs::path& path, std::string_view bytes, bool executable) {
  EDET_ASSIGN_OR_RETURN(fs::path temporary, StageName(path));
  Descriptor file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                       executable ? 0777 : 0666));
  if (file.get() < 0) return SystemError("cannot write", path, errno);
  EDET_RETURN_IF_ERROR(WriteAll(file.get(), bytes, path));
  if (fsync(file.get()) != 0 || !file.Close()) return SystemError("cannot write", path, errno);
  return {};
}

Status OutputFiles::Commit() {
  size_t done = 0;
  for (; done < staged_.size(); ++done) {
    Staged& file = staged_[done];
    std::error_code ignored;
    if (fs::is_directory(fs::symlink_status(file.final, ignored)))
      errno = EISDIR;
    else if ((file.swapped = Swap(file.temporary, file.final)) ||
             rename(file.temporary.c_str(), file.final.c_str()) == 0)
      continue;
    int number = errno;
    TakeBack(done);
    return SystemError("cannot rename to", file.final, number);
  }
  for (const Staged& file : staged_) {
    if (file.swapped) unlink(file.temporary.c_str());
  }
  staged_.clear();
  return {};
}

// The first `done` files go back to their temporary names, and what they replaced returns.
void OutputFiles::TakeBack(size_t done) {
  while (done-- > 0) {
    const Staged& file = staged_[done];
    if (!file.swapped || !Swap(file.temporary, file.final))
      rename(file.final.c_str(), file.temporary.c_str());
  }
}

Status WriteFileAtomically(const fs::path& path, std::string_view bytes) {
  OutputFiles output;
  EDET_RETURN_IF_ERROR(output.Stage(path, bytes));
  return output.Commit();
}

}  // namespace edet
