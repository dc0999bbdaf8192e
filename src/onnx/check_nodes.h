#pragma once

#include <onnx/onnx_pb.h>

#include "base/result.h"

namespace edet::onnx_format {

// What whoever infers shapes takes for granted, and crashes without (ONNX's own inference does):
// attributes that an operator cannot be without are there; windows, steps and groups have a size,
// and one that does not overflow. Looks into subgraphs and functions. Errors: Corrupt, naming the
// node.
Status CheckNodes(const ::onnx::ModelProto& model);

}  // namespace edet::onnx_format
