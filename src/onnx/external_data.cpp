#include "onnx/external_data.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/checked_math.h"
#include "onnx/types.h"

namespace edet::onnx_format {
namespace fs = std::filesystem;
namespace {

struct Place {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};

Error Bad(ErrorCode code, std::string what, const ::onnx::TensorProto& tensor) {
  return {code, std::move(what), "tensor " + tensor.name(), ""};
}

std::optional<uint64_t> Number(const std::string& text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

Result<Place> ReadPlace(const ::onnx::TensorProto& tensor) {
  Place place;
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() == "location") {
      // Readers differ in which one they take.
      if (!place.location.empty())
        return Bad(ErrorCode::kCorrupt, "external data is in two places", tensor);
      place.location = entry.value();
      continue;
    }
    if (entry.key() == "checksum") continue;  // SHA1 of the whole file; nobody fills it in
    bool offset = entry.key() == "offset";
    if (!offset && entry.key() != "length")
      return Bad(ErrorCode::kCorrupt, "external data has an unknown key", tensor);
    std::optional<uint64_t> value = Number(entry.value());
    if (!value)
      return Bad(ErrorCode::kCorrupt, "external data's " + entry.key() + " is no number", tensor);
    if (offset) place.offset = *value;
    if (!offset) place.length = *value;
  }
  return place;
}

class Folder {
 public:
  explicit Folder(int fd) : fd_(fd) {}
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { Reset(-1); }
  int get() const { return fd_; }
  void Reset(int fd) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }

 private:
  int fd_;
};

// Walks down step by step, so that no part of the way can be a link.
Status OpenBelow(const fs::path& folder, const fs::path& location, Folder& at) {
  constexpr int kStep = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  fs::path top = folder.empty() ? fs::path(".") : folder;
  at.Reset(open(top.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  for (auto part = location.begin(); part != location.end() && at.get() >= 0; ++part) {
    bool last = std::next(part) == location.end();
    int next = openat(at.get(), part->c_str(), kStep | (last ? 0 : O_DIRECTORY));
    int number = errno;
    if (next < 0 && (number == ELOOP || number == ENOTDIR)) {
      return Error{ErrorCode::kCorrupt, "external data behind a link is not read",
                   location.string(), "put the file itself beside the model"};
    }
    if (next < 0) {
      return Error{number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                   std::string("cannot open the external data: ") + std::strerror(number),
                   (top / location).string(), "copy it with the model"};
    }
    at.Reset(next);
  }
  if (at.get() < 0)
    return Error{ErrorCode::kIo, "cannot open the model's folder", top.string(), ""};
  return {};
}

bool StaysBelow(const fs::path& location) {
  if (location.empty() || location.is_absolute()) return false;
  for (const fs::path& part : location)
    if (part == ".." || part.empty()) return false;
  return true;
}

Result<std::string> ReadRange(int fd, uint64_t offset, uint64_t length) {
  std::string bytes(length, '\0');
  uint64_t done = 0;
  while (done < length) {
    ssize_t got = pread(fd, bytes.data() + done, length - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Error{ErrorCode::kIo, "cannot read the external data", "", ""};
    done += static_cast<uint64_t>(got);
  }
  return bytes;
}

// Opens the file of a tensor's values, by the rules.
Result<Place> OpenExternal(const ::onnx::TensorProto& tensor, const fs::path& folder,
                           uint64_t wanted_bytes, Folder& file) {
  EDET_ASSIGN_OR_RETURN(Place place, ReadPlace(tensor));
  fs::path location = place.location;
  if (place.location.find('\0') != std::string::npos || !StaysBelow(location)) {
    return Error{ErrorCode::kCorrupt, "external data outside of the model's folder is not read",
                 "tensor " + tensor.name(), "save the model with its data beside it"};
  }
  EDET_RETURN_IF_ERROR(OpenBelow(folder, location, file));
  struct stat info {};
  if (fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return Bad(ErrorCode::kCorrupt, "external data is no regular file", tensor);
  if (info.st_nlink > 1) {
    return Error{ErrorCode::kCorrupt, "external data behind a hard link is not read",
                 location.string(), "copy the file"};
  }
  if (place.length.value_or(wanted_bytes) != wanted_bytes)
    return Bad(ErrorCode::kCorrupt, "external data's length is not that of its shape", tensor);
  if (!RangeFits(place.offset, wanted_bytes, static_cast<uint64_t>(info.st_size)))
    return Bad(ErrorCode::kCorrupt, "external data ends before the tensor does", tensor);
  return place;
}

}  // namespace

Result<std::string> ReadExternalData(const ::onnx::TensorProto& tensor, const fs::path& folder,
                                     uint64_t wanted_bytes) {
  Folder file(-1);
  EDET_ASSIGN_OR_RETURN(Place place, OpenExternal(tensor, folder, wanted_bytes, file));
  return ReadRange(file.get(), place.offset, wanted_bytes);
}

Status CheckExternalData(const ::onnx::TensorProto& tensor, const fs::path& folder) {
  std::optional<uint64_t> elements = ElementCount({tensor.dims().begin(), tensor.dims().end()});
  auto bytes = elements ? CheckedMultiply(*elements, ElementBytes(TypeFromOnnx(tensor.data_type())))
                        : std::nullopt;
  if (!bytes) return Bad(ErrorCode::kCorrupt, "external data has an impossible shape", tensor);
  Folder file(-1);
  EDET_ASSIGN_OR_RETURN([[maybe_unused]] Place place, OpenExternal(tensor, folder, *bytes, file));
  return {};
}

}  // namespace edet::onnx_format
