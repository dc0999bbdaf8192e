#pragma once

#include "graph/graph.h"

namespace edet::graph {

// Removes nodes whose results nothing uses, and lets go of constants that no node reads (their
// memory is freed). Returns how many nodes were removed. Value ids stay valid.
int RemoveUnused(Graph& graph);

}  // namespace edet::graph
