#pragma once

#include "graph/graph.h"

namespace edet::graph {

// Removes nodes that give what they take: Identity, Dropout, Cast to the same type, Reshape to the
// same shape, Transpose that moves nothing, Slice, Pad, Expand, Tile and Resize that change
// nothing, Concat, Sum, Min and Max of one, times 1, plus 0. Shapes must have been inferred.
// Returns how many went away.
int RemoveIdentities(Graph& graph);

}  // namespace edet::graph
