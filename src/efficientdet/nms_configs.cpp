#include "efficientdet/nms_configs.h"

#include <yaml-cpp/yaml.h>

#include <cmath>
#include <sstream>

#include "base/bounded_yaml.h"
#include "base/file.h"
#include "efficientdet/hparams_file.h"

namespace edet::efficientdet {
namespace {

constexpr uint64_t kYamlLimitBytes = 1 << 20;
constexpr const char* kGroup = "nms_configs";

Error Wrong(const std::string& key, const std::string& what) {
  return {ErrorCode::kInvalidArgument, kGroup + ("." + key) + " " + what, "hparams", ""};
}

// None, null, 0 and nothing are the same to AutoML ("or default").
Result<std::optional<float>> Number(const YAML::Node& group, const std::string& key) {
  const YAML::Node node = group[key];
  if (!node.IsDefined() || node.IsNull() || (node.IsScalar() && node.Scalar() == "None")) {
    return std::optional<float>();
  }
  float value = 0.F;
  if (!node.IsScalar() || !YAML::convert<float>::decode(node, value) || !std::isfinite(value) ||
      value < 0.F) {
    return Wrong(key, "is not a number from 0 on");
  }
  return value > 0.F ? std::optional<float>(value) : std::nullopt;
}

Result<std::optional<float>> Fraction(const YAML::Node& group, const std::string& key) {
  EDET_ASSIGN_OR_RETURN(std::optional<float> value, Number(group, key));
  if (value && *value > 1.F) return Wrong(key, "is not from 0 to 1");
  return value;
}

Result<std::optional<int>> Whole(const YAML::Node& group, const std::string& key) {
  EDET_ASSIGN_OR_RETURN(std::optional<float> value, Number(group, key));
  if (!value) return std::optional<int>();
  if (*value != std::floor(*value) || *value > 1e6F) return Wrong(key, "is not a whole number");
  return std::optional<int>(static_cast<int>(*value));
}

Result<bool> IsGaussian(const YAML::Node& group) {
  const YAML::Node method = group["method"];
  if (!method.IsDefined() || method.IsNull()) return false;
  std::string name = method.IsScalar() ? method.Scalar() : "";
  if (name == "gaussian") return true;
  if (name == "hard" || name == "None" || name.empty()) return false;
  return Wrong("method", "is '" + name + "', neither hard nor gaussian");
}

Result<std::optional<NmsConfigs>> FromNode(const YAML::Node& group) {
  if (!group.IsDefined() || group.IsNull()) return std::optional<NmsConfigs>();
  if (!group.IsMap()) {
    return Error{ErrorCode::kInvalidArgument, std::string(kGroup) + " holds no keys", "hparams",
                 "method, iou_thresh, score_thresh, sigma, max_output_size, max_nms_inputs"};
  }
  NmsConfigs configs;
  EDET_ASSIGN_OR_RETURN(configs.gaussian, IsGaussian(group));
  EDET_ASSIGN_OR_RETURN(configs.iou_threshold, Fraction(group, "iou_thresh"));
  EDET_ASSIGN_OR_RETURN(configs.score_threshold, Fraction(group, "score_thresh"));
  EDET_ASSIGN_OR_RETURN(configs.sigma, Number(group, "sigma"));
  EDET_ASSIGN_OR_RETURN(configs.max_detections, Whole(group, "max_output_size"));
  EDET_ASSIGN_OR_RETURN(configs.max_nms_inputs, Whole(group, "max_nms_inputs"));
  return std::optional<NmsConfigs>(configs);
}

// The pairs nms_configs.key=value among k=v,k=v.
YAML::Node GroupOfPairs(const std::string& text) {
  YAML::Node group;
  std::istringstream pairs(text);
  const std::string start = std::string(kGroup) + ".";
  for (std::string pair; std::getline(pairs, pair, ',');) {
    pair.erase(0, pair.find_first_not_of(' '));
    size_t equals = pair.find('=');
    if (pair.compare(0, start.size(), start) != 0 || equals == std::string::npos) continue;
    std::string key = pair.substr(start.size(), equals - start.size());
    key.erase(key.find_last_not_of(' ') + 1);
    group[key] = pair.substr(equals + 1);
  }
  return group;
}

std::string Text(float value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

}  // namespace

Result<std::optional<NmsConfigs>> ReadNmsConfigs(const std::string& given) {
  try {
    if (!NamesHparamsFile(given)) return FromNode(GroupOfPairs(given));
    EDET_ASSIGN_OR_RETURN(std::string text, ReadFile(given, kYamlLimitBytes));
    EDET_ASSIGN_OR_RETURN(const YAML::Node root, ParseBoundedYaml(text, given));
    if (!root.IsMap()) return std::optional<NmsConfigs>();
    return FromNode(root[kGroup]);
  } catch (const YAML::Exception& error) {
    return Error{ErrorCode::kCorrupt, "is not YAML: " + error.msg,
                 given + ":" + std::to_string(error.mark.line + 1), ""};
  }
}

std::vector<std::string> SoftNmsAdvice(const NmsConfigs& configs, bool nms_in_graph) {
  if (!configs.gaussian) return {};
  std::string sigma = Text(configs.SigmaOrDefault());
  std::string exact = "EDET_PARSER_SOFT_SIGMA=" + sigma;
  if (!nms_in_graph) {
    return {"nms_configs say gaussian (soft NMS): the parser library computes it as AutoML does (" +
            exact + " in its options file)"};
  }
  return {
      "NOTE nms_configs say gaussian (soft NMS), which neither ONNX's NMS nor the plugin can say: "
      "NMS is hard here, as in AutoML's own export",
      "soft NMS exactly: --nms decoded or none; the parser library then computes it (" + exact +
          " in its options file; AutoML's score limit there: " +
          Text(configs.score_threshold.value_or(0.001F)) + ")"};
}

}  // namespace edet::efficientdet
