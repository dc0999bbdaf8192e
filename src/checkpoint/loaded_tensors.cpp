#include "checkpoint/loaded_tensors.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked_math.h"
#include "checkpoint/crc32c.h"

namespace edet::checkpoint {
namespace {

constexpr uint64_t kUnpackedFromAnySizeBytes = uint64_t{64} << 20;
constexpr uint64_t kMostTimesUnpacked = 32;

}  // namespace

uint64_t MostUnpackedBytes(uint64_t file_bytes, const Limits& limits) {
  uint64_t most = CheckedMultiply(file_bytes, kMostTimesUnpacked).value_or(UINT64_MAX);
  return std::min(limits.unpacked_bytes, std::max(most, kUnpackedFromAnySizeBytes));
}

Result<char*> LoadedTensors::Add(std::string name, std::string key, DType dtype,
                                 std::vector<int64_t> shape, uint64_t present_bytes) {
  if (name.empty() || name.size() > limits_.name_bytes)
    return Fail(ErrorCode::kLimitExceeded, "a tensor has no name or one that is too long");
  if (entries.size() >= limits_.tensors)
    return Fail(ErrorCode::kLimitExceeded, fmt::format("more than {} tensors", limits_.tensors));
  if (shape.size() > limits_.rank) {
    return Fail(ErrorCode::kLimitExceeded,
                fmt::format("tensor '{}' has {} dimensions", name, shape.size()));
  }
  std::optional<uint64_t> count = ElementCount(shape);
  std::optional<uint64_t> size =
      count ? CheckedMultiply(*count, DTypeBytes(dtype)) : std::optional<uint64_t>();
  if (!size || *size != present_bytes) {
    return Fail(
        ErrorCode::kCorrupt,
        fmt::format("tensor '{}' has {} bytes, which do not fit its shape", name, present_bytes));
  }
  if (*size > limits_.tensor_bytes || bytes.size() + *size > limits_.unpacked_bytes) {
    return Fail(ErrorCode::kLimitExceeded,
                fmt::format("tensor '{}' of {} bytes is over the size limit", name, *size));
  }
  TensorEntry entry;
  entry.name = std::move(name);
  entry.checkpoint_key = std::move(key);
  entry.dtype = dtype;
  TensorPiece piece;
  piece.extent = shape;
  piece.offset_bytes = bytes.size();
  piece.size_bytes = *size;
  entry.shape = std::move(shape);
  entry.pieces.push_back(std::move(piece));
  entries.push_back(std::move(entry));
  bytes.resize(bytes.size() + *size);
  return bytes.data() + (bytes.size() - *size);
}

Status LoadedTensors::Finish() {
  std::sort(entries.begin(), entries.end(),
            [](const TensorEntry& a, const TensorEntry& b) { return a.name < b.name; });
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i > 0 && entries[i].name == entries[i - 1].name) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("two tensors have the name '{}'", entries[i].name));
    }
    TensorPiece& piece = entries[i].pieces[0];
    piece.masked_crc32c = MaskCrc32c(
        Crc32c(bytes.data() + piece.offset_bytes, static_cast<size_t>(piece.size_bytes)));
  }
  return {};
}

}  // namespace edet::checkpoint
