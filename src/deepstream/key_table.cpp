#include "deepstream/key_table.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>

#include "base/nearest.h"

namespace edet::deepstream {
namespace {

using Json = nlohmann::json;

ValueType TypeFromName(const std::string& name) {
  static const std::map<std::string, ValueType> types{
      {"integer", ValueType::kInteger},
      {"boolean", ValueType::kBoolean},
      {"double", ValueType::kDouble},
      {"uint64", ValueType::kUint64},
      {"string", ValueType::kString},
      {"path", ValueType::kPath},
      {"integer_list", ValueType::kIntegerList},
      {"double_list", ValueType::kDoubleList},
      {"string_list", ValueType::kStringList},
  };
  return types.at(name);
}

Conversion ConversionFromName(const std::string& name) {
  if (name == "unsigned") return Conversion::kUnsigned;
  if (name == "float") return Conversion::kFloat;
  return Conversion::kNone;
}

template <typename T>
std::optional<T> Optional(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end()) return std::nullopt;
  return found->get<T>();
}

void ReadLimits(const Json& json, KeySpec& spec) {
  spec.conversion = ConversionFromName(json.value("as", ""));
  spec.min = Optional<double>(json, "min");
  spec.max = Optional<double>(json, "max");
  spec.item_min = Optional<double>(json, "item_min");
  spec.choices = json.value("choices", std::vector<long long>{});
  spec.min_count = Optional<size_t>(json, json.contains("count") ? "count" : "min_count");
  spec.max_count = Optional<size_t>(json, json.contains("count") ? "count" : "max_count");
  spec.max_bytes = Optional<size_t>(json, "max_bytes");
}

KeySpec ReadKey(const Json& json) {
  KeySpec spec;
  spec.key = json.at("key");
  spec.type = TypeFromName(json.at("type"));
  spec.since = json.at("since");
  spec.until = json.value("until", "");
  spec.unless = json.value("unless", "");
  spec.refused = json.value("refused", "");
  spec.late = json.value("late", false);
  spec.element = json.value("part", "") == "element";
  spec.prefix = json.value("prefix", false);
  spec.writable_folder = json.value("folder", "") == "writable";
  ReadLimits(json, spec);
  return spec;
}

GroupMatch MatchFromName(const std::string& name) {
  if (name == "prefix") return GroupMatch::kPrefix;
  return name == "indexed" ? GroupMatch::kIndexed : GroupMatch::kExact;
}

// Meanings and defaults of a group's keys.
void Explain(const Json& groups, GroupSpec& group) {
  const Json* texts = &groups.at(group.name);
  if (const auto of = texts->find("of"); of != texts->end() && of->is_string())
    texts = &groups.at(of->get<std::string>());
  for (KeySpec& key : group.keys) {
    const Json& text = texts->at(key.key);
    key.meaning = text.at("meaning");
    key.default_text = text.value("default", "");
  }
}

// The texts are a part of this program, checked by a test: what is wrong in them may throw.
KeyTable ReadTable(const char* text, const char* name) {
  const Json json = Json::parse(text);
  const Json meanings = Json::parse(k_meanings_json).at(name);
  KeyTable table;
  table.versions = json.at("versions").get<std::vector<std::string>>();
  for (const Json& group : json.at("groups")) {
    GroupSpec spec;
    spec.name = group.at("name");
    spec.match = MatchFromName(group.at("match"));
    for (const Json& key : group.at("keys")) spec.keys.push_back(ReadKey(key));
    Explain(meanings, spec);
    table.groups.push_back(std::move(spec));
  }
  return table;
}

struct FormType {
  YamlForm form;
  ValueType type;
};

FormType FormFromName(const std::string& name) {
  static const std::map<std::string, FormType> forms{
      {"int", {YamlForm::kInt, ValueType::kInteger}},
      {"unsigned", {YamlForm::kUnsigned, ValueType::kInteger}},
      {"double", {YamlForm::kDouble, ValueType::kDouble}},
      {"uint64", {YamlForm::kUint64, ValueType::kUint64}},
      {"string", {YamlForm::kString, ValueType::kString}},
      {"path", {YamlForm::kPath, ValueType::kPath}},
      {"text_int", {YamlForm::kTextInt, ValueType::kInteger}},
      {"text_unsigned", {YamlForm::kTextUnsigned, ValueType::kInteger}},
      {"text_ints", {YamlForm::kTextInts, ValueType::kIntegerList}},
      {"text_unsigneds", {YamlForm::kTextUnsigneds, ValueType::kIntegerList}},
      {"text_doubles", {YamlForm::kTextDoubles, ValueType::kDoubleList}},
      {"strings", {YamlForm::kStrings, ValueType::kStringList}},
      {"paths", {YamlForm::kPaths, ValueType::kStringList}},
  };
  return forms.at(name);
}

GroupSpec ReadYamlGroup(const Json& json, const std::string& version) {
  GroupSpec group;
  group.name = json.at("name");
  group.match = MatchFromName(json.at("match"));
  const std::string unknown = json.value("unknown", "");
  if (unknown == "string") group.unknown = UnknownKey::kScalarOnly;
  if (unknown == "refused") group.unknown = UnknownKey::kRefused;
  const Json limits = json.value("limits", Json::object());
  for (const auto& [name, keys] : json.at("forms").items()) {
    const FormType form = FormFromName(name);
    for (const std::string key : keys) {
      KeySpec spec;
      spec.key = key;
      spec.type = form.type;
      spec.form = form.form;
      spec.since = version;
      const Json limit = limits.value(key, Json::object());
      spec.prefix = limit.value("prefix", false);
      spec.adds = limit.value("adds", false);
      spec.writable_folder = limit.value("folder", "") == "writable";
      ReadLimits(limit, spec);
      group.keys.push_back(std::move(spec));
    }
  }
  return group;
}

KeyTable ReadYamlTable(const char* name, const KeyTable& ini) {
  KeyTable table;
  table.versions = {ini.versions.back()};
  const Json tables = Json::parse(k_yaml_keys_json);
  for (const Json& group : tables.at(name))
    table.groups.push_back(ReadYamlGroup(group, table.versions.back()));
  return table;
}

}  // namespace

const char* NameOf(ValueType type) {
  switch (type) {
    case ValueType::kInteger:
      return "integer";
    case ValueType::kBoolean:
      return "boolean";
    case ValueType::kDouble:
      return "number";
    case ValueType::kUint64:
      return "unsigned integer";
    case ValueType::kString:
      return "text";
    case ValueType::kPath:
      return "path";
    case ValueType::kIntegerList:
      return "integers";
    case ValueType::kDoubleList:
      return "numbers";
    case ValueType::kStringList:
      return "texts";
  }
  return "";
}

bool GroupSpec::Matches(std::string_view group) const {
  if (match == GroupMatch::kExact) return group == name;
  if (group.substr(0, name.size()) != name) return false;
  if (match == GroupMatch::kPrefix) return true;
  const std::string_view index = group.substr(name.size());
  return !index.empty() && index.find_first_not_of("0123456789") == std::string_view::npos;
}

const KeySpec* GroupSpec::Find(std::string_view key) const {
  for (const KeySpec& spec : keys) {
    if (spec.key == key || (spec.prefix && key.substr(0, spec.key.size()) == spec.key))
      return &spec;
  }
  return nullptr;
}

const GroupSpec* KeyTable::Find(std::string_view group) const {
  for (const GroupSpec& spec : groups) {
    if (spec.Matches(group)) return &spec;
  }
  return nullptr;
}

bool KeyTable::Has(const KeySpec& spec, const std::string& version) const {
  const auto place = [this](const std::string& name) {
    return std::find(versions.begin(), versions.end(), name);
  };
  const auto at = place(version);
  const auto last = spec.until.empty() ? versions.end() - 1 : place(spec.until);
  return at != versions.end() && at >= place(spec.since) && at <= last;
}

const KeyTable& NvinferKeys() {
  static const KeyTable table = ReadTable(k_nvinfer_keys_json, "nvinfer");
  return table;
}

const KeyTable& DeepstreamAppKeys() {
  static const KeyTable table = ReadTable(k_deepstream_app_keys_json, "deepstream_app");
  return table;
}

const KeyTable& NvinferYamlKeys() {
  static const KeyTable table = ReadYamlTable("nvinfer", NvinferKeys());
  return table;
}

const KeyTable& DeepstreamAppYamlKeys() {
  static const KeyTable table = ReadYamlTable("deepstream_app", DeepstreamAppKeys());
  return table;
}

std::vector<std::string> NearestKeys(std::string_view key, const GroupSpec& group, size_t limit) {
  std::vector<std::string> known;
  for (const KeySpec& spec : group.keys) {
    if (spec.until.empty()) known.push_back(spec.key);
  }
  return NearestNames(key, known, limit);
}

}  // namespace edet::deepstream
