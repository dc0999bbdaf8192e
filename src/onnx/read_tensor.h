#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>

#include "base/result.h"
#include "graph/graph.h"
#include "onnx/read_graph.h"

namespace edet::onnx_format {

// A constant's values; the proto's raw data is given up on the way. Errors: Corrupt (values and
// shape do not belong together), LimitExceeded, Unsupported (its type), those of external data.
Result<graph::TensorPtr> ReadTensor(::onnx::TensorProto& proto, const std::filesystem::path& folder,
                                    const ReadLimits& limits);

// The other way round. Not for tensors without values.
void WriteTensor(const graph::Tensor& tensor, const std::string& name, ::onnx::TensorProto* proto);

}  // namespace edet::onnx_format
