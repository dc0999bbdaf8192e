#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"
#include "graph/graph.h"

namespace edet::onnx_format {

struct WriteOptions {
  int64_t opset = 13;  // 11 to 17; the graph's operators mean the same in all of them
  std::string producer_version;
  std::map<std::string, std::string> metadata;  // metadata_props of the model
};

// Writes a graph as an ONNX file. The same graph gives the same bytes. The constants' memory is
// freed on the way, so that no more than one copy of the weights is held: the graph is spent
// afterwards. Errors: Unsupported (opset), LimitExceeded (over protobuf's 2 GiB), Io.
Status WriteModel(graph::Graph graph, const WriteOptions& options,
                  const std::filesystem::path& path);

}  // namespace edet::onnx_format
