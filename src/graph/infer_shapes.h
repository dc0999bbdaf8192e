#pragma once

#include "graph/graph.h"

namespace edet::graph {

// Sets the types and shapes of a node's outputs from those of its inputs and from constants; a
// shape that they do not tell becomes unknown, in whole or in single dimensions (kDynamic).
// Nothing is taken from what the outputs said before, but for the type of operators that are not
// known here. Never fails: a node that breaks its operator's rules has outputs of unknown shape.
void InferNode(Graph& graph, const Node& node);

// All nodes, in order.
void InferShapes(Graph& graph);

// True where every dimension is known.
bool IsStatic(const Value& value);

}  // namespace edet::graph
