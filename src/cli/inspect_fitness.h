#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "onnx/summary.h"
#include "parser/output_contract.h"

namespace edet::cli {

// Whether the DeepStreams of some versions can feed a network's input.
struct FeedVerdict {
  std::string versions;  // "6.0 to 9.1"
  bool good = false;
  std::string why;  // the keys that it takes, or what is in the way
};

// What an ONNX file is good for.
struct Fitness {
  std::string exporter;  // "tf2onnx", "edet 0.1.0", ...
  std::optional<parser::OutputContract> contract;
  std::vector<FeedVerdict> feeding;  // versions of equal verdict together, oldest first
  std::vector<std::string> next;     // commands to go on with
};
Fitness JudgeFitness(const onnx_format::ModelSummary& summary, const std::filesystem::path& path);

}  // namespace edet::cli
