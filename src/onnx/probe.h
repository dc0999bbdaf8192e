#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace edet::onnx_format {

// How to look into a model: an input of a fixed shape, and tensors that become outputs besides its
// own.
struct Probe {
  std::string input;
  std::vector<int64_t> input_shape;  // empty: as it is
  std::vector<std::string> outputs;  // names of tensors within; those that are outputs already stay
  bool only_these = false;           // without the model's own outputs and what only they need
};

// Writes a copy of a model with that probe; else it is as it was, but that external data is inside.
// Errors: those of reading and of external data, NotFound (a name), Unsupported (local functions),
// Io.
Status WriteProbe(const std::filesystem::path& model, const Probe& probe,
                  const std::filesystem::path& path);

}  // namespace edet::onnx_format
