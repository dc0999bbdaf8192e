#pragma once

#include "graph/graph.h"

namespace edet::graph {

// Folds each BatchNormalization that follows a Conv, and is its only reader, into the Conv's
// weights and bias:
//   w' = w * gamma / sqrt(variance + epsilon),   b' = (b - mean) * gamma / sqrt(variance + epsilon)
//   + beta,
// per output channel, computed in double precision. A Conv whose weights several nodes share gets a
// copy of its own; constants that nothing reads afterwards lose their values at once. Constants
// without values (a plan) are left as they are. Returns how many were folded.
int FoldBatchNorm(Graph& graph);

}  // namespace edet::graph
