#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "checkpoint/checkpoint.h"

namespace edet::checkpoint {

// What a path leads to.
enum class Form {
  kBundle,           // place: prefix of a bundle whose `.index` exists
  kSavedModel,       // the same, inside a SavedModel
  kSavedModelGraph,  // place: a saved_model.pb without variables beside it
  kGraph,            // place: a `.pb`
  kHdf5,
  kArchive,
};

struct Location {
  Form form = Form::kBundle;
  std::filesystem::path place;
};

// Finds out what a user names: see Checkpoint::Open. Errors: NotFound; Unsupported with a hint
// where the path is another kind of file (V1 checkpoint, ...) or where a state file points outside
// its folder; Corrupt.
Result<Location> Locate(const std::filesystem::path& path, const Limits& limits);

// The path that the text of a `checkpoint` state file names. `where` names it in errors.
Result<std::filesystem::path> ParseStateFile(const std::string& text, const std::string& where);

// "model.data-00000-of-00001" without its end; empty if the name has another form.
std::string WithoutShard(const std::string& path);

// "<prefix>.data-00002-of-00010".
std::filesystem::path ShardPath(const std::filesystem::path& prefix, uint64_t shard,
                                uint64_t shards);

}  // namespace edet::checkpoint
