#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace edet::onnx_format {

// The bytes of a tensor whose values lie in another file. That file must be a plain one in the
// model's folder or below: no absolute path, no "..", no link of any kind on the way (a model may
// come from a stranger, and would read any file of this machine). `wanted_bytes`: what its type and
// shape need, known to be within the limits. Errors: Corrupt (such a path, keys, length, offset),
// NotFound, Io.
Result<std::string> ReadExternalData(const ::onnx::TensorProto& tensor,
                                     const std::filesystem::path& folder, uint64_t wanted_bytes);

// The same rules, without reading: for a tensor whose file another reader is going to open.
// Errors: as ReadExternalData.
Status CheckExternalData(const ::onnx::TensorProto& tensor, const std::filesystem::path& folder);

}  // namespace edet::onnx_format
