#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "graph/graph.h"

namespace edet::graph {

// The bits of IEEE 754's binary16 nearest to a value, ties to even; infinity from 65520 on.
uint16_t HalfBits(float value);
// The value that such bits stand for, exactly.
float HalfValue(uint16_t bits);

struct HalfPrecisionReport {
  int nodes = 0;         // operators that compute in half precision now
  int casts = 0;         // Casts that were added
  uint64_t weights = 0;  // values stored in half precision, each tensor once
  uint64_t zeroed = 0;   // of these: weights that are not 0 and too small for half precision
  // Output channels of which half precision keeps fewer than 8 bits: as a whole they are off by
  // more than 2^-9, because their weights are below 6.1e-5. Usually channels that training let die.
  uint64_t coarse_channels = 0;
  std::string first_coarse;  // the tensor that holds the first of them
};

// Makes a graph compute in half precision wherever that is safe; its inputs and outputs stay as
// they are. All types are explicit, as strongly typed engines want it: each operator's floating
// inputs and outputs have one type, and a Cast stands wherever it changes.
//
// Half precision: every operator on a way from one Conv to another, and the Transpose, Reshape and
// Concat behind the last one. Float32 as before: what precedes the first Conv (the normalisation of
// 0..255), what follows the heads (sigmoid, boxes, NMS: a coordinate above 1024 would be off by
// half a pixel and more), GlobalAveragePool (a sum over up to a million places), nodes with
// needs_float32, and the scales of Resize, which ONNX wants so. Weights are rounded to nearest
// even; a tensor that several nodes share stays shared.
//
// The graph is unchanged after an error: Unsupported, naming the weight, where one is beyond
// +-65504 or no number.
Result<HalfPrecisionReport> ToHalfPrecision(Graph& graph);

}  // namespace edet::graph
