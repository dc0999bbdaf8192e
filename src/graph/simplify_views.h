#pragma once

#include "graph/graph.h"

namespace edet::graph {

// A view only says how values are laid out: Transpose, Reshape, Squeeze, Unsqueeze. Makes one or
// two of each chain of them, none where the chain comes back to where it began (NHWC to NCHW and
// back), also through operators that work element by element. Squeeze and Unsqueeze become Reshape,
// which means the same in every opset. Shapes must have been inferred; those of new nodes are set.
// Returns by how many nodes the graph is smaller.
int SimplifyViews(Graph& graph);

}  // namespace edet::graph
