#pragma once

#include <cstdint>

#include "base/result.h"
#include "graph/graph.h"

namespace edet::onnx_format {

// The oldest and newest opsets that are read.
inline constexpr int64_t kOldestOpset = 7, kNewestOpset = 18;

// Brings operators of an older (or the next) opset into the form that they have in opset 13 to 17:
// parameters that were attributes become constant inputs and the other way round. Upsample, and
// Resize as it was in opset 10, stay. Bodies of If, Loop and Scan too.
// Nothing is computed otherwise than before. Error:
// Unsupported, naming the node, where there is no such form.
Status UpgradeOperators(graph::Graph& graph, int64_t from_opset);

// The way back, for writing opset 11 and 12. Error: Unsupported (axes that are no constants).
Status DowngradeOperators(graph::Graph& graph, int64_t to_opset);

}  // namespace edet::onnx_format
