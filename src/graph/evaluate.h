#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "graph/graph.h"

namespace edet::graph {

// Computes a node whose inputs are all known: one tensor an output, in the order of the node's
// outputs (an output that is not there has one too). `inputs` are the constants of node.inputs,
// null for absent ones. Empty where this operator, type or form is not among those computed here,
// where the inputs break its rules, or where an output would have over `most_elements`. Operators
// mean what they mean in opset 13 to 17. Float32 is computed as ONNX Runtime does, one rounding an
// operation.
std::vector<TensorPtr> Evaluate(const Node& node, const std::vector<TensorPtr>& inputs,
                                size_t most_elements = size_t{1} << 24);

// The value `wanted` where the values in `known` are what is given for them (they take precedence
// over what makes them); null where it depends on more, or on what is not computed here.
TensorPtr EvaluateValue(const Graph& graph, const std::map<ValueId, TensorPtr>& known,
                        ValueId wanted);

// The shape that two shapes broadcast to; false where they do not. Free dimensions: the other's.
bool Broadcast(const Shape& a, const Shape& b, Shape& result);

// Where the elements of a Slice come from: begin, step and count an axis of `shape`, from constant
// starts, ends, axes and steps (empty: all axes, step 1). False where they break the rules. Bounds
// are clamped as ONNX says.
struct SlicedAxis {
  int64_t begin = 0, step = 1, count = 0;
};
bool ResolveSlice(const Shape& shape, const std::vector<int64_t>& starts,
                  const std::vector<int64_t>& ends, const std::vector<int64_t>& axes,
                  const std::vector<int64_t>& steps, std::vector<SlicedAxis>& result);

}  // namespace edet::graph
