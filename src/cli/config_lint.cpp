#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/nearest.h"
#include "cli/config.h"
#include "deepstream/platforms.h"
#include "lint/fix.h"
#include "lint/print.h"

namespace edet::cli {
namespace {

struct LintArguments {
  std::vector<std::string> files;
  std::string target, sarif, explain, fail_on = "warning";
  bool fix = false, json = false, list_rules = false;
};

template <typename T>
T Need(Result<T> result) {
  if (!result.ok()) throw CommandFailed{result.error()};
  return std::move(result).value();
}

void Explain(const std::string& id) {
  const lint::Rule* rule = lint::FindRule(id);
  if (rule != nullptr) return fmt::print("{}", lint::Explain(*rule));
  std::vector<std::string> ids;
  for (const lint::Rule& known : lint::Rules()) ids.push_back(known.id);
  const std::vector<std::string> near = NearestNames(id, ids, 1);
  throw CommandFailed{Error{
      ErrorCode::kInvalidArgument, "there is no rule '" + id + "'", "--explain",
      near.empty() ? "see edet config lint --list-rules" : "did you mean " + near.front() + "?"}};
}

bool Fails(const lint::LintResult& result, const std::string& level) {
  if (level == "never") return false;
  const Severity least = level == "error"     ? Severity::kError
                         : level == "warning" ? Severity::kWarning
                                              : Severity::kNote;
  for (const lint::Diagnostic& diagnostic : result.diagnostics) {
    if (diagnostic.rule->severity >= least) return true;
  }
  return false;
}

void Print(const LintArguments& arguments, const lint::LintResult& result, bool quiet) {
  const std::string sarif = arguments.sarif.empty() ? "" : lint::ReportSarif(result, EDET_VERSION);
  if (arguments.sarif == "-") return fmt::print("{}", sarif);
  if (!arguments.sarif.empty()) {
    Status written = WriteFileAtomically(arguments.sarif, sarif);
    if (!written.ok()) throw CommandFailed{written.error()};
  }
  if (arguments.json) return fmt::print("{}", lint::ReportJson(result));
  if (!quiet || !result.diagnostics.empty()) fmt::print("{}", lint::ReportText(result));
}

void LintFiles(const LintArguments& arguments, Session& session) {
  if (!arguments.explain.empty()) return Explain(arguments.explain);
  if (arguments.list_rules) return fmt::print("{}", lint::RulesMarkdown());
  if (arguments.files.empty()) {
    throw CommandFailed{Error{ErrorCode::kInvalidArgument, "no file is named", "",
                              "edet config lint FILE..., or --list-rules, or --explain RULE"}};
  }
  lint::LintOptions options;
  if (!arguments.target.empty()) options.target = Need(deepstream::FindPlatform(arguments.target));
  const std::vector<std::filesystem::path> files(arguments.files.begin(), arguments.files.end());
  lint::LintResult result;
  if (arguments.fix) {
    lint::FixResult fixed = Need(lint::Fix(files, options));
    if (!arguments.json && arguments.sarif != "-")
      fmt::print("{}", lint::ChangesText(fixed.changes));
    result = std::move(fixed.left);
  } else {
    result = Need(lint::Lint(files, options));
  }
  Print(arguments, result, session.quiet);
  if (Fails(result, arguments.fail_on)) session.exit_code = 1;
}

}  // namespace

void AddConfigLint(CLI::App& config, Session& session) {
  CLI::App* command = config.add_subcommand(
      "lint", "Check configs as DeepStream reads them, with everything that they name");
  auto arguments = std::make_shared<LintArguments>();
  command->add_option("files", arguments->files,
                      "Configs of deepstream-app, nvinfer, nvinferserver; labels");
  command->add_option("--target", arguments->target,
                      "Platform, such as xavier-jp5 or dgpu-7.1: its versions decide");
  command->add_flag("--fix", arguments->fix, "Mend what is safe to mend, show it, and check again");
  command->add_flag("--json", arguments->json, "Print JSON");
  command->add_option("--sarif", arguments->sarif, "Write SARIF 2.1.0 to a file; - prints it");
  command->add_option("--fail-on", arguments->fail_on, "From which level on the exit code is 1")
      ->check(CLI::IsMember({"error", "warning", "note", "never"}))
      ->capture_default_str();
  command->add_option("--explain", arguments->explain, "Print what a rule is about");
  command->add_flag("--list-rules", arguments->list_rules, "Print all rules as a table");
  command->footer(
      "\nExamples:\n  edet config lint deepstream_app.txt --target xavier-jp5\n"
      "  edet config lint config_infer_primary.txt --fix\n"
      "  edet config lint --explain engine-name");
  command->callback([arguments, &session] { LintFiles(*arguments, session); });
}

}  // namespace edet::cli
