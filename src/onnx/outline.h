#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "onnx/summary.h"

namespace edet::onnx_format {

// What a config must agree with: a network from outside. Weights are passed over, not read.
struct ModelOutline {
  std::string producer;
  int64_t opset = 0;                // of ONNX's own domain; 0 if unknown
  std::vector<TensorInfo> inputs;   // initializers left out
  std::vector<TensorInfo> outputs;  // in the file's order
  std::set<std::string> operators;  // "Conv"
  // Operators that the first input goes through, one after the other, before its first convolution;
  // empty where it forks on the way or none comes.
  std::vector<std::string> before_convolution;
  bool begins_with_convolution = false;  // none before it
  std::map<std::string, std::string> metadata;
};

// Reads a file's outline. Errors: NotFound, Io, Corrupt (not an ONNX model, truncated). Time does
// not depend on the weights, memory neither. One thread.
Result<ModelOutline> ReadOutline(const std::filesystem::path& path);

}  // namespace edet::onnx_format
