#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/index_table.h"

namespace edet::checkpoint {

// The index of a bundle after its records were taken apart and checked on their own (not yet
// against data files).
struct BundleIndex {
  uint32_t shards = 1;
  std::vector<TensorEntry> entries;  // name == checkpoint_key; roles not set
};

// Errors: Corrupt (names the tensor), Unsupported (big-endian data, a newer format), LimitExceeded.
Result<BundleIndex> ParseBundleIndex(const std::vector<IndexRecord>& records,
                                     const std::string& where, const Limits& limits);

// The key under which TensorFlow stores one part of a partitioned variable. A length of nothing:
// the whole dimension.
struct SliceExtent {
  int64_t start = 0;
  std::optional<int64_t> length;
};
std::string SliceKey(const std::string& name, const std::vector<SliceExtent>& extents);

}  // namespace edet::checkpoint
