// A DeepStream application on this machine: decode, batch, infer, parse, draw, encode, record.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "deepstream/app_config.h"
#include "deepstream/nvinfer_config.h"
#include "inference/engine.h"

namespace edet::video {

struct RunOptions {
  std::vector<std::string> inputs;   // paths or URIs instead of the configuration's sources
  std::filesystem::path output_dir;  // videos and pictures go here
  uint64_t frame_limit = 0;          // of each source; 0: all
  bool video = true;
  std::filesystem::path contact_sheet, jsonl, kitti_dir, dump_dir;  // empty: not written
  uint64_t dump_frames = 20;
  unsigned threads = 0;
  inference::Precision precision = inference::Precision::kFloat32;
  std::optional<float> score;  // instead of pre-cluster-threshold of every class
  // Called on the caller's thread. `total` 0: unknown.
  std::function<void(uint64_t done, uint64_t total, double fps)> on_progress;
  // Asked after each frame: true ends the run as the end of its sources would.
  std::function<bool()> stop;
  // A line as DeepStream prints it ("**PERF:  25.01 (24.98)"), where the configuration asks for it.
  std::function<void(const std::string&)> on_perf;
};

// Seconds of work by stage, summed over frames; stages overlap. Decoding and encoding run on
// GStreamer's threads: here is how long the others waited for them.
struct StageSeconds {
  double decode_wait = 0., preprocess = 0., infer = 0., postprocess = 0., draw = 0.,
         encode_wait = 0.;
};

struct RunSummary {
  uint64_t frames = 0, inferred = 0, objects = 0;
  unsigned sources = 0;
  double seconds = 0.;  // from the first frame asked for to the last file written
  double fps = 0.;      // frames / seconds
  double load_seconds = 0.;
  StageSeconds stages;
  std::map<std::string, uint64_t> objects_by_label;
  std::vector<std::filesystem::path> written;
  std::string engine;
  unsigned requests = 0;
  bool stopped = false;         // RunOptions::stop asked for it
  uint64_t parse_failures = 0;  // frames for which the parse function returned false
};

// What the configuration asks for and this machine does otherwise, one line each.
std::vector<std::string> Differences(const deepstream::AppConfig& app,
                                     const deepstream::NvinferConfig& infer,
                                     const RunOptions& options);

// The nvinfer configuration of [primary-gie], with what that group overrides. Errors: those of
// ReadNvinferConfig; Unsupported (no nvinfer).
Result<deepstream::NvinferConfig> PrimaryNvinferConfig(const deepstream::AppConfig& app,
                                                       Findings& findings);

// Runs to the end. On an error nothing of this run stays under a final name. Errors: those of
// Source, Detector, Encoder; the text of a stream's failure tells how many frames came.
Result<RunSummary> Run(const deepstream::AppConfig& app, const deepstream::NvinferConfig& infer,
                       const RunOptions& options);

}  // namespace edet::video
