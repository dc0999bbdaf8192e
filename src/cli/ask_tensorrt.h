#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace edet::cli {

// What a TensorRT of this machine says of a network.
struct TensorRtVerdict {
  std::string version;  // "tensorrt 10.3.0"
  bool accepted = false;
  std::string words;  // its first error; empty where it takes the network
};

// Asks TensorRT's own ONNX parser through its Python bindings (tensorrt or tensorrt_rtx_bindings)
// of the interpreter `python`. No GPU is needed. Errors: Environment (no such program, no bindings,
// longer than two minutes).
Result<TensorRtVerdict> AskTensorRt(const std::string& python, const std::filesystem::path& model);

}  // namespace edet::cli
