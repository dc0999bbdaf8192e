#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"
#include "graph/graph.h"

namespace edet::onnx_format {

// What a file may claim; more is refused before memory is taken for it.
struct ReadLimits {
  uint64_t file_bytes = (uint64_t{1} << 31) - 1;    // protobuf's own limit
  uint64_t tensor_bytes = (uint64_t{1} << 31) - 1;  // one tensor, in external data too
  uint64_t nodes = 100000;                          // of all graphs together
  uint64_t tensors = 100000;
  uint64_t rank = 16;
  uint64_t name_bytes = 1024;
};

// An ONNX file from elsewhere, in the forms of opset 13 to 17 whatever opset it has (upgrade.h).
struct ForeignModel {
  graph::Graph graph;
  std::map<std::string, int64_t> opsets;  // as the file says; domain "" is ONNX's own
  std::string producer;
  bool sorted = true;         // false: the file's nodes were not in topological order
  size_t repeated_names = 0;  // nodes that had no name, or another's
};

// Reads the whole graph: every operator and attribute, constants in external files of its folder
// too. Subgraphs stay closed (graph::OpaqueAttribute). Types and shapes are those that the file
// states; nothing is inferred. Errors: NotFound, Io, LimitExceeded, Corrupt (no ONNX model, cut
// off, values that do not fit their shape, a name that nothing makes or two nodes make, an operator
// without an input that it needs, a cycle, external data outside of the folder or behind a link),
// Unsupported (local functions, sparse tensors, an opset before 7 or after 18, bodies that cannot
// be upgraded). Each names its place. One thread.
Result<ForeignModel> ReadGraph(const std::filesystem::path& path, const ReadLimits& limits = {});

}  // namespace edet::onnx_format
