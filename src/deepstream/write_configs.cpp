#include "deepstream/write_configs.h"

#include <fmt/format.h>

#include <string_view>

#include "deepstream/device_path.h"
#include "deepstream/key_table.h"
#include "deepstream/platforms.h"

namespace edet::deepstream {
namespace {

// A value as GLib's key file parser takes it back; `list`: one item of a ';' list.
std::string Escaped(std::string_view value, bool list = false) {
  std::string out;
  for (const char c : value) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case ' ':
        out += out.empty() ? "\\s" : " ";
        break;
      case ';':
        out += list ? "\\;" : ";";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// Text for a comment: one line whatever it holds.
std::string Plain(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text;
}

// Builds a file of groups, keys and the comments before them. A key that a version of DeepStream
// does not know is left out, with its comments.
class ConfigText {
 public:
  explicit ConfigText(const KeyTable& keys, std::string version)
      : keys_(keys), version_(std::move(version)) {}

  ConfigText& Comment(std::string_view text) {
    comments_ += fmt::format("# {}\n", text);
    return *this;
  }
  ConfigText& Group(std::string_view name) {
    group_ = keys_.Find(name);
    return Line(fmt::format("\n[{}]", name));
  }
  ConfigText& Set(std::string_view key, std::string_view value) {
    return Pair(key, Escaped(value));
  }
  ConfigText& Set(std::string_view key, const char* value) {
    return Set(key, std::string_view(value));
  }
  ConfigText& Set(std::string_view key, uint32_t value) {
    return Pair(key, fmt::format("{}", value));
  }
  ConfigText& SetList(std::string_view key, const std::vector<std::string>& items) {
    std::string joined;
    for (const std::string& item : items)
      joined += (joined.empty() ? "" : ";") + Escaped(item, true);
    return Pair(key, joined);
  }
  std::string Take() { return std::move(Line("").text_); }

 private:
  bool Knows(std::string_view key) const {
    if (version_.empty() || group_ == nullptr) return true;
    const KeySpec* spec = group_->Find(key);
    return spec == nullptr || CompareVersions(spec->since, version_) <= 0;
  }
  ConfigText& Pair(std::string_view key, std::string_view value) {
    if (Knows(key)) return Line(fmt::format("{}={}", key, value));
    comments_.clear();
    return *this;
  }
  ConfigText& Line(std::string_view line) {
    text_ += comments_;
    comments_.clear();
    if (!line.empty()) text_ += fmt::format("{}\n", line);
    return *this;
  }

  const KeyTable& keys_;
  std::string version_;
  const GroupSpec* group_ = nullptr;
  std::string comments_, text_;
};

const char* OutputComment(Postprocessing postprocessing) {
  switch (postprocessing) {
    case Postprocessing::kPlugin:
      return "The graph ends in EfficientNMS_TRT: NMS runs on the GPU.";
    case Postprocessing::kOnnxNms:
      return "The graph ends in ONNX's own NonMaxSuppression.";
    case Postprocessing::kRows:
      return "The graph gives one tensor of rows: box, score, class.";
    case Postprocessing::kDecoded:
      return "The graph gives decoded boxes and scores; the parser library runs NMS.";
    case Postprocessing::kNone:
      return "The graph gives the raw heads; the parser library decodes and runs NMS.";
  }
  return "";
}

void WriteModel(const ModelFacts& facts, ConfigText& text) {
  const int mode = facts.fp16 ? 2 : 0;
  text.Comment("File names are relative to the folder of this file.");
  text.Set("onnx-file", facts.onnx_file);
  text.Comment(
      "The name under which DeepStream itself saves the engine that it builds at the first start "
      "(minutes).");
  text.Comment(
      "With any other name, batch size, GPU or precision it would build again at every start.");
  text.Set("model-engine-file", EngineFileName(facts.onnx_file, facts.batch_size, 0, mode));
  text.Set("labelfile-path", facts.labels_file);
  if (facts.dynamic_batch) {
    text.Comment(
        "The model takes any number of frames at once; the engine is built for up to so many.");
    text.Comment(
        "One a source is best. The engine's name above has this number too: change both (_b4_ for "
        "4),");
    text.Comment("and batch-size of [streammux] in the application's config.");
  }
  text.Set("batch-size", facts.batch_size);
  text.Comment("0 FP32, 1 INT8 (needs int8-calib-file), 2 FP16.");
  if (facts.half_model) {
    text.Comment(
        "The model computes in FP16 by itself, with float input and outputs: keep 2, which lets");
    text.Comment(
        "TensorRT 8 to 10 build it. In a strongly typed network (the only kind of TensorRT 11;");
    text.Comment("DeepStream 9.1 also has the key strongly-typed=1) the model's own types decide.");
  }
  text.Set("network-mode", facts.fp16 ? 2U : 0U);
  text.Comment("0: a detector.").Set("network-type", 0U);
  text.Comment("1: the full frame goes in.").Set("process-mode", 1U);
  text.Comment("Frames skipped between two inferences.").Set("interval", 0U);
  text.Set("gie-unique-id", 1U);
}

void WriteInput(const ModelFacts& facts, ConfigText& text) {
  text.Comment("RGB as it is, 0..255: scaling by mean and deviation is a part of the graph,");
  text.Comment("because DeepStream knows only one factor for all three channels.");
  text.Set("net-scale-factor", "1.0").Set("model-color-format", 0U);
  text.Comment("Always channels;height;width, whatever the order in memory.");
  text.Set("infer-dims", fmt::format("3;{};{}", facts.input_height, facts.input_width));
  if (facts.nhwc) {
    text.Comment(
        "1: the input is NHWC, as TensorFlow has it (DeepStream 6.0 or newer; needs infer-dims).");
    text.Set("network-input-order", 1U);
  } else {
    text.Comment("0: the input is NCHW.").Set("network-input-order", 0U);
  }
  text.Comment(
      "AutoML scales to fit and pads at the right and the bottom, not around the picture.");
  text.Set("maintain-aspect-ratio", 1U).Set("symmetric-padding", 0U);
  text.Comment(
      "1: bilinear as in training. Without this key DeepStream takes the nearest pixel, which "
      "costs accuracy.");
  text.Set("scaling-filter", 1U);
}

void WriteOutput(const ModelFacts& facts, ConfigText& text) {
  text.Comment(OutputComment(facts.postprocessing));
  if (!facts.output_names.empty()) text.SetList("output-blob-names", facts.output_names);
  text.Set("custom-lib-path", facts.parser_library);
  text.Comment("Finds out by itself which outputs the graph has.");
  if (!facts.parser_options.empty()) {
    text.Comment("The library takes what the tensors do not tell from " + ParserOptionsFile(facts) +
                 " beside it: keep the two together.");
  }
  text.Set("parse-bbox-func-name", "NvDsInferParseEfficientDet");
  text.Set("num-detected-classes", facts.num_classes);
  text.Comment(
      "4: no clustering, NMS is done. Left out, or 0, stock builds run NMS once more with IoU 0.5 "
      "and");
  text.Comment("at most 20 objects of a class, whatever [class-attrs-all] says.");
  text.Set("cluster-mode", 4U);
  text.Comment(
      "Objects that reach over the edge of the frame are cut there. Without this key DeepStream "
      "drops those");
  text.Comment(
      "that reach over the bottom without a word (the key is there since 6.2; older versions warn "
      "and ignore it).");
  text.Set("crop-objects-to-roi-boundary", 1U);
}

bool IsLive(const std::string& uri) { return uri.compare(0, 7, "rtsp://") == 0; }

void WriteApplication(const AppFacts& app, ConfigText& text) {
  text.Group("application");
  text.Comment("Prints frames per second every few seconds.");
  text.Set("enable-perf-measurement", 1U).Set("perf-measurement-interval-sec", 5U);
  if (app.kitti_directory.empty()) return;
  text.Comment(
      "One text file of detections for each frame. The folder must exist; relative to this file.");
  text.Set("gie-kitti-output-dir", app.kitti_directory);
}

void WriteSource(const ModelFacts& model, const AppFacts& app, ConfigText& text) {
  text.Group("source0");
  text.Set("enable", 1U);
  if (app.source_uri.empty()) {
    text.Comment(
        "Put your video here: file:///absolute/path.mp4, file://relative/to/this/file.mp4, or "
        "rtsp://... (type=4).");
  }
  text.Comment("2: a file or any other URI, 4: RTSP.");
  text.Set("type", IsLive(app.source_uri) ? 4U : 2U);
  const std::string sample =
      "file:///opt/nvidia/deepstream/deepstream" +
      (model.deepstream_version.empty() ? "" : "-" + model.deepstream_version) +
      "/samples/streams/sample_1080p_h264.mp4";
  text.Set("uri", app.source_uri.empty() ? sample : app.source_uri);
  text.Set("num-sources", 1U).Set("gpu-id", 0U);
  text.Group("streammux");
  text.Set("gpu-id", 0U);
  text.Comment("As many frames as there are sources, and as the batch-size of the inference.");
  text.Set("batch-size", model.batch_size);
  text.Comment(
      "Frames are scaled to this size before everything else: take the size of the video.");
  text.Set("width", app.width).Set("height", app.height);
  text.Comment("Microseconds until a batch goes on though it is not full.");
  text.Set("batched-push-timeout", 40000U);
  text.Comment("1 for cameras and RTSP.").Set("live-source", IsLive(app.source_uri) ? 1U : 0U);
  text.Set("enable-padding", 0U);
}

void WriteInference(const AppFacts& app, ConfigText& text) {
  text.Group("primary-gie");
  text.Comment(
      "Batch size, engine and labels are left to the file named here: a key in this group would "
      "overrule it.");
  text.Set("enable", 1U).Set("plugin-type", 0U).Set("gpu-id", 0U);
  text.Set("config-file", app.infer_config);
  text.Group("tracker");
  text.Comment("Off: every frame shows what the model sees.").Set("enable", 0U);
}

void WriteOutputs(const AppFacts& app, ConfigText& text) {
  text.Group("tiled-display");
  text.Comment("Off: one source needs no tiles.").Set("enable", 0U);
  text.Group("osd");
  text.Set("enable", 1U).Set("gpu-id", 0U);
  text.Comment("Without it boxes have lines of 0 pixels.").Set("border-width", 2U);
  text.Set("text-size", 15U)
      .Set("text-color", "1;1;1;1")
      .Set("text-bg-color", "0.3;0.3;0.3;1")
      .Set("font", "Serif");
  text.Group("sink0");
  text.Comment(
      "3: a file (1 none, 2 display, 4 RTSP). container 1: MP4, codec 1: H.264, enc-type 0: the "
      "hardware encoder.");
  text.Set("enable", 1U).Set("type", 3U).Set("container", 1U).Set("codec", 1U).Set("enc-type", 0U);
  text.Comment("0: as fast as it goes, not at the pace of the video.").Set("sync", 0U);
  text.Set("bitrate", 4000000U).Set("iframeinterval", 30U).Set("source-id", 0U).Set("gpu-id", 0U);
  text.Comment("Relative to the folder where deepstream-app is started.");
  text.Set("output-file", app.output_file);
  text.Group("tests");
  text.Set("file-loop", 0U);
}

}  // namespace

std::string NvinferConfigText(const ModelFacts& facts) {
  ConfigText text(NvinferKeys(), facts.deepstream_version);
  text.Comment(fmt::format("How DeepStream runs {} (element nvinfer).",
                           Plain(facts.model_name.empty() ? "this model" : facts.model_name)));
  if (!facts.platform.empty()) text.Comment("For " + Plain(facts.platform) + ".");
  text.Comment(
      "Comments stand on lines of their own: behind a value they would become a part of it.");
  text.Group("property");
  text.Set("gpu-id", 0U);
  WriteModel(facts, text);
  WriteInput(facts, text);
  WriteOutput(facts, text);
  text.Group("class-attrs-all");
  text.Comment(
      "Objects with a lower score are dropped. For other values for class N: a group "
      "[class-attrs-N].");
  text.Set("pre-cluster-threshold", fmt::format("{}", facts.score_threshold));
  text.Comment("At most so many objects of each class (0 would drop all of them).");
  text.Set("topk", facts.max_detections);
  return text.Take();
}

std::string ParserOptionsFile(const ModelFacts& facts) {
  return std::filesystem::path(facts.parser_library).replace_extension(".conf").string();
}

std::string ParserOptionsText(const ModelFacts& facts) {
  if (facts.parser_options.empty()) return "";
  std::string text = "# Options of " + facts.parser_library +
                     ", read from beside it; environment variables come first.\n";
  for (const auto& [key, value] : facts.parser_options) text += key + "=" + value + "\n";
  return text;
}

std::string AppConfigText(const ModelFacts& model, const AppFacts& app) {
  ConfigText text(DeepstreamAppKeys(), model.deepstream_version);
  text.Comment(fmt::format("Run with: deepstream-app -c <this file>    ({})",
                           Plain(model.model_name.empty() ? "EfficientDet" : model.model_name)));
  if (!model.platform.empty()) text.Comment("For " + Plain(model.platform) + ".");
  WriteApplication(app, text);
  WriteSource(model, app, text);
  WriteInference(app, text);
  WriteOutputs(app, text);
  return text.Take();
}

}  // namespace edet::deepstream
