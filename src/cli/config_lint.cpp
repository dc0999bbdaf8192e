#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/config.h"
#include "cli/findings_output.h"
#include "deepstream/platforms.h"
#include "lint/fix.h"
#include "lint/print.h"

namespace edet::cli {
namespace {

struct LintArguments {
  std::vector<std::string> files;
  std::string target;
  bool fix = false;
  FindingOptions findings;
};

template <typename T>
T Need(Result<T> result) {
  if (!result.ok()) throw CommandFailed{result.error()};
  return std::move(result).value();
}

void LintFiles(const LintArguments& arguments, Session& session) {
  if (ExplainRules(arguments.findings, lint::LintRules())) return;
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
    if (!arguments.findings.json && arguments.findings.sarif != "-")
      fmt::print("{}", lint::ChangesText(fixed.changes));
    result = std::move(fixed.left);
  } else {
    result = Need(lint::Lint(files, options));
  }
  PrintFindings(arguments.findings, result, lint::LintRules(), "edet config lint", session);
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
  AddFindingOptions(command, arguments->findings);
  command->footer(
      "\nExamples:\n  edet config lint deepstream_app.txt --target xavier-jp5\n"
      "  edet config lint config_infer_primary.txt --fix\n"
      "  edet config lint --explain engine-name");
  command->callback([arguments, &session] { LintFiles(*arguments, session); });
}

}  // namespace edet::cli
