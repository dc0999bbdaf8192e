#include "lint/rule_table.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

namespace edet::lint {
namespace {

using Json = nlohmann::json;

template <typename T>
std::optional<T> Optional(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end()) return std::nullopt;
  return found->get<T>();
}

KeyTest ReadTest(const Json& json) {
  KeyTest test;
  for (const Json& choice : json.value("any", Json::array())) test.any.push_back(ReadTest(choice));
  if (!test.any.empty()) return test;
  const std::string key = json.at("key");
  const size_t slash = key.find('/');
  test.group = slash == std::string::npos ? "" : key.substr(0, slash);
  test.key = slash == std::string::npos ? key : key.substr(slash + 1);
  test.set = Optional<bool>(json, "set");
  test.is = json.value("is", std::vector<std::string>{});
  test.is_not = json.value("is_not", std::vector<std::string>{});
  test.below = Optional<double>(json, "below");
  test.above = Optional<double>(json, "above");
  test.matches = json.value("matches", "");
  test.absent = Optional<std::string>(json, "else");
  return test;
}

void ReadAction(const Json& json, Condition& condition) {
  const Json put = json.value("put", Json::object());
  if (!put.empty()) condition.put = std::pair(put.begin().key(), put.begin()->get<std::string>());
  condition.rename = json.value("rename", "");
  condition.drop = json.value("drop", false);
}

Condition ReadCondition(const Json& json) {
  Condition condition;
  condition.file = json.at("file");
  condition.group = json.at("group");
  condition.enabled = json.value("enabled", false);
  condition.targeted = json.value("targeted", false);
  condition.standalone = json.value("standalone", false);
  condition.device = json.value("device", "");
  condition.platform = json.value("platform", "");
  for (const Json& test : json.at("tests")) condition.tests.push_back(ReadTest(test));
  condition.at = json.value("at", condition.tests.front().key);
  condition.message = json.at("message");
  ReadAction(json, condition);
  return condition;
}

Severity SeverityFromName(const std::string& name) {
  static const std::map<std::string, Severity> severities{
      {"error", Severity::kError}, {"warning", Severity::kWarning}, {"note", Severity::kNote}};
  return severities.at(name);
}

Rule ReadRule(const Json& json) {
  Rule rule;
  rule.id = json.at("id");
  rule.severity = SeverityFromName(json.at("severity"));
  rule.files = json.at("files").get<std::vector<std::string>>();
  rule.title = json.at("title");
  rule.meaning = json.at("meaning");
  rule.consequence = json.at("consequence");
  rule.fix = json.at("fix");
  rule.since = json.value("since", "");
  rule.until = json.value("until", "");
  rule.fixable = json.value("fixable", false);
  if (json.contains("when")) rule.when = ReadCondition(json.at("when"));
  return rule;
}

// The text is a part of this program, checked by a test: what is wrong in it may throw.
std::vector<Rule> ReadRules() {
  std::vector<Rule> rules;
  const Json json = Json::parse(k_rules_json);
  for (const Json& rule : json.at("rules")) rules.push_back(ReadRule(rule));
  return rules;
}

std::string Versions(const Rule& rule) {
  if (rule.since.empty() && rule.until.empty()) return "";
  if (rule.until.empty()) return fmt::format("DeepStream {} and newer", rule.since);
  if (rule.since.empty()) return fmt::format("DeepStream up to {}", rule.until);
  return fmt::format("DeepStream {} to {}", rule.since, rule.until);
}

}  // namespace

const std::vector<Rule>& Rules() {
  static const std::vector<Rule> rules = ReadRules();
  return rules;
}

const Rule* FindRule(std::string_view id) {
  static const std::map<std::string_view, const Rule*> by_id = [] {
    std::map<std::string_view, const Rule*> map;
    for (const Rule& rule : Rules()) map[rule.id] = &rule;
    return map;
  }();
  const auto found = by_id.find(id);
  return found == by_id.end() ? nullptr : found->second;
}

const char* NameOf(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kNote:
      break;
  }
  return "note";
}

std::string Explain(const Rule& rule) {
  std::string text = fmt::format("{}: {} ({})\n\n", rule.id, rule.title, NameOf(rule.severity));
  text += fmt::format("meaning      {}\n", rule.meaning);
  text += fmt::format("consequence  {}\n", rule.consequence);
  text += fmt::format("fix          {}{}\n", rule.fix, rule.fixable ? " --fix can do it." : "");
  const std::string versions = Versions(rule);
  if (!versions.empty()) text += fmt::format("versions     {}\n", versions);
  return text;
}

std::string RulesMarkdown() {
  std::string text =
      "| rule | level | what | what happens | what to do |\n| --- | --- | --- | --- | --- |\n";
  for (const Rule& rule : Rules()) {
    const std::string versions = Versions(rule);
    text += fmt::format("| {} | {}{} | {}{} | {} | {} |\n", rule.id, NameOf(rule.severity),
                        rule.fixable ? ", `--fix`" : "", rule.title,
                        versions.empty() ? "" : " (" + versions + ")", rule.consequence, rule.fix);
  }
  return text;
}

}  // namespace edet::lint
