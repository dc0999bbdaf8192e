#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>

#include "base/result.h"
#include "onnx/summary.h"

namespace edet::onnx_format {

// A file's protobuf, and its size. Parsed as it is read: what is no model is left early, and of
// what is one there is one copy. Errors: NotFound, Io, LimitExceeded, Corrupt (not an ONNX model,
// truncated).
struct ModelFile {
  ::onnx::ModelProto model;
  uint64_t bytes = 0;
};
inline constexpr uint64_t kProtobufLimitBytes = (uint64_t{1} << 31) - 1;
Result<ModelFile> ReadModel(const std::filesystem::path& path,
                            uint64_t limit_bytes = kProtobufLimitBytes);

ModelSummary Summarize(const ModelFile& file);

// The type and shape of a graph's input, output or inner value.
TensorInfo InfoOf(const ::onnx::ValueInfoProto& value);

// "float32", "uint8"; "unknown".
std::string TypeName(int32_t type);

// "Conv"; with its domain where that is not ONNX's own: "domain::Op".
std::string OperatorName(const ::onnx::NodeProto& node);

}  // namespace edet::onnx_format
