#include "efficientdet/label_map.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "base/bounded_yaml.h"
#include "base/file.h"
#include "efficientdet/hparams_file.h"

namespace edet::efficientdet {
namespace fs = std::filesystem;
namespace {

using Labels = std::optional<std::vector<std::string>>;
constexpr uint64_t kYamlLimitBytes = 1 << 20;
constexpr const char* kKey = "label_map";

bool IsYamlName(const std::string& name) {
  std::string ending = fs::path(name).extension().string();
  return ending == ".yaml" || ending == ".yml";
}

Result<YAML::Node> LoadYaml(const fs::path& file) {
  EDET_ASSIGN_OR_RETURN(std::string text, ReadFile(file, kYamlLimitBytes));
  return ParseBoundedYaml(text, file.string());
}

// What label_map=... says among k=v,k=v; "" for nothing.
std::string ValueOfPairs(const std::string& text) {
  std::istringstream pairs(text);
  const std::string start = std::string(kKey) + "=";
  for (std::string pair; std::getline(pairs, pair, ',');) {
    pair.erase(0, pair.find_first_not_of(' '));
    if (pair.compare(0, start.size(), start) == 0) return pair.substr(start.size());
  }
  return "";
}

// A name that nvinfer reads as one label.
std::string OneLine(std::string name, int id) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == ';' || c == '\n' || c == '\r'; }, ' ');
  bool blank = name.find_first_not_of(" \t") == std::string::npos;
  return blank ? "class_" + std::to_string(id) : name;
}

Result<Labels> FromMapping(const YAML::Node& mapping, int num_classes, const std::string& where) {
  auto wrong = [&](const std::string& what) {
    return Error{ErrorCode::kInvalidArgument, "label_map " + what, where,
                 "ids from 1 to the number of classes, each with a name"};
  };
  if (!mapping.IsMap()) return wrong("is no mapping of ids to names");
  std::vector<std::string> labels;
  for (int id = 1; id <= num_classes; ++id) labels.push_back("class_" + std::to_string(id));
  for (const auto& entry : mapping) {
    int id = 0;
    if (!entry.first.IsScalar() || !YAML::convert<int>::decode(entry.first, id))
      return wrong("has a key that is no number");
    if (!entry.second.IsScalar()) return wrong("has no name for " + std::to_string(id));
    if (id == 0) continue;  // the background, which some label maps list
    if (id < 0 || id > num_classes) {
      return wrong("has id " + std::to_string(id) + ", the model " + std::to_string(num_classes) +
                   " classes");
    }
    labels[static_cast<size_t>(id) - 1] = OneLine(entry.second.Scalar(), id);
  }
  return Labels(std::move(labels));
}

Result<Labels> FromFile(const std::string& name, const fs::path& folder, int num_classes) {
  fs::path file = name;
  std::error_code failed;
  if (fs::path beside = folder / name; file.is_relative() && fs::exists(beside, failed)) {
    file = beside;
  }
  EDET_ASSIGN_OR_RETURN(YAML::Node mapping, LoadYaml(file));
  return FromMapping(mapping, num_classes, file.string());
}

}  // namespace

Result<Labels> LabelsOfHparams(const std::string& hparams, int num_classes) {
  if (hparams.empty()) return Labels();
  if (!NamesHparamsFile(hparams)) {
    std::string name = ValueOfPairs(hparams);
    if (!IsYamlName(name)) return Labels();
    return FromFile(name, "", num_classes);
  }
  EDET_ASSIGN_OR_RETURN(YAML::Node file, LoadYaml(hparams));
  if (!file.IsMap()) return Labels();
  const YAML::Node mapping = file[kKey];
  if (!mapping.IsDefined() || mapping.IsNull()) return Labels();
  if (!mapping.IsScalar()) return FromMapping(mapping, num_classes, hparams);
  if (!IsYamlName(mapping.Scalar())) return Labels();
  return FromFile(mapping.Scalar(), fs::path(hparams).parent_path(), num_classes);
}

}  // namespace edet::efficientdet
