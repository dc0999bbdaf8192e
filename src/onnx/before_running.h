#pragma once

#include <filesystem>

#include "base/result.h"

namespace edet::onnx_format {

// What a library that reads a model by itself must not be shown: it would follow any path, count up
// to any opset, and try both branches of each If within an If. All external data, in subgraphs and
// functions too, must lie where ReadExternalData takes it from. Weights are passed over, so that
// time and memory do not depend on them. Errors: NotFound, Io, Corrupt (no ONNX model, such a path,
// an opset that cannot be), LimitExceeded (graphs within graphs, more than 10 deep).
Status CheckBeforeRunning(const std::filesystem::path& model);

}  // namespace edet::onnx_format
