#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "onnx/summary.h"

namespace edet::onnx_format {

// What computing costs. A MAC is one multiply-add of a convolution or matrix product (the unit of
// the EfficientDet papers, which call it FLOP). FLOPs are 2 per MAC, and 1 per output element and
// step of everything else that calculates (element by element, pooling, normalisation); moving data
// costs none. Unknown batch sizes count as 1.
struct Cost {
  uint64_t macs = 0;
  uint64_t flops = 0;
};

// A tensor that goes between nodes, or a constant.
struct AnalyzedTensor {
  TensorInfo info;  // type "" and no shape where neither the file nor inference tells
  bool shape_known = false;
  bool constant = false;
  uint64_t elements = 0;  // of constants
};

struct AnalyzedNode {
  std::string name;            // may be empty, need not be unique
  std::string op;              // "Conv", "domain::Op"
  std::vector<size_t> inputs;  // indices into ModelAnalysis::tensors; absent inputs left out
  std::vector<size_t> outputs;
  std::vector<std::pair<std::string, std::string>> attributes;  // name, value as text (cut off)
  size_t block = 0;                                             // index into ModelAnalysis::blocks
  uint64_t parameters = 0;   // elements of its constants; a shared one counts at its first node
  std::optional<Cost> cost;  // nothing: a plugin, or a shape that nobody knows
  int depth = 0;             // 1 and more: in the subgraph of an If, Loop, Scan
};

// Nodes that belong together: "stem", "blocks_3", "fpn cell 0 node 5", "class_net"; in networks
// that are no EfficientDet the common starts of the nodes' names, or runs of unnamed nodes.
struct AnalyzedBlock {
  std::string name;
  size_t nodes = 0;
  size_t uncounted = 0;  // nodes without a cost
  uint64_t parameters = 0;
  Cost cost;
};

struct ModelAnalysis {
  ModelSummary summary;
  std::vector<AnalyzedTensor> tensors;
  std::vector<AnalyzedNode> nodes;    // in the file's order, subgraphs' before the node they are of
  std::vector<AnalyzedBlock> blocks;  // in the order of their first nodes
  std::vector<size_t> inputs;         // tensors that enter and leave the network
  std::vector<size_t> outputs;
  size_t uncounted = 0;
  Cost cost;
  std::string shape_note;  // why shapes may be missing; empty where inference ran to its end
};

// Reads a file and counts. Shapes that it does not state are inferred. Errors: as SummarizeModel.
// Memory: twice the file at most. One thread.
Result<ModelAnalysis> AnalyzeModel(const std::filesystem::path& path);

}  // namespace edet::onnx_format
