// Which tensor of one network is which of the other.
#pragma once

#include <string>
#include <vector>

#include "compare/network.h"

namespace edet::compare {

struct TensorPair {
  std::string a, b;                       // the files' names
  graph::ValueId a_id = graph::kNoValue;  // in the graph of `a`
  std::string node_a, node_b;             // that make them, or (is_input) read them
  std::string op;
  bool is_input = false;  // what a convolution reads
  uint64_t elements = 0;
  // The convolution's weights are not nearly those of its partner: both stand at the same place
  // among those of the same form.
  bool by_place = false;
};

struct Pairing {
  std::vector<TensorPair> pairs;  // in the order of the graph of `a`
  std::string how;                // for people: by what they were matched
  size_t convolutions_a = 0, convolutions_b = 0, matched = 0;
};

// Matches tensors within. Graphs whose convolutions mostly have the same names: tensors of the same
// name, operator and shape. Graphs of different origin: what convolutions read and write, one for
// one with the partner that has the same form and nearly the same weights (BatchNormalization
// folded), else, where as many are left of a form on both sides, in order. What cannot be matched
// honestly is left out. No pairs where one of the graphs is not understood.
Pairing PairTensors(const Network& a, const Network& b);

}  // namespace edet::compare
