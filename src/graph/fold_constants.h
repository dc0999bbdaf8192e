#pragma once

#include "graph/graph.h"

namespace edet::graph {

// Infers all shapes (as InferShapes), and replaces what does not depend on the graph's inputs by
// constants: nodes whose inputs are constants, Shape and Size of static shapes, and arithmetic on
// parts of shapes that are known while others (a free batch) are not. Results that would make the
// file much larger stay computed. Returns how many nodes went away. Value ids stay valid.
int FoldConstants(Graph& graph);

}  // namespace edet::graph
