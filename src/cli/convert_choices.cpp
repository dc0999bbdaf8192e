#include "cli/convert_choices.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>

#include "deepstream/nvinfer_config.h"
#include "efficientdet/check_hparams.h"
#include "efficientdet/label_map.h"
#include "efficientdet/labels.h"
#include "efficientdet/nms_configs.h"
#include "efficientdet/read_hparams.h"
#include "efficientdet/recognize.h"
#include "efficientdet/variables.h"

namespace edet::cli {
namespace fs = std::filesystem;
using deepstream::Postprocessing;
using efficientdet::Layout;
using efficientdet::NmsKind;
using efficientdet::NmsSemantics;
namespace {

constexpr NmsKind kAllKinds[] = {NmsKind::kPlugin, NmsKind::kOnnx, NmsKind::kRows,
                                 NmsKind::kDecoded, NmsKind::kNone};

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

// Of a family member its name says enough: what was guessed is told, what follows from it is not.
std::vector<std::string> ReasonsToTell(const efficientdet::Recognition& recognition) {
  std::vector<std::string> told;
  for (const std::string& reason : recognition.reasons) {
    bool implied = recognition.family_member && reason.find("(--hparams") != std::string::npos &&
                   reason.rfind("guessed", 0) != 0;
    if (!implied) told.push_back(reason);
  }
  return told;
}

// Where to begin: the model that was named, or the one that the variables are nearest to.
Result<efficientdet::Hparams> StartModel(const checkpoint::Checkpoint& checkpoint,
                                         const ConvertOptions& options, Conversion& conversion) {
  if (!options.model.empty()) {
    conversion.reasons.push_back("model " + options.model + " as asked");
    return efficientdet::FindModel(options.model);
  }
  efficientdet::Recognition recognition = efficientdet::RecognizeModel(checkpoint);
  if (recognition.refusal) return *recognition.refusal;
  std::vector<std::string> told = ReasonsToTell(recognition);
  conversion.reasons.insert(conversion.reasons.begin(), told.begin(), told.end());
  return recognition.hparams;
}

// What --hparams says, or the config.yaml that AutoML's trainers leave beside their checkpoints.
std::string HparamsFor(const checkpoint::Checkpoint& checkpoint, const ConvertOptions& options,
                       Conversion& conversion) {
  if (!options.hparams.empty() || !options.model.empty()) return options.hparams;
  fs::path beside = checkpoint.summary().prefix.parent_path() / "config.yaml";
  std::error_code ignored;
  if (!fs::is_regular_file(beside, ignored)) return "";
  conversion.reasons.emplace_back(
      "config.yaml beside the checkpoint is used (--model goes without it)");
  return beside.string();
}

// A guess is none any more where the hyperparameters say it themselves: by key, or all of them by a
// model's name. `said`: the lines of ReadHparams, "key: value".
void DropSettledGuesses(const std::vector<std::string>& said, std::vector<std::string>& reasons) {
  auto settled = [&said](const std::string& reason) {
    if (reason.rfind("guessed", 0) != 0) return false;
    return std::any_of(said.begin(), said.end(), [&reason](const std::string& line) {
      std::string key = line.substr(0, line.find(':'));
      return key == "name" || reason.find(" " + key + "=") != std::string::npos ||
             reason.find("," + key + "=") != std::string::npos;
    });
  };
  reasons.erase(std::remove_if(reasons.begin(), reasons.end(), settled), reasons.end());
}

Status ChooseHparams(const checkpoint::Checkpoint& checkpoint, const ConvertOptions& options,
                     Conversion& conversion) {
  EDET_ASSIGN_OR_RETURN(conversion.hparams, StartModel(checkpoint, options, conversion));
  efficientdet::Hparams& hparams = conversion.hparams;
  std::string given = HparamsFor(checkpoint, options, conversion);
  if (!given.empty()) {
    std::vector<std::string> said;
    EDET_ASSIGN_OR_RETURN(hparams, efficientdet::ReadHparams(given, hparams, said));
    DropSettledGuesses(said, conversion.reasons);
    conversion.reasons.insert(conversion.reasons.end(), said.begin(), said.end());
  }
  conversion.hparams_given = given;
  if (int classes = efficientdet::NumClassesOf(checkpoint, hparams.num_anchors()); classes > 0) {
    hparams.num_classes = classes;
  }
  EDET_RETURN_IF_ERROR(efficientdet::CheckHparams(hparams));
  efficientdet::VariableDifference difference = efficientdet::CompareVariables(checkpoint, hparams);
  if (!difference.empty()) return WrongModel(checkpoint, hparams, difference);
  return {};
}

Status ChooseLabels(const ConvertOptions& options, Conversion& conversion) {
  int num_classes = conversion.hparams.num_classes;
  if (options.labels.empty()) {
    EDET_ASSIGN_OR_RETURN(auto named,
                          efficientdet::LabelsOfHparams(conversion.hparams_given, num_classes));
    conversion.labels = named ? *named : efficientdet::DefaultLabels(num_classes);
    conversion.reasons.push_back(named ? "labels: label_map of the hyperparameters"
                                 : num_classes == 90
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

NmsSemantics SemanticsFor(const ConvertOptions& options) {
  if (options.semantics) return *options.semantics;
  return options.nms == NmsKind::kPlugin ? NmsSemantics::kPerClass : NmsSemantics::kAutoml;
}

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

Status ApplyNmsConfigs(ConvertOptions& options, Conversion& conversion) {
  EDET_ASSIGN_OR_RETURN(std::optional<efficientdet::NmsConfigs> configs,
                        efficientdet::ReadNmsConfigs(conversion.hparams_given));
  if (!configs) return {};
  std::vector<std::string>& reasons = conversion.reasons;
  const ConvertGiven& given = options.given;
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
  if (configs->gaussian && !NmsInGraph(options.nms))
    conversion.soft_sigma = configs->SigmaOrDefault();
  for (std::string& line : efficientdet::SoftNmsAdvice(*configs, NmsInGraph(options.nms))) {
    reasons.push_back(std::move(line));
  }
  return {};
}

void NotePluginSemantics(const ConvertOptions& options, Conversion& conversion) {
  if (options.nms != NmsKind::kPlugin || conversion.semantics != NmsSemantics::kAutoml) return;
  conversion.reasons.emplace_back(
      "AutoML's semantics by the plugin: it is fed the best class of each anchor and needs "
      "class_agnostic (TensorRT 8.6+); it takes scores and overlaps at the threshold where AutoML "
      "takes those above, and the best 5000 anchors only");
}

}  // namespace

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

Result<std::vector<std::string>> ChooseForTarget(ConvertOptions& options, Conversion& conversion) {
  if (options.target.empty()) return std::vector<std::string>();
  EDET_ASSIGN_OR_RETURN(conversion.platform, deepstream::FindPlatform(options.target));
  deepstream::ModelWishes wishes;
  const ConvertGiven& given = options.given;
  if (given.nms) wishes.postprocessing = PostprocessingOf(options.nms);
  if (options.semantics) wishes.automl = options.semantics == NmsSemantics::kAutoml;
  if (given.layout) wishes.nhwc = options.layout == Layout::kNhwc;
  if (given.opset) wishes.opset = options.opset;
  EDET_ASSIGN_OR_RETURN(deepstream::ModelChoices choices,
                        deepstream::ChooseModel(*conversion.platform, wishes));
  for (NmsKind kind : kAllKinds) {
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

Status Choose(const checkpoint::Checkpoint& checkpoint, ConvertOptions& options,
              Conversion& conversion) {
  conversion.semantics = SemanticsFor(options);
  EDET_RETURN_IF_ERROR(ChooseHparams(checkpoint, options, conversion));
  EDET_RETURN_IF_ERROR(ApplyNmsConfigs(options, conversion));
  NotePluginSemantics(options, conversion);
  return ChooseLabels(options, conversion);
}

}  // namespace edet::cli
