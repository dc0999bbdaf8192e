// The repairs themselves, one file each. For repair.cpp and tests.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"
#include "repair/repair.h"

namespace edet::repair {

// What the repairs work on.
struct Subject {
  graph::Graph& graph;
  const RepairOptions& options;
  std::vector<std::string> notes;  // of the running repair
  std::vector<std::string> left;
  std::vector<Landmark> landmarks;
  bool same_rules = true;
};

// Each returns in how many places it changed something.
Result<int> RepairUpsample(Subject& subject);           // upsample.cpp
Result<int> RepairImageSize(Subject& subject);          // image_size.cpp
Result<int> RepairIntegerInput(Subject& subject);       // integer_input.cpp
Result<int> RepairLayout(Subject& subject);             // layout.cpp
Result<int> RepairBatch(Subject& subject);              // batch.cpp
Result<int> RepairComputedArguments(Subject& subject);  // computed_arguments.cpp
Result<int> RepairNmsTail(Subject& subject);            // nms_tail.cpp
Result<int> RepairIntegerOutputs(Subject& subject);     // integer_outputs.cpp
Result<int> RepairFractionalResize(Subject& subject);   // fractional_resize.cpp
Result<int> RepairPadding(Subject& subject);            // padding.cpp

// Operators whose arguments are still computed, a line each, for what a report says is left.
std::vector<std::string> ComputedArgumentsLeft(const graph::Graph& graph);

// Makes a run take `batch` images; `ends` is where the part of the network ends that must treat
// each image alike. False, and nothing changed, where it does not (batch.cpp).
bool ChangeBatch(Subject& subject, const std::vector<graph::ValueId>& ends, int64_t batch);

// The network's image: the input that has three channels and feeds a Conv; kNoValue where there is
// none or more than one (image_input.cpp).
graph::ValueId ImageInput(const graph::Graph& graph);
// True if it is laid out N, height, width, channels; judged by the input's own shape.
bool IsChannelsLast(const graph::Graph& graph, graph::ValueId image);

}  // namespace edet::repair
