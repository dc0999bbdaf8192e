#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "deepstream/app_parts.h"
#include "deepstream/key_table.h"
#include "deepstream/platforms.h"
#include "deepstream/write_configs.h"

namespace edet::deepstream {
namespace {

void WriteApplication(const AppFacts& app, ConfigText& text) {
  text.Group("application");
  text.Comment("Prints frames per second every few seconds.");
  text.Set("enable-perf-measurement", 1U).Set("perf-measurement-interval-sec", 5U);
  if (app.kitti_directory.empty()) return;
  text.Comment(
      "One text file of detections for each frame. The folder must exist; relative to this file.");
  text.Set("gie-kitti-output-dir", app.kitti_directory);
}

void WriteMuxer(const ModelFacts& model, const AppFacts& app, ConfigText& text) {
  text.Group("streammux");
  text.Set("gpu-id", 0U);
  text.Comment("As many frames as there are sources, and as the batch-size of the inference.");
  // With a placeholder for the sources, the model's batch tells how many are meant.
  const auto sources = static_cast<uint32_t>(SourceCount(app));
  text.Set("batch-size", app.sources.empty() ? std::max(sources, model.batch_size) : sources);
  if (SourceCount(app) > model.batch_size) {
    text.Comment(fmt::format(
        "(The inference takes {} at once, so that each batch is several runs of the network.)",
        model.batch_size));
  }
  text.Comment(
      "Frames are scaled to this size before everything else: take the size of the video.");
  text.Set("width", app.width).Set("height", app.height);
  text.Comment("Microseconds until a batch goes on though it is not full.");
  if (IsLive(app)) text.Comment("One frame of a camera with 30 a second: none waits longer.");
  text.Set("batched-push-timeout", IsLive(app) ? 33333U : 40000U);
  text.Comment("1 for cameras and RTSP.").Set("live-source", IsLive(app) ? 1U : 0U);
  text.Set("enable-padding", 0U);
}

void WriteInference(const AppFacts& app, ConfigText& text) {
  text.Group("primary-gie");
  text.Comment(
      "Batch size, engine and labels are left to the file named here: a key in this group would "
      "overrule it.");
  text.Set("enable", 1U);
  text.Comment("0: nvinfer, 1: nvinferserver (Triton).");
  text.Set("plugin-type", app.server ? 1U : 0U).Set("gpu-id", 0U);
  text.Set("config-file", app.infer_config);
}

// As many columns as rows, or one more.
void WriteTiles(const AppFacts& app, ConfigText& text) {
  text.Group("tiled-display");
  const auto sources = static_cast<uint32_t>(SourceCount(app));
  if (sources == 1) {
    text.Comment("Off: one source needs no tiles.").Set("enable", 0U);
    return;
  }
  auto columns = static_cast<uint32_t>(std::ceil(std::sqrt(static_cast<double>(sources))));
  text.Comment("All sources in one picture. Off, each source needs a sink with its source-id.");
  text.Set("enable", 1U);
  text.Set("rows", (sources + columns - 1) / columns).Set("columns", columns);
  text.Comment("The whole picture.");
  text.Set("width", app.width).Set("height", app.height).Set("gpu-id", 0U);
}

void WriteDrawing(const AppFacts& app, ConfigText& text) {
  text.Group("osd");
  if (!HasPicture(app)) {
    text.Comment("Off: nobody looks at the picture.").Set("enable", 0U);
    return;
  }
  text.Set("enable", 1U).Set("gpu-id", 0U);
  text.Comment("Without it boxes have lines of 0 pixels.").Set("border-width", 2U);
  text.Set("text-size", 15U)
      .Set("text-color", "1;1;1;1")
      .Set("text-bg-color", "0.3;0.3;0.3;1")
      .Set("font", "Serif");
}

bool HasBroker(const AppFacts& app) {
  for (SinkKind sink : app.sinks) {
    if (IsBroker(sink)) return true;
  }
  return false;
}

void WriteHead(const ModelFacts& model, const AppFacts& app, ConfigText& text) {
  const std::string name = OneLine(model.model_name.empty() ? "EfficientDet" : model.model_name);
  if (HasBroker(app) && !AtLeast(model, "6.0")) {
    text.Comment(
        fmt::format("Run with: deepstream-test5-app -c <this file>    ({}; deepstream-app makes "
                    "messages since 6.0)",
                    name));
  } else {
    text.Comment(fmt::format("Run with: deepstream-app -c <this file>    ({})", name));
  }
  if (!model.platform.empty()) text.Comment("For " + OneLine(model.platform) + ".");
}

}  // namespace

bool AtLeast(const ModelFacts& model, const char* version) {
  return model.deepstream_version.empty() ||
         CompareVersions(model.deepstream_version, version) >= 0;
}

Status CheckApp(const ModelFacts& model, const AppFacts& app, ConfigFormat format) {
  if (format == ConfigFormat::kYaml && !AtLeast(model, "6.1")) {
    return Error{
        ErrorCode::kUnsupported,
        fmt::format("DeepStream {} reads no YAML (6.1 and newer do)", model.deepstream_version),
        "--yaml", "leave --yaml out: the .txt files say the same"};
  }
  EDET_RETURN_IF_ERROR(CheckSources(model, app));
  EDET_RETURN_IF_ERROR(CheckTracker(model, app));
  return CheckSinks(model, app);
}

std::string AppConfigText(const ModelFacts& model, const AppFacts& app, ConfigFormat format) {
  ConfigText text(DeepstreamAppKeys(), model.deepstream_version);
  WriteHead(model, app, text);
  WriteApplication(app, text);
  WriteSources(model, app, format, text);
  WriteMuxer(model, app, text);
  WriteInference(app, text);
  WriteTracker(model, app, text);
  WriteTiles(app, text);
  WriteDrawing(app, text);
  WriteSinks(model, app, text);
  text.Group("tests");
  text.Comment("1: files start again at their end.").Set("file-loop", 0U);
  return text.Text(format);
}

}  // namespace edet::deepstream
