#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace edet::onnx_format {

struct TensorInfo {
  std::string name;
  std::string type;                // "float32", "uint8", ...
  std::vector<std::string> shape;  // a number, a symbol such as "N", or "?"
};

// What an ONNX file holds, without its weights.
struct ModelSummary {
  std::string producer;
  int64_t ir_version = 0;
  std::map<std::string, int64_t> opsets;  // domain ("" is ONNX's own) -> version
  std::vector<TensorInfo> inputs;         // initializers left out
  std::vector<TensorInfo> outputs;
  std::map<std::string, int> operators;  // "Conv", "domain::Op" -> how many nodes
  size_t nodes = 0;
  size_t initializers = 0;
  uint64_t parameters = 0;                             // elements of all initializers
  std::map<std::string, uint64_t> parameters_by_type;  // "float16" -> how many of them
  uint64_t file_bytes = 0;
  std::map<std::string, std::string> metadata;
};

// Reads the file's structure. Errors: NotFound, Io, LimitExceeded, Corrupt (not an ONNX model,
// truncated).
Result<ModelSummary> SummarizeModel(const std::filesystem::path& path);

}  // namespace edet::onnx_format
