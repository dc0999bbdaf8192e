#include "lint/print.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

namespace edet::lint {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string WhereText(const Place& place) {
  std::string text = place.file.string();
  if (place.line > 0) text += fmt::format(":{}", place.line);
  if (place.line > 0 && place.column > 0) text += fmt::format(":{}", place.column);
  return text;
}

const std::string& FixOf(const Diagnostic& diagnostic) {
  return diagnostic.fix.empty() ? diagnostic.rule->fix : diagnostic.fix;
}

std::map<Severity, size_t> Counts(const LintResult& result) {
  std::map<Severity, size_t> counts{
      {Severity::kError, 0}, {Severity::kWarning, 0}, {Severity::kNote, 0}};
  for (const Diagnostic& diagnostic : result.diagnostics) ++counts[diagnostic.rule->severity];
  return counts;
}

std::string CountText(size_t count, const char* name) {
  return fmt::format("{} {}{}", count, name, count == 1 ? "" : "s");
}

Json SarifRule(const Rule& rule) {
  return {{"id", rule.id},
          {"shortDescription", {{"text", rule.title}}},
          {"fullDescription", {{"text", rule.meaning + " " + rule.consequence}}},
          {"help", {{"text", rule.fix}}},
          {"defaultConfiguration", {{"level", NameOf(rule.severity)}}}};
}

Json SarifLocation(const Place& place) {
  Json physical = {{"artifactLocation", {{"uri", place.file.generic_string()}}}};
  if (place.line > 0) {
    physical["region"]["startLine"] = place.line;
    if (place.column > 0) physical["region"]["startColumn"] = place.column;
    if (place.end_column > place.column) physical["region"]["endColumn"] = place.end_column;
  }
  return {{"physicalLocation", physical}};
}

Json SarifResult(const Diagnostic& diagnostic, const RuleTable& table) {
  const auto index = diagnostic.rule - table.rules().data();
  return {{"ruleId", diagnostic.rule->id},
          {"ruleIndex", index},
          {"level", NameOf(diagnostic.rule->severity)},
          {"message", {{"text", diagnostic.message + ". " + FixOf(diagnostic)}}},
          {"locations", Json::array({SarifLocation(diagnostic.place)})}};
}

}  // namespace

std::string ReportText(const LintResult& result) {
  std::string text;
  for (const Diagnostic& diagnostic : result.diagnostics) {
    text += fmt::format("{}: {}: {} [{}]\n", WhereText(diagnostic.place),
                        NameOf(diagnostic.rule->severity), diagnostic.message, diagnostic.rule->id);
    text += fmt::format("    {}\n    fix: {}\n", diagnostic.rule->consequence, FixOf(diagnostic));
  }
  std::map<Severity, size_t> counts = Counts(result);
  text += fmt::format("{}: {}, {}, {}\n", CountText(result.files.size(), "file"),
                      CountText(counts[Severity::kError], "error"),
                      CountText(counts[Severity::kWarning], "warning"),
                      CountText(counts[Severity::kNote], "note"));
  return text;
}

std::string ReportJson(const LintResult& result) {
  Json findings = Json::array();
  for (const Diagnostic& diagnostic : result.diagnostics) {
    const Place& place = diagnostic.place;
    findings.push_back({{"rule", diagnostic.rule->id},
                        {"severity", NameOf(diagnostic.rule->severity)},
                        {"file", place.file.string()},
                        {"line", place.line},
                        {"column", place.column},
                        {"group", place.group},
                        {"key", place.key},
                        {"message", diagnostic.message},
                        {"meaning", diagnostic.rule->meaning},
                        {"consequence", diagnostic.rule->consequence},
                        {"fix", FixOf(diagnostic)},
                        {"fixable", !diagnostic.edits.empty()}});
    if (!diagnostic.rule->stage.empty()) findings.back()["stage"] = diagnostic.rule->stage;
    if (!diagnostic.nodes.empty()) findings.back()["nodes"] = diagnostic.nodes;
  }
  Json files = Json::array();
  for (const auto& file : result.files) files.push_back(file.string());
  std::map<Severity, size_t> counts = Counts(result);
  return Dump({{"files", files},
               {"findings", findings},
               {"errors", counts[Severity::kError]},
               {"warnings", counts[Severity::kWarning]},
               {"notes", counts[Severity::kNote]}});
}

std::string ReportSarif(const LintResult& result, const RuleTable& table, const std::string& tool,
                        const std::string& version) {
  Json rules = Json::array(), results = Json::array();
  for (const Rule& rule : table.rules()) rules.push_back(SarifRule(rule));
  for (const Diagnostic& diagnostic : result.diagnostics)
    results.push_back(SarifResult(diagnostic, table));
  const Json driver = {{"name", tool}, {"version", version}, {"rules", rules}};
  return Dump({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
               {"version", "2.1.0"},
               {"runs", Json::array({{{"tool", {{"driver", driver}}},
                                      {"columnKind", "unicodeCodePoints"},
                                      {"results", results}}})}});
}

std::string ChangesText(const std::vector<ChangedLine>& changes) {
  std::string text;
  for (const ChangedLine& change : changes) {
    const std::string place = fmt::format("{}:{}", change.file.string(), change.line);
    if (!change.before.empty() || change.after.empty())
      text += fmt::format("{}: - {}\n", place, change.before);
    if (!change.after.empty()) text += fmt::format("{}: + {}\n", place, change.after);
  }
  return text;
}

}  // namespace edet::lint
