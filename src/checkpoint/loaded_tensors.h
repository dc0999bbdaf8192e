#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "checkpoint/checkpoint.h"

namespace edet::checkpoint {

// How much a compressed file of this size may unpack to: weights hardly get smaller by compression,
// so that what grows beyond this is a bomb and no model. At most `limits.unpacked_bytes`.
uint64_t MostUnpackedBytes(uint64_t file_bytes, const Limits& limits);

// Tensors of a file that is no bundle, taken over into memory: what a bundle's index and its one
// data file would hold. Add() checks every tensor against the limits before a byte is copied.
class LoadedTensors {
 public:
  LoadedTensors(std::string where, const Limits& limits)
      : where_(std::move(where)), limits_(limits) {}

  // Makes room for a tensor whose values the caller fills in: little-endian, row-major, as many
  // bytes as the shape says. The memory is valid until the next call. `present_bytes`: how many
  // bytes of values the file has for it. Errors: Corrupt (a shape that the bytes do not fit),
  // LimitExceeded.
  Result<char*> Add(std::string name, std::string key, DType dtype, std::vector<int64_t> shape,
                    uint64_t present_bytes);

  // Errors: Corrupt (two tensors of one name), LimitExceeded. Sorts by name and makes the
  // checksums that ReadFloats compares.
  Status Finish();

  std::vector<TensorEntry> entries;
  std::string bytes;

 private:
  Error Fail(ErrorCode code, const std::string& what) const { return {code, what, where_, ""}; }
  std::string where_;
  Limits limits_;
};

}  // namespace edet::checkpoint
