#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "deepstream/write_configs.h"

namespace edet::cli {

struct ConfigNewOptions {
  std::filesystem::path model;
  std::filesystem::path output;  // empty: beside the model
  std::string target;            // empty: the one that the model was converted for
  std::vector<std::string> sources;
  std::vector<deepstream::SinkKind> sinks;
  deepstream::TrackerKind tracker = deepstream::TrackerKind::kNone;
  std::optional<deepstream::EnginePrecision> precision;
  std::string calibration;
  uint32_t batch = 0;  // 0: as many as sources, where the model takes that
  bool yaml = false, server = false, force = false, json = false;
  deepstream::TritonBackend backend = deepstream::TritonBackend::kTensorRt;
  std::string broker, topic, frame_size, library;
  std::string output_file, kitti;
};

// Adds all options of `edet config new`; they are in `options` when its callback runs.
void AddConfigNewOptions(CLI::App* command, const std::shared_ptr<ConfigNewOptions>& options);

}  // namespace edet::cli
