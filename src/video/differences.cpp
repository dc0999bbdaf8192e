#include <fmt/format.h>

#include <algorithm>

#include "video/preprocess.h"
#include "video/run.h"

namespace edet::video {
namespace {

using Lines = std::vector<std::string>;

void SinkLines(const deepstream::AppConfig& app, const RunOptions& options, Lines& lines) {
  bool file = false;
  for (const auto& sink : app.sinks) {
    if (!sink.enable || sink.type == 1) continue;
    const std::string name = fmt::format("[sink{}] type={}", sink.id, sink.type);
    if (sink.type == 6) {
      lines.push_back(name + " (message broker): nothing is sent; --jsonl FILE writes the objects");
      continue;
    }
    if (file) lines.push_back(name + ": the video is written once, for the first such sink");
    if (!file && sink.type != 3 && options.video) {
      lines.push_back(name + (sink.type == 4 ? " (RTSP)" : " (display)") +
                      ": the video is written to a file instead");
    }
    file = true;
    if (sink.type == 3 && sink.enc_type == 0 && options.video) {
      lines.push_back(name + " enc-type=0 (hardware encoder): encoded in software");
    }
  }
}

void InferLines(const deepstream::NvinferConfig& infer, const RunOptions& options, Lines& lines) {
  const bool f32 = options.precision == inference::Precision::kFloat32;
  const char* modes[] = {"FP32", "INT8", "FP16", "BEST"};
  if (infer.network_mode != 0 || !f32) {
    lines.push_back(fmt::format(
        "network-mode={} ({}): runs in {} here", infer.network_mode,
        infer.network_mode >= 0 && infer.network_mode < 4 ? modes[infer.network_mode] : "?",
        f32 ? "f32" : "bf16"));
  }
  if (!infer.model_engine_file.empty()) {
    lines.push_back("model-engine-file: TensorRT engines do not run here; " +
                    infer.onnx_file.filename().string() + " runs in OpenVINO instead");
  }
  if (!ChooseFilter(infer.scaling_filter).exact) {
    lines.push_back(fmt::format("scaling-filter={}: has no open counterpart; bilinear is used",
                                infer.scaling_filter));
  }
  if (infer.batch_size > 1)
    lines.push_back(fmt::format(
        "batch-size={}: frames are inferred one by one, several at once; results are the same",
        infer.batch_size));
  const auto mode = infer.postprocess.cluster_mode;
  if (mode == detect::ClusterMode::kGroupRectangles)
    lines.push_back(
        "cluster-mode=0 (groupRectangles): NMS with IoU 0.5 and topk 20, as builds without OpenCV "
        "do");
  if (mode == detect::ClusterMode::kDbscan || mode == detect::ClusterMode::kDbscanNms) {
    lines.push_back(
        "cluster-mode with DBSCAN: its source is closed; only thresholds, topk and NMS are done "
        "here");
  }
  for (const std::string& key : infer.other_keys) {
    if (key.find("enable-dla") != std::string::npos)
      lines.push_back("enable-dla: there is no DLA; the CPU infers");
    if (key.find("int8-calib-file") != std::string::npos)
      lines.push_back("int8-calib-file: not used, nothing is quantised here");
  }
}

}  // namespace

std::vector<std::string> Differences(const deepstream::AppConfig& app,
                                     const deepstream::NvinferConfig& infer,
                                     const RunOptions& options) {
  Lines lines;
  InferLines(infer, options, lines);
  if (infer.interval > 0) {
    lines.push_back(
        fmt::format("interval={}: every {}. frame is inferred, the others have no objects (no "
                    "tracker runs here)",
                    infer.interval, infer.interval + 1));
  }
  if (app.tracker.enable)
    lines.push_back("[tracker]: " + app.tracker.ll_lib_file.filename().string() +
                    " does not run here; objects have no ids");
  if (!app.kitti_track_output_dir.empty())
    lines.push_back("kitti-track-output-dir: no tracker runs, nothing is written there");
  if (app.tiled_display.enable &&
      std::max(options.inputs.size(), options.inputs.empty() ? app.sources.size() : 0) > 1)
    lines.push_back("[tiled-display]: sources are not tiled; each gets a video of its own");
  if (app.file_loop) lines.push_back("[tests] file-loop: each source is read once");
  if (!app.osd.enable && options.video) lines.push_back("[osd] is off: nothing is drawn");
  for (const std::string& group : app.other_groups)
    lines.push_back("[" + group + "]: does not run here");
  SinkLines(app, options, lines);
  return lines;
}

Result<deepstream::NvinferConfig> PrimaryNvinferConfig(const deepstream::AppConfig& app,
                                                       Findings& findings) {
  const auto& gie = app.primary_gie;
  if (!gie.enable) {
    return Error{ErrorCode::kUnsupported, "[primary-gie] is off: there is nothing to infer",
                 app.file.string(), "set enable=1"};
  }
  if (gie.plugin_type != 0) {
    return Error{ErrorCode::kUnsupported,
                 "[primary-gie] plugin-type=1 (nvinferserver) does not run here", app.file.string(),
                 "use plugin-type=0 with an nvinfer configuration"};
  }
  EDET_ASSIGN_OR_RETURN(auto infer, deepstream::ReadNvinferConfig(gie.config_file, findings));
  if (gie.batch_size) infer.batch_size = *gie.batch_size;
  if (gie.interval) infer.interval = *gie.interval;
  if (gie.gie_unique_id) infer.gie_unique_id = *gie.gie_unique_id;
  if (!gie.model_engine_file.empty()) infer.model_engine_file = gie.model_engine_file;
  if (!gie.labelfile_path.empty()) infer.labelfile_path = gie.labelfile_path;
  return infer;
}

}  // namespace edet::video
