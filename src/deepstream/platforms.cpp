#include "deepstream/platforms.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/nearest.h"

namespace edet::deepstream {
namespace {

using Json = nlohmann::json;

std::vector<int> Numbers(const std::string& version) {
  std::vector<int> numbers;
  std::istringstream parts(version);
  for (std::string part; std::getline(parts, part, '.');) numbers.push_back(std::stoi(part));
  return numbers;
}

// The row with the newest version that is not newer than this one.
const Json& RowFor(const Json& rows, const std::string& version) {
  const Json* best = &rows.at(0);
  for (const Json& row : rows) {
    if (Numbers(row.at("version")) <= Numbers(version)) best = &row;
  }
  return *best;
}

constexpr int64_t kNewestWrittenOpset = 17;

PluginState PluginFromName(const std::string& name) {
  if (name == "faulty") return PluginState::kFaulty;
  if (name == "good") return PluginState::kGood;
  return name == "deprecated" ? PluginState::kDeprecated : PluginState::kAbsent;
}

Platform ReadPlatform(const Json& json, const Json& root) {
  Platform p;
  p.name = json.at("name");
  p.device = json.at("device");
  p.jetpack = json.at("jetpack");
  p.deepstream = json.at("deepstream");
  p.tensorrt = json.at("tensorrt");
  p.cuda = json.at("cuda");
  p.glibc = json.at("glibc");
  p.arch = json.at("arch");
  const Json& tensorrt = RowFor(root.at("tensorrt"), p.tensorrt);
  p.max_opset = std::min(kNewestWrittenOpset, NewestOpset(p.tensorrt));
  p.takes_uint8 = tensorrt.at("uint8");
  p.nms_plugin = PluginFromName(tensorrt.at("nms_plugin"));
  p.class_agnostic = tensorrt.at("class_agnostic");
  p.nms_onnx = tensorrt.at("nms_onnx");
  p.constants = tensorrt.at("constants").get<std::vector<std::string>>();
  const Json& deepstream = RowFor(root.at("deepstream"), p.deepstream);
  p.nhwc = deepstream.at("nhwc");
  p.object_bytes = deepstream.at("object_bytes");
  return p;
}

// The text is a part of this program, checked by a test: what is wrong in it may throw.
const Json& Root() {
  static const Json root = Json::parse(k_platforms_json);
  return root;
}

std::vector<Platform> ReadPlatforms() {
  const Json& root = Root();
  std::vector<Platform> platforms;
  for (const Json& json : root.at("platforms")) platforms.push_back(ReadPlatform(json, root));
  return platforms;
}

const char* NameOf(Postprocessing postprocessing) {
  switch (postprocessing) {
    case Postprocessing::kPlugin:
      return "plugin";
    case Postprocessing::kOnnxNms:
      return "onnx";
    case Postprocessing::kRows:
      return "rows";
    case Postprocessing::kDecoded:
      return "decoded";
    case Postprocessing::kNone:
      break;
  }
  return "none";
}

Error Refused(const Platform& platform, std::string what, const char* option, std::string hint) {
  return {ErrorCode::kUnsupported, std::move(what),
          fmt::format("{} for --target {}", option, platform.name), std::move(hint)};
}

bool UsesOnnxNms(Postprocessing p) {
  return p == Postprocessing::kOnnxNms || p == Postprocessing::kRows;
}

Status CheckNms(const Platform& p, Postprocessing wish) {
  const char* hint = p.nms_plugin == PluginState::kGood
                         ? "take --nms plugin, decoded or none, or leave --nms out"
                         : "take --nms decoded or none, or leave --nms out";
  if (wish == Postprocessing::kPlugin && p.nms_plugin == PluginState::kAbsent) {
    return Refused(
        p, fmt::format("TensorRT {} has no EfficientNMS_TRT (8.0 and newer have)", p.tensorrt),
        "--nms plugin", hint);
  }
  if (UsesOnnxNms(wish) && !p.nms_onnx) {
    return Refused(
        p,
        fmt::format("TensorRT {} has no layer for NonMaxSuppression (8.5 and newer have)",
                    p.tensorrt),
        wish == Postprocessing::kRows ? "--nms rows" : "--nms onnx", hint);
  }
  return {};
}

const char* WhyNoNms(const Platform& p) {
  switch (p.nms_plugin) {
    case PluginState::kAbsent:
      return "TensorRT {} has no NMS at all; the parser library runs it";
    case PluginState::kFaulty:
      return "EfficientNMS_TRT of TensorRT {} has known faults; the parser library runs NMS";
    case PluginState::kGood:
    case PluginState::kDeprecated:
      break;
  }
  return "EfficientNMS_TRT of TensorRT {} works on each class on its own; the parser library runs "
         "NMS";
}

// A plugin that is there and good is the fastest, and the form that most devices' users know.
Status ChooseNms(const Platform& p, const ModelWishes& wishes, ModelChoices& choices) {
  auto because = [&](const char* why) {
    choices.reasons.push_back(fmt::format("--nms {} for {}: {}", NameOf(choices.postprocessing),
                                          p.name, fmt::format(fmt::runtime(why), p.tensorrt)));
  };
  if (wishes.postprocessing) {
    choices.postprocessing = *wishes.postprocessing;
    if (choices.postprocessing == Postprocessing::kPlugin && p.nms_plugin == PluginState::kFaulty)
      because(
          "NOTE EfficientNMS_TRT of TensorRT {} has known faults (negative scores, failing "
          "builds); "
          "decoded is the safe choice");
    if (choices.postprocessing == Postprocessing::kPlugin &&
        p.nms_plugin == PluginState::kDeprecated)
      because(
          "NOTE EfficientNMS_TRT is deprecated since TensorRT 10.12 (here {}) and may be gone in "
          "the next");
    return CheckNms(p, choices.postprocessing);
  }
  // The plugin's own semantics are per class: another wish needs its class_agnostic.
  bool plugin_fits = p.class_agnostic || !wishes.automl.value_or(false);
  if (p.nms_plugin == PluginState::kGood && plugin_fits) {
    choices.postprocessing = Postprocessing::kPlugin;
    because("TensorRT {} has a sound EfficientNMS_TRT");
  } else if (p.nms_onnx) {
    choices.postprocessing = Postprocessing::kOnnxNms;
    because(plugin_fits ? "TensorRT {} has a layer for ONNX's NMS, and its plugin is deprecated"
                        : "EfficientNMS_TRT of TensorRT {} works on each class on its own");
  } else {
    choices.postprocessing = Postprocessing::kDecoded;
    because(WhyNoNms(p));
  }
  return {};
}

Status ChooseSemantics(const Platform& p, const ModelWishes& wishes, ModelChoices& choices) {
  bool plugin = choices.postprocessing == Postprocessing::kPlugin;
  choices.automl = wishes.automl.value_or(!plugin);
  if (plugin && choices.automl && !p.class_agnostic) {
    return Refused(
        p,
        fmt::format("EfficientNMS_TRT of TensorRT {} has no class_agnostic (8.6 and newer "
                    "have), without which classes cannot suppress each other",
                    p.tensorrt),
        "--nms plugin --nms-semantics automl",
        p.nms_onnx ? "take --nms onnx, or --nms-semantics per-class"
                   : "take --nms decoded, or --nms-semantics per-class");
  }
  bool left_out = !wishes.automl && (plugin || UsesOnnxNms(choices.postprocessing));
  if (left_out) {
    choices.reasons.push_back(
        plugin ? fmt::format("--nms-semantics per-class for {}: what the plugin does by itself{}",
                             p.name, p.class_agnostic ? " (automl works there too)" : "")
               : fmt::format("--nms-semantics automl for {}: ONNX's NMS can say it", p.name));
  }
  return {};
}

Status ChooseInput(const Platform& p, const ModelWishes& wishes, ModelChoices& choices) {
  choices.nhwc = wishes.nhwc.value_or(p.nhwc);
  if (choices.nhwc && !p.nhwc) {
    return Refused(
        p, fmt::format("nvinfer of DeepStream {} feeds NCHW only (NHWC since 6.0)", p.deepstream),
        "--layout nhwc", "take --layout nchw, or leave --layout out");
  }
  if (!wishes.nhwc) {
    choices.reasons.push_back(fmt::format(
        "--layout {} for {}: {}", choices.nhwc ? "nhwc" : "nchw", p.name,
        choices.nhwc
            ? "as the network was trained; nvinfer of DeepStream " + p.deepstream + " feeds it"
            : "nvinfer of DeepStream " + p.deepstream + " cannot feed NHWC"));
  }
  constexpr int64_t kUsualOpset = 13;
  choices.opset = wishes.opset.value_or(std::min(kUsualOpset, p.max_opset));
  if (choices.opset > p.max_opset) {
    return Refused(p,
                   fmt::format("TensorRT {} takes opset {} at the most", p.tensorrt, p.max_opset),
                   fmt::format("--opset {}", choices.opset).c_str(),
                   fmt::format("take --opset {}, or leave --opset out", p.max_opset));
  }
  if (!wishes.opset) {
    choices.reasons.push_back(fmt::format("--opset {} for {}: TensorRT {} takes {} at the most",
                                          choices.opset, p.name, p.tensorrt, p.max_opset));
  }
  return {};
}

}  // namespace

int CompareVersions(const std::string& a, const std::string& b) {
  std::vector<int> left = Numbers(a), right = Numbers(b);
  return left == right ? 0 : left < right ? -1 : 1;
}

std::string Platform::Versions() const {
  return fmt::format("DeepStream {}, TensorRT {}, CUDA {}, glibc {}", deepstream, tensorrt, cuda,
                     glibc);
}

const std::vector<Platform>& Platforms() {
  static const std::vector<Platform> platforms = ReadPlatforms();
  return platforms;
}

Result<Platform> FindPlatform(const std::string& name) {
  std::vector<std::string> names;
  for (const Platform& platform : Platforms()) {
    if (platform.name == name) return platform;
    names.push_back(platform.name);
  }
  std::vector<std::string> near = NearestNames(name, names, 1);
  return Error{ErrorCode::kInvalidArgument, "there is no platform '" + name + "'", "--target",
               near.empty() ? "--target help lists them"
                            : "did you mean '" + near[0] + "'? --target help lists all"};
}

std::optional<JetPack> FindJetPack(const std::string& release) {
  for (const Json& row : Root().at("jetpacks")) {
    for (const std::string name : row.at("releases")) {
      if (name == release)
        return JetPack{row.at("tensorrt"), row.at("deepstream"), row.at("platform")};
    }
  }
  const bool any = release.find('.') == std::string::npos;
  std::optional<JetPack> nearest;
  for (const Platform& platform : Platforms()) {
    const std::string first = platform.jetpack.substr(0, platform.jetpack.find_first_of(" ,"));
    if (first.empty() || Numbers(first)[0] != Numbers(release)[0]) continue;
    if (any || CompareVersions(release, first) >= 0)
      nearest = JetPack{platform.tensorrt, platform.deepstream, platform.name};
  }
  return nearest;
}

int64_t NewestOpset(const std::string& tensorrt) {
  const Json& opsets = Root().at("opsets");
  std::vector<int> nearest;
  int64_t most = opsets.at("7.1");
  for (const auto& [version, opset] : opsets.items()) {
    const std::vector<int> since = Numbers(version);
    if (since > Numbers(tensorrt) || since < nearest) continue;
    nearest = since;
    most = opset;
  }
  return most;
}

Result<ModelChoices> ChooseModel(const Platform& platform, const ModelWishes& wishes) {
  ModelChoices choices;
  choices.reasons.push_back(fmt::format(
      "target {}: {}{}, {}", platform.name, platform.device,
      platform.jetpack.empty() ? "" : ", JetPack " + platform.jetpack, platform.Versions()));
  EDET_RETURN_IF_ERROR(ChooseNms(platform, wishes, choices));
  EDET_RETURN_IF_ERROR(ChooseSemantics(platform, wishes, choices));
  EDET_RETURN_IF_ERROR(ChooseInput(platform, wishes, choices));
  return choices;
}

}  // namespace edet::deepstream
