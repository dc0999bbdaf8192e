#include "cli/findings_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "lint/print.h"

namespace edet::cli {
namespace {

bool Fails(const lint::LintResult& result, const std::string& level) {
  if (level == "never") return false;
  const Severity least = level == "error"     ? Severity::kError
                         : level == "warning" ? Severity::kWarning
                                              : Severity::kNote;
  return std::any_of(
      result.diagnostics.begin(), result.diagnostics.end(),
      [least](const lint::Diagnostic& found) { return found.rule->severity >= least; });
}

}  // namespace

void AddFindingOptions(CLI::App* command, FindingOptions& options) {
  command->add_flag("--json", options.json, "Print JSON");
  command->add_option("--sarif", options.sarif, "Write SARIF 2.1.0 to a file; - prints it");
  command->add_option("--fail-on", options.fail_on, "From which level on the exit code is 1")
      ->check(CLI::IsMember({"error", "warning", "note", "never"}))
      ->capture_default_str();
  command->add_option("--explain", options.explain, "Print what a rule is about");
  command->add_flag("--list-rules", options.list_rules, "Print all rules as a table");
}

bool ExplainRules(const FindingOptions& options, const lint::RuleTable& table) {
  if (!options.explain.empty()) {
    Result<std::string> text = table.Explain(options.explain);
    if (!text.ok()) throw CommandFailed{text.error()};
    fmt::print("{}", *text);
  } else if (options.list_rules) {
    fmt::print("{}", table.Markdown());
  }
  return options.list_rules || !options.explain.empty();
}

namespace {

Status WriteSarif(const std::string& path, const std::string& sarif,
                  const lint::LintResult& result) {
  for (const std::filesystem::path& file : result.files) {
    std::error_code ignored;
    if (std::filesystem::equivalent(path, file, ignored))
      return Error{ErrorCode::kInvalidArgument, "would overwrite a file that it reads",
                   "--sarif " + path, "name another file"};
  }
  return WriteFileAtomically(path, sarif);
}

}  // namespace

void PrintFindings(const FindingOptions& options, const lint::LintResult& result,
                   const lint::RuleTable& table, const std::string& tool, Session& session) {
  if (Fails(result, options.fail_on)) session.exit_code = 1;
  const std::string sarif =
      options.sarif.empty() ? "" : lint::ReportSarif(result, table, tool, EDET_VERSION);
  if (options.sarif == "-") return fmt::print("{}", sarif);
  if (!options.sarif.empty()) {
    Status written = WriteSarif(options.sarif, sarif, result);
    if (!written.ok()) throw CommandFailed{written.error()};
  }
  if (options.json) return fmt::print("{}", lint::ReportJson(result));
  if (!session.quiet || !result.diagnostics.empty()) fmt::print("{}", lint::ReportText(result));
}

}  // namespace edet::cli
