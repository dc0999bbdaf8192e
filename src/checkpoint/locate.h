#pragma once

#include <filesystem>

#include "base/result.h"
#include "checkpoint/checkpoint.h"

namespace edet::checkpoint {

// Turns what a user names (prefix, `.index`, `.data-00000-of-00001`, `checkpoint` state file,
// folder) into the prefix of a bundle whose `.index` exists. Errors: NotFound; InvalidArgument with
// a hint where the path is another kind of file (SavedModel, HDF5, V1 checkpoint, ...) or where a
// state file points outside its folder; Corrupt.
Result<std::filesystem::path> FindPrefix(const std::filesystem::path& path, const Limits& limits);

// "<prefix>.data-00002-of-00010".
std::filesystem::path ShardPath(const std::filesystem::path& prefix, uint64_t shard,
                                uint64_t shards);

}  // namespace edet::checkpoint
