#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "cli/command.h"
#include "cli/limit_options.h"
#include "cli/parser_library.h"
#include "deepstream/nvinfer_config.h"
#include "deepstream/platforms.h"
#include "deepstream/write_configs.h"
#include "efficientdet/check_weights.h"
#include "efficientdet/hparams.h"
#include "efficientdet/labels.h"
#include "efficientdet/model.h"
#include "efficientdet/nms_configs.h"
#include "efficientdet/read_hparams.h"
#include "efficientdet/recognize.h"
#include "efficientdet/variables.h"
#include "graph/half_precision.h"
#include "onnx/write.h"

namespace edet::cli {
namespace fs = std::filesystem;
using deepstream::Postprocessing;
using efficientdet::Layout;
using efficientdet::NmsKind;
using efficientdet::NmsSemantics;
using efficientdet::WeightChoice;
using nlohmann::ordered_json;
namespace {

// What the user decided; the rest is left to --target, to the hyperparameters and to our defaults.
struct Given {
  bool nms = false, layout = false, opset = false;
  bool score_threshold = false, iou_threshold = false, max_detections = false;
};
enum class Precision { kFp32, kFp16 };

struct Options {
  fs::path checkpoint;
  fs::path output;
  std::string model;
  std::string hparams;
  NmsKind nms = NmsKind::kPlugin;
  std::optional<NmsSemantics> semantics;
  float score_threshold = 0.4F;
  float iou_threshold = 0.5F;
  int max_detections = 100;
  Layout layout = Layout::kNhwc;
  int64_t batch = 1;
  int64_t opset = 13;
  Precision precision = Precision::kFp32;
  WeightChoice weights = WeightChoice::kAuto;
  fs::path labels;
  std::string input;
  std::string target;
  Given given;
  bool json = false;
  bool allow_nonfinite = false;
  checkpoint::Limits limits;
};

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
std::string NameOf(const std::map<std::string, T>& names, T value) {
  for (const auto& [name, known] : names) {
    if (known == value) return name;
  }
  return "?";
}

// What one conversion found out and decided: for the screen and for edet.json.
struct Conversion {
  efficientdet::Hparams hparams;
  std::string hparams_given;  // what --hparams or config.yaml said
  std::optional<deepstream::Platform> platform;
  std::vector<std::string> reasons;
  std::vector<std::string> labels;
  std::string checkpoint;
  bool uses_ema = false;
  NmsSemantics semantics = NmsSemantics::kPerClass;
  std::vector<std::string> outputs;
  size_t nodes = 0;
  uint64_t parameters = 0;
};

Error WrongModel(const checkpoint::Checkpoint& checkpoint, const efficientdet::Hparams& wanted,
                 const efficientdet::VariableDifference& difference) {
  auto some = [](const char* what, const std::vector<std::string>& names) {
    constexpr size_t kSome = 5;
    if (names.empty()) return std::string();
    auto end = names.begin() + static_cast<ptrdiff_t>(std::min(kSome, names.size()));
    return fmt::format("; {} {}: {}{}", names.size(), what, fmt::join(names.begin(), end, ", "),
                       names.size() > kSome ? ", ..." : "");
  };
  efficientdet::Recognition likely = efficientdet::RecognizeModel(checkpoint);
  std::string hint = likely.difference.empty() && likely.hparams.model_name != wanted.model_name
                         ? "it is " + likely.hparams.model_name +
                               ": leave --model out, or say --model " +
                               likely.hparams.model_name.substr(std::string("efficientdet-").size())
                         : "nearest is " + likely.hparams.model_name + ", " +
                               std::to_string(likely.difference.size()) +
                               " variables off: edet inspect --all lists them";
  return {ErrorCode::kCorrupt,
          fmt::format("the variables are not those of {}{}{}{}", wanted.model_name,
                      some("missing", difference.missing),
                      some("of another shape", difference.wrong_shape),
                      some("unknown", difference.extra)),
          checkpoint.summary().prefix.string(), hint};
}

// Where to begin: the model that was named, or the one that the variables are nearest to.
Result<efficientdet::Hparams> StartModel(const checkpoint::Checkpoint& checkpoint,
                                         const Options& options, Conversion& conversion) {
  if (!options.model.empty()) {
    conversion.reasons.push_back("model " + options.model + " as asked");
    return efficientdet::FindModel(options.model);
  }
  efficientdet::Recognition recognition = efficientdet::RecognizeModel(checkpoint);
  if (recognition.refusal) return *recognition.refusal;
  conversion.reasons = recognition.reasons;
  return recognition.hparams;
}

// What --hparams says, or the config.yaml that AutoML's trainers leave beside their checkpoints.
std::string HparamsFor(const checkpoint::Checkpoint& checkpoint, const Options& options,
                       Conversion& conversion) {
  if (!options.hparams.empty() || !options.model.empty()) return options.hparams;
  fs::path beside = checkpoint.summary().prefix.parent_path() / "config.yaml";
  std::error_code ignored;
  if (!fs::is_regular_file(beside, ignored)) return "";
  conversion.reasons.emplace_back(
      "config.yaml beside the checkpoint is used (--model goes without it)");
  return beside.string();
}

Status ChooseModel(const checkpoint::Checkpoint& checkpoint, const Options& options,
                   Conversion& conversion) {
  EDET_ASSIGN_OR_RETURN(conversion.hparams, StartModel(checkpoint, options, conversion));
  efficientdet::Hparams& hparams = conversion.hparams;
  std::string given = HparamsFor(checkpoint, options, conversion);
  if (!given.empty()) {
    EDET_ASSIGN_OR_RETURN(hparams, efficientdet::ReadHparams(given, hparams, conversion.reasons));
  }
  conversion.hparams_given = given;
  if (int classes = efficientdet::NumClassesOf(checkpoint, hparams.num_anchors()); classes > 0) {
    hparams.num_classes = classes;
  }
  efficientdet::VariableDifference difference = efficientdet::CompareVariables(checkpoint, hparams);
  if (!difference.empty()) return WrongModel(checkpoint, hparams, difference);
  return {};
}

Status ChooseLabels(const Options& options, Conversion& conversion) {
  int num_classes = conversion.hparams.num_classes;
  if (options.labels.empty()) {
    conversion.labels = efficientdet::DefaultLabels(num_classes);
    conversion.reasons.push_back(num_classes == 90
                                     ? "labels: COCO's names, the ten unused ids as unused_<id>"
                                     : "labels: class_1 and so on; give your names with --labels");
    return {};
  }
  EDET_ASSIGN_OR_RETURN(conversion.labels, deepstream::ReadLabels(options.labels));
  if (conversion.labels.size() != static_cast<size_t>(num_classes)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} labels (blank lines do not count) for {} classes",
                             conversion.labels.size(), num_classes),
                 options.labels.string(), "one line a class, in the order of the model's classes"};
  }
  return {};
}

NmsSemantics SemanticsFor(const Options& options) {
  if (options.semantics) return *options.semantics;
  return options.nms == NmsKind::kPlugin ? NmsSemantics::kPerClass : NmsSemantics::kAutoml;
}

Postprocessing PostprocessingOf(NmsKind kind) {
  switch (kind) {
    case NmsKind::kPlugin:
      return Postprocessing::kPlugin;
    case NmsKind::kOnnx:
      return Postprocessing::kOnnxNms;
    case NmsKind::kRows:
      return Postprocessing::kRows;
    case NmsKind::kDecoded:
      return Postprocessing::kDecoded;
    case NmsKind::kNone:
      break;
  }
  return Postprocessing::kNone;
}

// The platform's choices where the user made none; before anything is read, as they may be refused.
Result<std::vector<std::string>> ChooseForTarget(Options& options, Conversion& conversion) {
  if (options.target.empty()) return std::vector<std::string>();
  EDET_ASSIGN_OR_RETURN(conversion.platform, deepstream::FindPlatform(options.target));
  deepstream::ModelWishes wishes;
  const Given& given = options.given;
  if (given.nms) wishes.postprocessing = PostprocessingOf(options.nms);
  if (options.semantics) wishes.automl = options.semantics == NmsSemantics::kAutoml;
  if (given.layout) wishes.nhwc = options.layout == Layout::kNhwc;
  if (given.opset) wishes.opset = options.opset;
  EDET_ASSIGN_OR_RETURN(deepstream::ModelChoices choices,
                        deepstream::ChooseModel(*conversion.platform, wishes));
  for (const auto& [name, kind] : kNmsKinds) {
    if (PostprocessingOf(kind) == choices.postprocessing) options.nms = kind;
  }
  options.semantics = choices.automl ? NmsSemantics::kAutoml : NmsSemantics::kPerClass;
  options.layout = choices.nhwc ? Layout::kNhwc : Layout::kNchw;
  options.opset = choices.opset;
  utsname machine{};
  if (uname(&machine) == 0 && conversion.platform->arch != machine.machine) {
    choices.reasons.push_back(
        fmt::format("NOTE the parser library in the folder is for {}: {} needs one built for {}",
                    machine.machine, options.target, conversion.platform->arch));
  }
  return choices.reasons;
}

bool NmsInGraph(NmsKind kind) { return kind != NmsKind::kNone && kind != NmsKind::kDecoded; }

// A value of nms_configs takes the place of our default; the command line wins over both.
template <typename T>
void TakeDefault(const std::optional<T>& value, bool given, const char* key, const char* flag,
                 T& target, std::vector<std::string>& reasons) {
  if (!value || (!given && *value == target)) return;
  if (given) {
    reasons.push_back(
        fmt::format("{} {} as asked, not nms_configs.{} {}", flag, target, key, *value));
    return;
  }
  reasons.push_back(fmt::format("{} {}: nms_configs.{}", flag, *value, key));
  target = *value;
}

Status ApplyNmsConfigs(Options& options, Conversion& conversion) {
  EDET_ASSIGN_OR_RETURN(std::optional<efficientdet::NmsConfigs> configs,
                        efficientdet::ReadNmsConfigs(conversion.hparams_given));
  if (!configs) return {};
  std::vector<std::string>& reasons = conversion.reasons;
  const Given& given = options.given;
  TakeDefault(configs->score_threshold, given.score_threshold, "score_thresh", "--score-threshold",
              options.score_threshold, reasons);
  TakeDefault(configs->iou_threshold, given.iou_threshold, "iou_thresh", "--iou-threshold",
              options.iou_threshold, reasons);
  TakeDefault(configs->max_detections, given.max_detections, "max_output_size", "--max-detections",
              options.max_detections, reasons);
  if (!configs->score_threshold && !given.score_threshold) {
    reasons.push_back(
        fmt::format("--score-threshold {}: nms_configs give none (0 is none to AutoML), "
                    "its export takes this one",
                    options.score_threshold));
  }
  if (configs->max_nms_inputs) {
    reasons.push_back(
        fmt::format("nms_configs.max_nms_inputs {} is not applied: every anchor takes part, as in "
                    "AutoML's export",
                    *configs->max_nms_inputs));
  }
  for (std::string& line : efficientdet::SoftNmsAdvice(*configs, NmsInGraph(options.nms))) {
    reasons.push_back(std::move(line));
  }
  return {};
}

void NotePluginSemantics(const Options& options, Conversion& conversion) {
  if (options.nms != NmsKind::kPlugin || conversion.semantics != NmsSemantics::kAutoml) return;
  conversion.reasons.emplace_back(
      "AutoML's semantics by the plugin: it is fed the best class of each anchor and needs "
      "class_agnostic (TensorRT 8.6+); it takes scores and overlaps at the threshold where AutoML "
      "takes those above, and the best 5000 anchors only");
}

// A ratio, or [x, y] where the pair is no ratio's.
ordered_json AspectsJson(const efficientdet::Hparams& hparams) {
  ordered_json list = ordered_json::array();
  for (const detect::AspectRatio& aspect : hparams.aspect_ratios)
    list.push_back({aspect.x, aspect.y});
  return list;
}

bool IsDynamic(const Options& options) { return options.batch == graph::kDynamic; }

ordered_json BatchJson(const Options& options) {
  if (IsDynamic(options)) return "dynamic";
  return options.batch;
}

ordered_json Record(const Options& options, const Conversion& conversion) {
  const efficientdet::Hparams& h = conversion.hparams;
  bool decides = NmsInGraph(options.nms);
  ordered_json record = {
      {"edet", EDET_VERSION},
      {"checkpoint",
       {{"name", options.checkpoint.filename().string()}, {"holds", conversion.checkpoint}}},
      {"weights", conversion.uses_ema ? "ema" : "raw"},
      {"model",
       {{"name", h.model_name},
        {"backbone_name", h.backbone_name},
        {"image_size", {{"height", h.image_height}, {"width", h.image_width}}},
        {"num_classes", h.num_classes},
        {"min_level", h.min_level},
        {"max_level", h.max_level},
        {"num_scales", h.num_scales},
        {"aspect_ratios", AspectsJson(h)},
        {"anchor_scale", h.anchor_scale},
        {"mean_rgb", h.mean_rgb},
        {"stddev_rgb", h.stddev_rgb}}},
      {"onnx",
       {{"file", "model.onnx"},
        {"opset", options.opset},
        {"batch", BatchJson(options)},
        {"precision", NameOf(kPrecisions, options.precision)},
        {"layout", NameOf(kLayouts, options.layout)},
        {"outputs", conversion.outputs},
        {"nodes", conversion.nodes},
        {"parameters", conversion.parameters}}},
      {"nms", {{"kind", NameOf(kNmsKinds, options.nms)}}},
      {"reasons", conversion.reasons},
  };
  if (const auto& platform = conversion.platform) {
    record["target"] = {{"name", platform->name},         {"deepstream", platform->deepstream},
                        {"tensorrt", platform->tensorrt}, {"cuda", platform->cuda},
                        {"glibc", platform->glibc},       {"arch", platform->arch}};
  }
  if (decides) {
    record["nms"]["semantics"] = NameOf(kSemantics, conversion.semantics);
    record["nms"]["score_threshold"] = options.score_threshold;
    record["nms"]["iou_threshold"] = options.iou_threshold;
    record["nms"]["max_detections"] = options.max_detections;
  }
  return record;
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// The parser library decodes raw heads with AutoML's usual anchors; of them it can be told the
// scale only.
std::string AnchorAdvice(const efficientdet::Hparams& h, NmsKind nms) {
  const efficientdet::Hparams usual;
  bool usual_shapes = h.min_level == usual.min_level && h.num_scales == usual.num_scales &&
                      h.aspect_ratios == usual.aspect_ratios && h.anchor_scale.size() == 1;
  if (nms != NmsKind::kNone || (usual_shapes && h.anchor_scale == usual.anchor_scale)) return "";
  if (!usual_shapes)
    return "raw heads: the parser library does not know these anchors: take --nms decoded";
  return fmt::format(
      "raw heads: start the program with EDET_PARSER_ANCHOR_SCALE={}, or take --nms decoded",
      h.anchor_scale[0]);
}

deepstream::ModelFacts FactsFor(const Options& options, const Conversion& conversion) {
  deepstream::ModelFacts facts;
  facts.model_name = conversion.hparams.model_name;
  facts.input_width = static_cast<uint32_t>(conversion.hparams.image_width);
  facts.input_height = static_cast<uint32_t>(conversion.hparams.image_height);
  facts.nhwc = options.layout == Layout::kNhwc;
  facts.num_classes = static_cast<uint32_t>(conversion.hparams.num_classes);
  facts.postprocessing = PostprocessingOf(options.nms);
  facts.half_model = options.precision == Precision::kFp16;
  facts.output_names = conversion.outputs;
  facts.dynamic_batch = IsDynamic(options);
  facts.batch_size = facts.dynamic_batch ? 1 : static_cast<uint32_t>(options.batch);
  facts.anchor_advice = AnchorAdvice(conversion.hparams, options.nms);
  facts.score_threshold = options.score_threshold;
  facts.max_detections = static_cast<uint32_t>(options.max_detections);
  if (const auto& platform = conversion.platform) {
    facts.deepstream_version = platform->deepstream;
    facts.platform = fmt::format("{} ({})", platform->name, platform->Versions());
  }
  return facts;
}

// --precision fp16, and what it did to the weights.
Status MakeHalf(graph::Graph& graph, Conversion& conversion) {
  EDET_ASSIGN_OR_RETURN(graph::HalfPrecisionReport half, graph::ToHalfPrecision(graph));
  conversion.reasons.push_back(
      fmt::format("precision: {} operators and {:.1f} M weights in fp16; input, normalisation, "
                  "boxes, scores and outputs in fp32",
                  half.nodes, static_cast<double>(half.weights) / 1e6));
  if (half.coarse_channels > 0) {
    conversion.reasons.push_back(fmt::format(
        "NOTE fp16 keeps fewer than 8 bits of the weights of {} output channels (first in {}), and "
        "makes {} weights 0: usually channels that training let die; compare with fp32",
        half.coarse_channels, half.first_coarse, half.zeroed));
  }
  return {};
}

Result<graph::Graph> Build(const checkpoint::Checkpoint& checkpoint, const Options& options,
                           Conversion& conversion) {
  efficientdet::CheckpointVariables variables(checkpoint, options.weights);
  conversion.uses_ema = variables.uses_ema();
  conversion.reasons.emplace_back(variables.uses_ema()
                                      ? "weights: the averaged values (ExponentialMovingAverage)"
                                      : "weights: the variables themselves (raw)");
  EDET_RETURN_IF_ERROR(variables.status());
  efficientdet::BuildOptions build;
  build.layout = options.layout;
  build.batch = options.batch;
  build.postprocess = {options.nms, conversion.semantics, options.score_threshold,
                       options.iou_threshold, options.max_detections};
  efficientdet::CheckedVariables checked(variables);
  Result<graph::Graph> graph = efficientdet::BuildModel(conversion.hparams, checked, build);
  EDET_RETURN_IF_ERROR(variables.status());
  Status weights =
      efficientdet::ReportBadWeights(checked.found(), checkpoint.summary().prefix.string());
  if (weights.ok()) return graph;
  if (!options.allow_nonfinite) return weights.error();
  conversion.reasons.push_back("NOTE " + weights.error().what);
  return graph;
}

void NoteGraph(const graph::Graph& graph, Conversion& conversion) {
  for (graph::ValueId id : graph.outputs) conversion.outputs.push_back(graph.value(id).name);
  conversion.nodes = graph.nodes.size();
  conversion.parameters = graph::ParameterCount(graph);
}

// Everything is written under temporary names first: a failure leaves the folder as it was.
Status WriteFolder(graph::Graph graph, const Options& options, const Conversion& conversion) {
  EDET_ASSIGN_OR_RETURN(fs::path library, FindParserLibrary());
  EDET_ASSIGN_OR_RETURN(std::string library_bytes, ReadFile(library));
  deepstream::ModelFacts facts = FactsFor(options, conversion);
  deepstream::AppFacts app;
  app.source_uri = options.input;
  OutputFiles output;
  EDET_ASSIGN_OR_RETURN(fs::path onnx_file, output.StageName(options.output / "model.onnx"));
  onnx_format::WriteOptions write;
  write.opset = options.opset;
  write.producer_version = EDET_VERSION;
  EDET_RETURN_IF_ERROR(onnx_format::WriteModel(std::move(graph), write, onnx_file));
  EDET_RETURN_IF_ERROR(output.Stage(options.output / facts.labels_file, Joined(conversion.labels)));
  EDET_RETURN_IF_ERROR(
      output.Stage(options.output / app.infer_config, deepstream::NvinferConfigText(facts)));
  EDET_RETURN_IF_ERROR(
      output.Stage(options.output / "deepstream_app.txt", deepstream::AppConfigText(facts, app)));
  EDET_RETURN_IF_ERROR(output.Stage(options.output / facts.parser_library, library_bytes, true));
  EDET_RETURN_IF_ERROR(
      output.Stage(options.output / "edet.json", Record(options, conversion).dump(2) + "\n"));
  return output.Commit();
}

void PrintResult(const Options& options, const Conversion& conversion) {
  if (options.json) {
    ordered_json record = Record(options, conversion);
    record["folder"] = options.output.string();
    fmt::print("{}\n", record.dump(2));
    return;
  }
  const efficientdet::Hparams& h = conversion.hparams;
  std::string out = options.output.string();
  fmt::print("checkpoint  {}\n", conversion.checkpoint);
  for (const std::string& reason : conversion.reasons) fmt::print("            {}\n", reason);
  fmt::print(
      "input       input: float32 RGB 0..255, {} {}x{} (width x height), normalised inside\n",
      options.layout == Layout::kNhwc ? "NHWC" : "NCHW", h.image_width, h.image_height);
  fmt::print("batch       {}\n", IsDynamic(options) ? "any number of images (dynamic)"
                                                    : fmt::format("{}", options.batch));
  fmt::print("outputs     {}\n", fmt::join(conversion.outputs, ", "));
  if (!NmsInGraph(options.nms)) {
    fmt::print("nms         {}: left to the parser library\n", NameOf(kNmsKinds, options.nms));
  } else {
    fmt::print("nms         {}, {} semantics, score > {}, IoU > {} suppresses, at most {} boxes\n",
               NameOf(kNmsKinds, options.nms), NameOf(kSemantics, conversion.semantics),
               options.score_threshold, options.iou_threshold, options.max_detections);
  }
  fmt::print("network     {} nodes, {:.1f} M parameters, opset {}, {}\n", conversion.nodes,
             conversion.parameters / 1e6, options.opset, NameOf(kPrecisions, options.precision));
  fmt::print(
      "written     {}: model.onnx labels.txt config_infer_primary.txt deepstream_app.txt "
      "libnvdsinfer_efficientdet.so "
      "edet.json\n\n",
      out);
  fmt::print(
      "Next:\n  edet inspect {0}/model.onnx\n  edet run {0} VIDEO\n"
      "On {1}, in that folder with the library built for it:\n  deepstream-app -c "
      "deepstream_app.txt\n",
      out, conversion.platform ? conversion.platform->name : "the Jetson");
}

Status Convert(Options options, bool quiet) {
  Conversion conversion;
  EDET_ASSIGN_OR_RETURN(std::vector<std::string> target, ChooseForTarget(options, conversion));
  conversion.semantics = SemanticsFor(options);
  EDET_ASSIGN_OR_RETURN(checkpoint::Checkpoint checkpoint,
                        OpenWithin(options.limits, options.checkpoint));
  conversion.checkpoint = checkpoint.Description();
  EDET_RETURN_IF_ERROR(ChooseModel(checkpoint, options, conversion));
  conversion.reasons.insert(conversion.reasons.end(), target.begin(), target.end());
  EDET_RETURN_IF_ERROR(ApplyNmsConfigs(options, conversion));
  NotePluginSemantics(options, conversion);
  EDET_RETURN_IF_ERROR(ChooseLabels(options, conversion));
  if (std::string advice = AnchorAdvice(conversion.hparams, options.nms); !advice.empty()) {
    conversion.reasons.push_back("NOTE " + advice);
  }
  EDET_ASSIGN_OR_RETURN(graph::Graph graph, Build(checkpoint, options, conversion));
  if (options.precision == Precision::kFp16) {
    EDET_RETURN_IF_ERROR(MakeHalf(graph, conversion));
  }
  NoteGraph(graph, conversion);
  EDET_RETURN_IF_ERROR(WriteFolder(std::move(graph), options, conversion));
  if (!quiet || options.json) PrintResult(options, conversion);
  return {};
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

// What is wrong with a value of --batch; empty: nothing. Too large a number is the graph's to
// refuse.
std::string CheckBatch(const std::string& batch) {
  constexpr size_t kMostDigits = 9;
  bool number = !batch.empty() && batch.size() <= kMostDigits &&
                batch.find_first_not_of("0123456789") == std::string::npos;
  return number || batch == "dynamic" ? "" : "must be a number of images, or dynamic";
}

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

void NoteGiven(const CLI::App& command, Given& given) {
  given.opset = command.count("--opset") > 0;
  given.score_threshold = command.count("--score-threshold") > 0;
  given.iou_threshold = command.count("--iou-threshold") > 0;
  given.max_detections = command.count("--max-detections") > 0;
}

}  // namespace

void AddConvertCommand(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "convert", "A checkpoint to ONNX, DeepStream configs, labels and the parser library");
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
  command->footer("\nExample:\n  edet convert efficientdet-d0 -o d0\n  edet run d0 street.mp4");
  command->callback([options, command, &session] {
    NoteGiven(*command, options->given);
    Status status = Convert(*options, session.quiet);
    if (!status.ok()) throw CommandFailed{status.error()};
  });
}

}  // namespace edet::cli
