#include "check/check.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "check/tables.h"
#include "cli/ask_tensorrt.h"
#include "cli/findings_output.h"
#include "cli/target_option.h"
#include "deepstream/nvinfer_config.h"
#include "deepstream/platforms.h"
#include "onnx/before_running.h"

namespace edet::cli {
namespace {

namespace fs = std::filesystem;

struct CheckArguments {
  std::vector<std::string> files;
  std::string target, python = "python3";
  bool with_tensorrt = false;
  FindingOptions findings;
};

template <typename T>
T Need(Result<T> result) {
  if (!result.ok()) throw CommandFailed{result.error()};
  return std::move(result).value();
}

bool IsConfig(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".txt" || extension == ".yml" || extension == ".yaml";
}

bool IsThere(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

void Append(lint::LintResult& all, lint::LintResult more) {
  for (lint::Diagnostic& found : more.diagnostics) all.diagnostics.push_back(std::move(found));
  all.files.insert(all.files.end(), more.files.begin(), more.files.end());
}

// The networks that the configs name.
std::vector<fs::path> NetworksOf(const std::vector<fs::path>& configs) {
  std::vector<fs::path> networks;
  for (const fs::path& config : configs) {
    Findings told_by_the_linter;
    const auto read = deepstream::ReadNvinferConfig(config, told_by_the_linter);
    if (read.ok() && !read->onnx_file.empty() && IsThere(read->onnx_file))
      networks.emplace_back(read->onnx_file);
  }
  return networks;
}

// The platform whose DeepStream the linter goes by; nothing where only a TensorRT is named.
lint::LintOptions LinterFor(const check::Target& target) {
  const Result<deepstream::Platform> platform = deepstream::FindPlatform(target.platform);
  return platform.ok() ? lint::LintOptions{*platform} : lint::LintOptions{};
}

// The rules' findings, and what the TensorRT of this machine says, which is no finding where it
// takes the network.
lint::LintResult CheckNetwork(const fs::path& path, const check::Target& target,
                              const CheckArguments& arguments) {
  lint::LintResult result = Need(check::CheckModel(path, target));
  if (!arguments.with_tensorrt) return result;
  // It would follow any path that the file names.
  if (Status safe = onnx_format::CheckBeforeRunning(path); !safe.ok())
    throw CommandFailed{safe.error()};
  const TensorRtVerdict verdict = Need(AskTensorRt(arguments.python, path));
  lint::Diagnostic said;
  said.rule = check::CheckRules().Find(verdict.accepted ? "tensorrt-takes" : "tensorrt-refuses");
  said.place.file = path;
  said.message = verdict.accepted
                     ? verdict.version + " takes it"
                     : fmt::format("{} refuses it: {}", verdict.version, verdict.words);
  result.diagnostics.push_back(std::move(said));
  return result;
}

lint::LintResult CheckOne(const fs::path& path, const check::Target& target,
                          const CheckArguments& arguments) {
  if (!fs::is_directory(path) && !IsConfig(path)) return CheckNetwork(path, target, arguments);
  fs::path config = path;
  if (fs::is_directory(path)) {
    config = path / "deepstream_app.txt";
    if (!IsThere(config)) config = path / "config_infer_primary.txt";
    if (!IsThere(config)) return CheckNetwork(path / "model.onnx", target, arguments);
  }
  lint::LintResult result = Need(lint::Lint({config}, LinterFor(target)));
  for (const fs::path& network : NetworksOf(result.files))
    Append(result, CheckNetwork(network, target, arguments));
  return result;
}

// What cannot even be looked for: a link to itself, a name that is too long.
void RefuseUnreachable(const fs::path& path) {
  std::error_code error;
  if (fs::status(path, error).type() != fs::file_type::none) return;
  throw CommandFailed{
      Error{ErrorCode::kNotFound, "cannot open: " + error.message(), path.string(), ""}};
}

void Check(const CheckArguments& arguments, Session& session) {
  if (ExplainRules(arguments.findings, check::CheckRules())) return;
  if (arguments.files.empty() || arguments.target.empty()) {
    throw CommandFailed{Error{ErrorCode::kInvalidArgument,
                              arguments.files.empty() ? "no file is named" : "no target is named",
                              "",
                              "edet check MODEL.onnx --target xavier-jp5 (or trt-10.3, "
                              "jetpack-5.1.2; --target help lists the platforms)"}};
  }
  const check::Target target = Need(check::FindTarget(arguments.target));
  lint::LintResult all;
  for (const std::string& file : arguments.files) {
    RefuseUnreachable(file);
    Append(all, CheckOne(file, target, arguments));
  }
  PrintFindings(arguments.findings, all, check::CheckRules(), "edet check", session);
  if (arguments.findings.json || arguments.findings.sarif == "-" || session.quiet) return;
  const std::string deepstream =
      target.deepstream.empty() ? "" : fmt::format(", DeepStream {}", target.deepstream);
  fmt::print("{}: TensorRT {}{}\n", target.name, target.tensorrt, deepstream);
}

}  // namespace

void AddCheckCommand(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand(
      "check", "Will a platform's TensorRT and DeepStream take an ONNX file? What stops, and why");
  auto arguments = std::make_shared<CheckArguments>();
  command->add_option("files", arguments->files,
                      "ONNX files; or nvinfer and app configs, or folders of edet convert: the "
                      "networks that they name, and the configs");
  AddTargetOption(command, arguments->target,
                  "Platform (or trt-10.3, jetpack-5.1.2) whose versions decide");
  command->add_flag("--with-tensorrt", arguments->with_tensorrt,
                    "Ask the TensorRT of this machine too (its parser, by its Python bindings)");
  command->add_option("--python", arguments->python, "The Python that has them")
      ->capture_default_str();
  AddFindingOptions(command, arguments->findings);
  command->footer(
      "\nOne finding for each cause, with its nodes and what mends it. Nothing is run.\n"
      "Examples:\n  edet check export.onnx --target xavier-jp5\n"
      "  edet check d0 --target orin-jp6 --sarif check.sarif\n"
      "  edet check --explain computed-argument");
  command->callback([arguments, &session] { Check(*arguments, session); });
}

}  // namespace edet::cli
