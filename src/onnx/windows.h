#pragma once

#include <onnx/onnx_pb.h>

#include "base/result.h"

namespace edet::onnx_format {

// Windows, steps and groups of no size, or of a size that overflows: whoever divides by them
// crashes (ONNX's own shape inference does). Looks into subgraphs and functions. Errors: Corrupt,
// naming the node.
Status CheckWindows(const ::onnx::ModelProto& model);

}  // namespace edet::onnx_format
