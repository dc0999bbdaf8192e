#include "efficientdet/read_hparams.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "base/bounded_yaml.h"
#include "base/file.h"
#include "base/nearest.h"
#include "efficientdet/backbone_blocks.h"
#include "efficientdet/hparams_file.h"

namespace edet::efficientdet {
namespace {

constexpr uint64_t kYamlLimitBytes = 1 << 20;

// Thrown by the readers of values inside this file only; becomes an Error that names the key.
struct BadValue {
  std::string what;
  ErrorCode code = ErrorCode::kCorrupt;
};

// Keys of AutoML's configuration that decide nothing about the network at inference.
const std::set<std::string>& TrainingKeys() {
  static const std::set<std::string> keys = {"target_size",
                                             "input_rand_hflip",
                                             "jitter_min",
                                             "jitter_max",
                                             "autoaugment_policy",
                                             "grid_mask",
                                             "sample_image",
                                             "map_freq",
                                             "seg_num_classes",
                                             "skip_crowd_during_training",
                                             "max_instances_per_image",
                                             "regenerate_source_id",
                                             "is_training_bn",
                                             "momentum",
                                             "optimizer",
                                             "learning_rate",
                                             "lr_warmup_init",
                                             "lr_warmup_epoch",
                                             "first_lr_drop_epoch",
                                             "second_lr_drop_epoch",
                                             "poly_lr_power",
                                             "clip_gradients_norm",
                                             "num_epochs",
                                             "data_format",
                                             "label_smoothing",
                                             "alpha",
                                             "gamma",
                                             "delta",
                                             "box_loss_weight",
                                             "iou_loss_type",
                                             "iou_loss_weight",
                                             "weight_decay",
                                             "strategy",
                                             "mixed_precision",
                                             "loss_scale",
                                             "drop_remainder",
                                             "tflite_max_detections",
                                             "img_summary_steps",
                                             "lr_decay_method",
                                             "moving_average_decay",
                                             "ckpt_var_scope",
                                             "skip_mismatch",
                                             "var_freeze_expr",
                                             "use_keras_model",
                                             "dataset_type",
                                             "positives_momentum",
                                             "grad_checkpoint",
                                             "verbose",
                                             "save_freq",
                                             "label_map",
                                             "nms_configs",
                                             "batch_size",
                                             "eval_samples",
                                             "num_examples_per_epoch",
                                             "model_dir",
                                             "model_name",
                                             "steps_per_execution",
                                             "steps_per_epoch",
                                             "as_dict",
                                             "num_shards",
                                             "val_json_file",
                                             "testdev_dir",
                                             "profile",
                                             "tf_random_seed",
                                             "mode",
                                             "num_cores",
                                             "iterations_per_loop",
                                             "backbone_ckpt",
                                             "ckpt",
                                             "debug",
                                             "cache"};
  return keys;
}

bool IsNone(const YAML::Node& node) {
  return !node.IsDefined() || node.IsNull() ||
         (node.IsScalar() && (node.Scalar() == "None" || node.Scalar().empty()));
}

template <typename T>
T As(const YAML::Node& node, const char* kind) {
  T value{};
  if (!node.IsScalar() || !YAML::convert<T>::decode(node, value))
    throw BadValue{std::string("is not ") + kind};
  return value;
}

int Integer(const YAML::Node& node) {
  auto value = As<double>(node, "a whole number");
  if (value != std::floor(value) || std::fabs(value) > 1e6) throw BadValue{"is not a whole number"};
  return static_cast<int>(value);
}

float Number(const YAML::Node& node) {
  auto value = As<float>(node, "a number");
  if (!std::isfinite(value)) throw BadValue{"is not a finite number"};
  return value;
}

bool Boolean(const YAML::Node& node) { return As<bool>(node, "true or false"); }
std::string Text(const YAML::Node& node) { return As<std::string>(node, "a text"); }

std::vector<float> Numbers(const YAML::Node& node) {
  if (node.IsScalar()) return {Number(node)};
  if (!node.IsSequence()) throw BadValue{"is neither a number nor a list of numbers"};
  std::vector<float> values;
  for (const YAML::Node& item : node) values.push_back(Number(item));
  if (values.empty()) throw BadValue{"is an empty list"};
  return values;
}

// An integer, "WIDTHxHEIGHT", or [height, width] (automl/efficientdet/utils.py, parse_image_size).
void SetImageSize(const YAML::Node& node, Hparams& h) {
  if (node.IsSequence()) {
    if (node.size() != 2) throw BadValue{"is not [height, width]"};
    h.image_height = Integer(node[0]);
    h.image_width = Integer(node[1]);
    return;
  }
  std::string text = Text(node);
  size_t x = text.find('x');
  if (x == std::string::npos) {
    h.image_height = h.image_width = Integer(node);
    return;
  }
  h.image_width = Integer(YAML::Node(text.substr(0, x)));
  h.image_height = Integer(YAML::Node(text.substr(x + 1)));
}

void SetAspectRatios(const YAML::Node& node, Hparams& h) {
  if (!node.IsSequence() || node.size() == 0) throw BadValue{"is not a list"};
  h.aspect_ratios.clear();
  for (const YAML::Node& item : node) {
    std::vector<float> values = Numbers(item);
    bool good = values.size() <= 2 &&
                std::all_of(values.begin(), values.end(), [](float v) { return v > 0.F; });
    if (!good) throw BadValue{"holds neither a ratio nor a pair [x, y] above 0"};
    h.aspect_ratios.push_back(values.size() == 1 ? detect::AspectRatio(values[0])
                                                 : detect::AspectRatio(values[0], values[1]));
  }
}

void SetPerChannel(const YAML::Node& node, std::array<float, 3>& target) {
  std::vector<float> values = Numbers(node);
  if (values.size() == 1) values.resize(3, values[0]);
  if (values.size() != 3) throw BadValue{"is neither one number nor three"};
  std::copy(values.begin(), values.end(), target.begin());
}

template <typename T>
T Choice(const YAML::Node& node, const std::map<std::string, T>& choices) {
  auto found = choices.find(Text(node));
  if (found != choices.end()) return found->second;
  std::string known;
  for (const auto& [name, value] : choices) known += (known.empty() ? "" : ", ") + name;
  throw BadValue{"'" + Text(node) + "' is none of " + known, ErrorCode::kUnsupported};
}

Activation ActivationOf(const YAML::Node& node) {
  return Choice<Activation>(node, {{"swish", Activation::kSwish},
                                   {"silu", Activation::kSwish},
                                   {"swish_native", Activation::kSwish},
                                   {"hswish", Activation::kHardSwish},
                                   {"relu", Activation::kRelu},
                                   {"relu6", Activation::kRelu6},
                                   {"mish", Activation::kMish},
                                   {"srelu", Activation::kSmoothRelu}});
}

FusionMethod FusionOf(const YAML::Node& node) {
  if (IsNone(node)) return FusionMethod::kFastAttention;
  return Choice<FusionMethod>(node, {{"fastattn", FusionMethod::kFastAttention},
                                     {"attn", FusionMethod::kAttention},
                                     {"sum", FusionMethod::kSum},
                                     {"channel_fastattn", FusionMethod::kChannelFastAttention},
                                     {"channel_attn", FusionMethod::kChannelAttention}});
}

void SetFpnConfig(const YAML::Node& node, Hparams& h) {
  if (IsNone(node)) return;
  if (!node.IsMap() || !node["nodes"] || !node["nodes"].IsSequence())
    throw BadValue{"has no list 'nodes'"};
  h.fpn_nodes.clear();
  for (const YAML::Node& item : node["nodes"]) {
    if (!item.IsMap() || !item["feat_level"] || !item["inputs_offsets"] ||
        !item["inputs_offsets"].IsSequence()) {
      throw BadValue{"has a node without feat_level or inputs_offsets"};
    }
    FusionNode made{Integer(item["feat_level"]), {}};
    for (const YAML::Node& offset : item["inputs_offsets"]) made.inputs.push_back(Integer(offset));
    h.fpn_nodes.push_back(std::move(made));
  }
  if (h.fpn_nodes.empty()) throw BadValue{"has no nodes"};
  if (node["weight_method"]) h.fpn_weight_method = FusionOf(node["weight_method"]);
}

void CheckHeads(const YAML::Node& node, Hparams&) {
  if (!node.IsSequence() && !node.IsScalar()) throw BadValue{"is not a list of heads"};
  std::set<std::string> heads;
  if (node.IsScalar()) heads.insert(Text(node));
  for (const YAML::Node& item : node) heads.insert(Text(item));
  for (const std::string& head : heads) {
    if (head != "object_detection")
      throw BadValue{"has '" + head + "': only object_detection is converted",
                     ErrorCode::kUnsupported};
  }
}

void SetBackboneConfig(const YAML::Node& node, Hparams& h) {
  if (IsNone(node)) return h.backbone_stages.clear();
  Result<std::vector<Stage>> stages = ReadBackboneBlocks(node);
  if (!stages.ok()) throw BadValue{stages.error().what, stages.error().code};
  h.backbone_stages = std::move(*stages);
}

using Setter = std::function<void(const YAML::Node&, Hparams&)>;

const std::map<std::string, Setter>& Setters() {
  static const std::map<std::string, Setter> setters = {
      {"image_size", SetImageSize},
      {"num_classes", [](const YAML::Node& n, Hparams& h) { h.num_classes = Integer(n); }},
      {"min_level", [](const YAML::Node& n, Hparams& h) { h.min_level = Integer(n); }},
      {"max_level", [](const YAML::Node& n, Hparams& h) { h.max_level = Integer(n); }},
      {"num_scales", [](const YAML::Node& n, Hparams& h) { h.num_scales = Integer(n); }},
      {"aspect_ratios", SetAspectRatios},
      {"anchor_scale", [](const YAML::Node& n, Hparams& h) { h.anchor_scale = Numbers(n); }},
      {"act_type", [](const YAML::Node& n, Hparams& h) { h.act_type = ActivationOf(n); }},
      {"fpn_name",
       [](const YAML::Node& n, Hparams& h) {
         h.quad_fpn = !IsNone(n) &&
                      Choice<bool>(n, {{"bifpn", false}, {"bifpn_dyn", false}, {"qufpn", true}});
       }},
      {"fpn_config", SetFpnConfig},
      {"fpn_weight_method",
       [](const YAML::Node& n, Hparams& h) { h.fpn_weight_method = FusionOf(n); }},
      {"fpn_num_filters", [](const YAML::Node& n, Hparams& h) { h.fpn_num_filters = Integer(n); }},
      {"fpn_cell_repeats",
       [](const YAML::Node& n, Hparams& h) { h.fpn_cell_repeats = Integer(n); }},
      {"box_class_repeats",
       [](const YAML::Node& n, Hparams& h) { h.box_class_repeats = Integer(n); }},
      {"separable_conv", [](const YAML::Node& n, Hparams& h) { h.separable_conv = Boolean(n); }},
      {"apply_bn_for_resampling",
       [](const YAML::Node& n, Hparams& h) { h.apply_bn_for_resampling = Boolean(n); }},
      {"conv_after_downsample",
       [](const YAML::Node& n, Hparams& h) { h.conv_after_downsample = Boolean(n); }},
      {"conv_bn_act_pattern",
       [](const YAML::Node& n, Hparams& h) { h.conv_bn_act_pattern = Boolean(n); }},
      {"survival_prob",
       [](const YAML::Node& n, Hparams& h) { h.head_residual = !IsNone(n) && Number(n) != 0.F; }},
      {"backbone_name", [](const YAML::Node& n, Hparams& h) { h.backbone_name = Text(n); }},
      {"backbone_config", SetBackboneConfig},
      {"mean_rgb", [](const YAML::Node& n, Hparams& h) { SetPerChannel(n, h.mean_rgb); }},
      {"stddev_rgb", [](const YAML::Node& n, Hparams& h) { SetPerChannel(n, h.stddev_rgb); }},
      {"heads", CheckHeads},
  };
  return setters;
}

Error KeyError(const std::string& key, const BadValue& bad) {
  return {bad.code, key + " " + bad.what, "hparams", ""};
}

Error UnknownKey(const std::string& key) {
  std::vector<std::string> known(TrainingKeys().begin(), TrainingKeys().end());
  for (const auto& [name, setter] : Setters()) known.push_back(name);
  std::vector<std::string> near = NearestNames(key, known, 1);
  return {ErrorCode::kInvalidArgument, "there is no hyperparameter '" + key + "'", "hparams",
          near.empty() ? "AutoML's hparams_config.py has the names"
                       : "did you mean '" + near[0] + "'?"};
}

// AdvProp's preprocessing (scale_range: x * 2 / 255 - 1) is a mean and deviation of 127.5 on RGB
// 0..255.
void ApplyScaleRange(const YAML::Node& root, Hparams& h, std::vector<std::string>& notes) {
  YAML::Node flag = root["scale_range"];
  if (IsNone(flag) || !Boolean(flag)) return;
  for (size_t c = 0; c < 3; ++c) {
    // After (x - mean) / stddev comes * 2 / 255 - 1: one affine map again.
    float deviation = h.stddev_rgb[c] * 127.5F;
    h.mean_rgb[c] += deviation;
    h.stddev_rgb[c] = deviation;
  }
  notes.emplace_back(
      "scale_range: pixels are mapped to -1..1 in the graph, where AutoML's own export leaves it "
      "out");
}

// The same values without tags, to be written on one line.
YAML::Node OnOneLine(const YAML::Node& node) {
  if (!node.IsSequence() && !node.IsMap()) return node;
  YAML::Node plain(node.Type());
  plain.SetStyle(YAML::EmitterStyle::Flow);
  for (const auto& item : node) {
    if (node.IsMap()) {
      plain.force_insert(item.first, OnOneLine(item.second));
    } else {
      plain.push_back(OnOneLine(item));
    }
  }
  return plain;
}

std::string Shown(const YAML::Node& node) {
  if (IsNone(node)) return "None";
  YAML::Emitter emitter;
  emitter << OnOneLine(node);
  // yaml-cpp breaks long lists.
  std::string text = emitter.c_str();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

Result<Hparams> Apply(const YAML::Node& root, Hparams hparams, std::vector<std::string>& notes) {
  if (!root.IsMap())
    return Error{ErrorCode::kCorrupt, "holds no keys", "hparams", "key: value, one a line"};
  if (YAML::Node name = root["name"]; !IsNone(name)) {
    EDET_ASSIGN_OR_RETURN(hparams, FindModel(Text(name)));
    notes.push_back("name: " + hparams.model_name);
  }
  for (const auto& entry : root) {
    std::string key = Text(entry.first);
    if (key == "name" || key == "scale_range" || TrainingKeys().count(key) > 0) continue;
    auto setter = Setters().find(key);
    if (setter == Setters().end()) return UnknownKey(key);
    try {
      setter->second(entry.second, hparams);
    } catch (const BadValue& bad) {
      return KeyError(key, bad);
    }
    notes.push_back(key + ": " + Shown(entry.second));
  }
  // Its weight_method counts, whatever fpn_weight_method says and wherever it stands.
  if (root["fpn_config"]) SetFpnConfig(root["fpn_config"], hparams);
  try {
    ApplyScaleRange(root, hparams, notes);
  } catch (const BadValue& bad) {
    return KeyError("scale_range", bad);
  }
  return hparams;
}

std::string WithoutSpaces(std::string text) {
  text.erase(
      std::remove_if(text.begin(), text.end(), [](unsigned char c) { return std::isspace(c); }),
      text.end());
  return text;
}

std::string Trimmed(const std::string& text) {
  size_t first = text.find_first_not_of(" \t"), last = text.find_last_not_of(" \t");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

// The next comma outside of brackets, as in "aspect_ratios=[1.0,2.0],num_classes=3".
size_t EndOfPair(const std::string& text, size_t begin) {
  int depth = 0;
  for (size_t i = begin; i < text.size(); ++i) {
    char c = text[i];
    if (c == '[' || c == '(' || c == '{') ++depth;
    if (c == ']' || c == ')' || c == '}') --depth;
    if (c == ',' && depth <= 0) return i;
  }
  return text.size();
}

// "1.0*2.0" is a list; "[1.0,2.0]" and "(512,640)" are Python's; everything else is one value.
Result<YAML::Node> ParseValue(std::string value) {
  YAML::Node made;
  if (!value.empty() && (value[0] == '[' || value[0] == '(' || value[0] == '{')) {
    std::replace(value.begin(), value.end(), '(', '[');
    std::replace(value.begin(), value.end(), ')', ']');
    return ParseBoundedYaml(value, "--hparams");
  }
  if (value.find('*') == std::string::npos) return YAML::Node(value);
  for (size_t from = 0; from <= value.size();) {
    size_t to = std::min(value.find('*', from), value.size());
    made.push_back(value.substr(from, to - from));
    from = to + 1;
  }
  return made;
}

Status AddPair(const std::string& pair, YAML::Node& root) {
  size_t equals = pair.find('=');
  if (equals == std::string::npos || equals == 0 ||
      pair.find('=', equals + 1) != std::string::npos) {
    return Error{ErrorCode::kInvalidArgument, "'" + pair + "' is not key=value", "--hparams",
                 "lists are written 1.0*2.0"};
  }
  std::string key = WithoutSpaces(pair.substr(0, equals));
  EDET_ASSIGN_OR_RETURN(YAML::Node value, ParseValue(Trimmed(pair.substr(equals + 1))));
  size_t dot = key.find('.');
  if (dot == std::string::npos) {
    root[key] = value;
  } else {
    root[key.substr(0, dot)][key.substr(dot + 1)] = value;
  }
  return {};
}

// "a.b=1,c=2*3" as the tree {a: {b: 1}, c: [2, 3]}.
Result<YAML::Node> ParsePairs(const std::string& text) {
  YAML::Node root(YAML::NodeType::Map);
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = EndOfPair(text, begin);
    std::string pair = text.substr(begin, end - begin);
    begin = end + 1;
    if (!pair.empty()) EDET_RETURN_IF_ERROR(AddPair(pair, root));
  }
  return root;
}

Result<YAML::Node> Parse(const std::string& given) {
  if (!NamesHparamsFile(given)) return ParsePairs(given);
  EDET_ASSIGN_OR_RETURN(std::string text, ReadFile(given, kYamlLimitBytes));
  return ParseBoundedYaml(text, given);
}

}  // namespace

Result<Hparams> ReadHparams(const std::string& given, Hparams hparams,
                            std::vector<std::string>& notes) {
  try {
    EDET_ASSIGN_OR_RETURN(YAML::Node root, Parse(given));
    return Apply(root, std::move(hparams), notes);
  } catch (const BadValue& bad) {
    return Error{bad.code, "a key " + bad.what, given, ""};
  } catch (const YAML::Exception& error) {
    return Error{ErrorCode::kCorrupt, "is not YAML: " + error.msg,
                 given + ":" + std::to_string(error.mark.line + 1), ""};
  }
}

}  // namespace edet::efficientdet
