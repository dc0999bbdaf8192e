#pragma once

#include <filesystem>

#include "base/result.h"

namespace edet::cli {

struct InspectOnnxOptions {
  std::filesystem::path path;
  std::filesystem::path html;  // the picture's file; empty: none
  bool json = false;
  bool all = false;  // every block
};

// Tells what an ONNX file holds, per block what it costs; draws it. Errors: those of reading and of
// writing the picture.
Status InspectOnnx(const InspectOnnxOptions& options);

}  // namespace edet::cli
