#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace edet::checkpoint {

// A float32 tensor to be written: row-major values, as many as the shape says.
struct NamedTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
};

// Writes `<prefix>.index`, `<prefix>.data-00000-of-00001` and the `checkpoint` state file beside
// them: a bundle as tf.train.Saver leaves it (one shard, little-endian, no compression), which
// TensorFlow reads. All three appear together or not at all. `global_step` is stored as an int64
// scalar. Errors: InvalidArgument (empty or repeated name, values that do not match the shape), Io.
Status WriteBundle(const std::filesystem::path& prefix, std::vector<NamedTensor> tensors,
                   std::optional<int64_t> global_step);

}  // namespace edet::checkpoint
