#include "cli/convert_options.h"

#include <fmt/format.h>

#include <functional>

#include "cli/limit_options.h"
#include "deepstream/platforms.h"
#include "graph/graph.h"

namespace edet::cli {
using efficientdet::Layout;
using efficientdet::NmsKind;
using efficientdet::NmsSemantics;
using efficientdet::WeightChoice;
namespace {

const std::map<std::string, NmsKind> kNmsKinds = {{"plugin", NmsKind::kPlugin},
                                                  {"onnx", NmsKind::kOnnx},
                                                  {"rows", NmsKind::kRows},
                                                  {"decoded", NmsKind::kDecoded},
                                                  {"none", NmsKind::kNone}};
const std::map<std::string, NmsSemantics> kSemantics = {{"automl", NmsSemantics::kAutoml},
                                                        {"per-class", NmsSemantics::kPerClass}};
const std::map<std::string, Layout> kLayouts = {{"nhwc", Layout::kNhwc}, {"nchw", Layout::kNchw}};
const std::map<std::string, Precision> kPrecisions = {{"fp32", Precision::kFp32},
                                                      {"fp16", Precision::kFp16}};
const std::map<std::string, WeightChoice> kWeights = {
    {"auto", WeightChoice::kAuto}, {"ema", WeightChoice::kEma}, {"raw", WeightChoice::kRaw}};

template <typename T>
std::string Name(const std::map<std::string, T>& names, T value) {
  for (const auto& [name, known] : names) {
    if (known == value) return name;
  }
  return "?";
}

// An option that takes one of a few names.
template <typename T>
void AddChoice(CLI::App* command, const std::string& name, const std::map<std::string, T>& choices,
               std::function<void(T)> set, const std::string& help) {
  command
      ->add_option_function<std::string>(
          name, [&choices, set](const std::string& chosen) { set(choices.at(chosen)); }, help)
      ->check(CLI::IsMember(&choices));
}

}  // namespace

std::string PlatformNames() {
  std::string names;
  for (const deepstream::Platform& p : deepstream::Platforms()) {
    names += (names.empty() ? "" : ", ") + p.name;
  }
  return names;
}

void PrintPlatforms() {
  fmt::print("{:<14}{:<11}{:<10}{:<8}{:<8}{:<34}{}\n", "--target", "DeepStream", "TensorRT",
             "layout", "opset", "--nms", "device");
  for (const deepstream::Platform& p : deepstream::Platforms()) {
    std::string nms = p.nms_plugin == deepstream::PluginState::kAbsent ? "" : "plugin ";
    if (p.nms_plugin == deepstream::PluginState::kFaulty) nms = "plugin(faulty) ";
    if (p.nms_plugin == deepstream::PluginState::kDeprecated) nms = "plugin(deprecated) ";
    nms += p.nms_onnx ? "onnx rows " : "";
    fmt::print("{:<14}{:<11}{:<10}{:<8}{:<8}{:<34}{}{}\n", p.name, p.deepstream, p.tensorrt,
               p.nhwc ? "any" : "nchw", fmt::format("<= {}", p.max_opset), nms, p.device,
               p.jetpack.empty() ? "" : ", JetPack " + p.jetpack);
  }
  fmt::print(
      "--nms decoded and none go everywhere; --nms plugin with --nms-semantics automl from "
      "TensorRT 8.6 on.\n");
}

const std::map<std::string, NmsKind>& NmsKinds() { return kNmsKinds; }
const std::map<std::string, NmsSemantics>& NmsSemanticsNames() { return kSemantics; }

// Too large a number is the graph's to refuse.
std::string CheckBatch(const std::string& batch) {
  constexpr size_t kMostDigits = 9;
  bool number = !batch.empty() && batch.size() <= kMostDigits &&
                batch.find_first_not_of("0123456789") == std::string::npos;
  return number || batch == "dynamic" ? "" : "must be a number of images, or dynamic";
}

std::string NameOf(NmsKind kind) { return Name(kNmsKinds, kind); }
std::string NameOf(NmsSemantics semantics) { return Name(kSemantics, semantics); }
std::string NameOf(Layout layout) { return Name(kLayouts, layout); }
std::string NameOf(Precision precision) { return Name(kPrecisions, precision); }

bool NmsInGraph(NmsKind kind) { return kind != NmsKind::kNone && kind != NmsKind::kDecoded; }

void NoteGiven(const CLI::App& command, ConvertGiven& given) {
  given.opset = command.count("--opset") > 0;
  given.score_threshold = command.count("--score-threshold") > 0;
  given.iou_threshold = command.count("--iou-threshold") > 0;
  given.max_detections = command.count("--max-detections") > 0;
}

void AddConvertOptions(CLI::App* command, const std::shared_ptr<ConvertOptions>& options) {
  command
      ->add_option("checkpoint", options->checkpoint,
                   "The weights: a checkpoint's folder, prefix, .index or data file or .tar.gz, a "
                   "SavedModel, "
                   "a frozen .pb or a Keras .h5")
      ->required();
  command->add_option("-o,--output", options->output, "Folder to write (made if absent)")
      ->required();
  command->add_option(
      "--model", options->model,
      "d0 to d7, d7x, lite0 to lite4, lite3x; recognised by the variables if left out");
  command->add_option("--hparams", options->hparams,
                      "AutoML's hyperparameters: k=v,k=v as its --hparams, or a .yaml file (its "
                      "trainers leave config.yaml beside checkpoints)");
  AddChoice<WeightChoice>(
      command, "--weights", kWeights, [options](WeightChoice w) { options->weights = w; },
      "auto, ema or raw: averaged values where they exist (auto), or one of the two");
  AddChoice<NmsKind>(
      command, "--nms", kNmsKinds,
      [options](NmsKind k) {
        options->nms = k;
        options->given.nms = true;
      },
      "plugin: EfficientNMS_TRT (JetPack 4.6 to 6; default). onnx: the same outputs by "
      "standard operators (TensorRT 8.5+). "
      "rows: AutoML's [N,100,7]. decoded: boxes and scores. none: raw heads");
  AddChoice<NmsSemantics>(
      command, "--nms-semantics", kSemantics, [options](NmsSemantics n) { options->semantics = n; },
      "automl: one class a place, classes suppress each other (in the plugin from TensorRT 8.6 "
      "on). "
      "per-class: each class on its own (what the plugin does by itself)");
  command->add_option("--score-threshold", options->score_threshold,
                      "Boxes at or below it are dropped in the graph (0.4)");
  command->add_option("--iou-threshold", options->iou_threshold,
                      "Boxes that overlap a better one by more are dropped (0.5)");
  command->add_option("--max-detections", options->max_detections,
                      "Boxes a frame at the most (100)");
  AddChoice<Layout>(
      command, "--layout", kLayouts,
      [options](Layout l) {
        options->layout = l;
        options->given.layout = true;
      },
      "nhwc (default; DeepStream 6.0+) or nchw");
  command
      ->add_option_function<std::string>(
          "--batch",
          [options](const std::string& batch) {
            options->batch = batch == "dynamic" ? graph::kDynamic : std::stoll(batch);
          },
          "Images a run (1), or dynamic: any number, which the device's config decides")
      ->check([](const std::string& batch) { return CheckBatch(batch); });
  command->add_option("--opset", options->opset, "11 to 17 (13); 11 for TensorRT 7");
  AddChoice<Precision>(
      command, "--precision", kPrecisions, [options](Precision p) { options->precision = p; },
      "fp32 (default) or fp16: weights and arithmetic of the network in half precision, input and "
      "outputs float32; for strongly typed TensorRT networks and for half the file");
  command->add_option("--labels", options->labels,
                      "Text file, one class name a line; COCO's names for 90 classes if left out");
  command->add_option("--input", options->input,
                      "URI of the video for deepstream_app.txt (file:///.., rtsp://..)");
  command->add_option_function<std::string>(
      "--target",
      [options](const std::string& name) {
        if (name == "help") {
          PrintPlatforms();
          throw CLI::Success();
        }
        options->target = name;
      },
      "The platform that it is for, which then chooses --nms, --nms-semantics, --layout and "
      "--opset "
      "where you do not: " +
          PlatformNames() + "; help tells about each");
  command->add_flag("--allow-nonfinite", options->allow_nonfinite,
                    "Convert weights that hold NaN, infinity or a variance below 0");
  command->add_flag("--json", options->json, "Print what was made as JSON");
  AddLimitOptions(command, options->limits);
}

}  // namespace edet::cli
