#include "lint/rule_table.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/nearest.h"

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
  rule.files = json.value("files", std::vector<std::string>{});
  rule.title = json.at("title");
  rule.meaning = json.at("meaning");
  rule.consequence = json.at("consequence");
  rule.fix = json.at("fix");
  rule.since = json.value("since", "");
  rule.until = json.value("until", "");
  rule.stage = json.value("stage", "");
  rule.fixable = json.value("fixable", false);
  if (json.contains("when")) rule.when = ReadCondition(json.at("when"));
  return rule;
}

}  // namespace

// The text is a part of this program, checked by a test: what is wrong in it may throw.
RuleTable::RuleTable(const char* json, std::string product) : product_(std::move(product)) {
  const Json table = Json::parse(json);
  for (const Json& rule : table.at("rules")) rules_.push_back(ReadRule(rule));
}

const RuleTable& LintRules() {
  static const RuleTable table(k_rules_json, "DeepStream");
  return table;
}

const Rule* RuleTable::Find(std::string_view id) const {
  for (const Rule& rule : rules_) {
    if (rule.id == id) return &rule;
  }
  return nullptr;
}

std::string RuleTable::Versions(const Rule& rule) const {
  if (rule.since.empty() && rule.until.empty()) return "";
  if (rule.until.empty()) return fmt::format("{} {} and newer", product_, rule.since);
  if (rule.since.empty()) return fmt::format("{} up to {}", product_, rule.until);
  return fmt::format("{} {} to {}", product_, rule.since, rule.until);
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

Result<std::string> RuleTable::Explain(std::string_view id) const {
  const Rule* found = Find(id);
  if (found == nullptr) {
    std::vector<std::string> ids;
    for (const Rule& known : rules_) ids.push_back(known.id);
    const std::vector<std::string> near = NearestNames(std::string(id), ids, 1);
    return Error{ErrorCode::kInvalidArgument, fmt::format("there is no rule '{}'", id), "--explain",
                 near.empty() ? "see --list-rules" : "did you mean " + near.front() + "?"};
  }
  const Rule& rule = *found;
  std::string text = fmt::format("{}: {} ({})\n\n", rule.id, rule.title, NameOf(rule.severity));
  text += fmt::format("meaning      {}\n", rule.meaning);
  text += fmt::format("consequence  {}\n", rule.consequence);
  text += fmt::format("fix          {}{}\n", rule.fix, rule.fixable ? " --fix can do it." : "");
  const std::string versions = Versions(rule);
  if (!versions.empty()) text += fmt::format("versions     {}\n", versions);
  return text;
}

std::string RuleTable::Markdown() const {
  std::string text =
      "| rule | level | what | what happens | what to do |\n| --- | --- | --- | --- | --- |\n";
  for (const Rule& rule : rules_) {
    const std::string versions = Versions(rule);
    text += fmt::format("| {} | {}{} | {}{} | {} | {} |\n", rule.id, NameOf(rule.severity),
                        rule.fixable ? ", `--fix`" : "", rule.title,
                        versions.empty() ? "" : " (" + versions + ")", rule.consequence, rule.fix);
  }
  return text;
}

}  // namespace edet::lint
