#pragma once

#include <onnx/onnx_pb.h>

#include <optional>
#include <vector>

#include "onnx/analysis.h"

namespace edet::onnx_format {

// What one node costs, from the shapes of its tensors (a nullptr or a shape of no known dimensions
// is a shape that nobody knows). Nothing for operators of other domains, and where a shape that the
// count needs is unknown.
std::optional<Cost> NodeCost(const ::onnx::NodeProto& node,
                             const std::vector<const AnalyzedTensor*>& inputs,
                             const std::vector<const AnalyzedTensor*>& outputs);

}  // namespace edet::onnx_format
