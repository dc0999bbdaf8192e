// What is known of a network that is compared, beside its numbers.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <unordered_set>

#include "base/result.h"
#include "graph/graph.h"
#include "onnx/outline.h"

namespace edet::compare {

struct Network {
  std::filesystem::path path;
  onnx_format::ModelOutline outline;
  std::string input;  // the image's name
  bool channels_last = true;
  int64_t height = 0, width = 0;  // pixels; 0: the network takes any size
  bool integer_input = false;
  // The network as `edet repair` would leave it, up to its heads: constants folded, shapes
  // inferred, BatchNormalization folded. Its values keep the names that they have in the file, but
  // those that were made on the way. Nothing where the graph is not understood; `why_not` says why.
  std::optional<graph::Graph> graph;
  std::string why_not;
  // Tensors that the file's own nodes make: what can be looked at.
  std::unordered_set<std::string> tensors;
  // "class_logits" and "box_deltas" where they are known -> what the file calls them.
  std::map<std::string, std::string> heads;
};

// Reads an ONNX file with one image input. Errors: NotFound, Io, Corrupt, LimitExceeded,
// Unsupported (no single image input).
Result<Network> ReadNetwork(const std::filesystem::path& path);

}  // namespace edet::compare
