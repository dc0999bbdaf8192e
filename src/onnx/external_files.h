#pragma once

#include <filesystem>

#include "base/result.h"

namespace edet::onnx_format {

// Before a library reads a model by itself, which would follow any path: all of its external data,
// in subgraphs and functions too, must lie where ReadExternalData takes it from. Weights are passed
// over, so that time and memory do not depend on them. Errors: NotFound, Io, Corrupt (no ONNX
// model, such a path), LimitExceeded (a node or a tensor's description is huge).
Status CheckExternalFiles(const std::filesystem::path& model);

}  // namespace edet::onnx_format
