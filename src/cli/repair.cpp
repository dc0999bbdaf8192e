#include "repair/repair.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.h"
#include "cli/command.h"
#include "cli/convert_choices.h"
#include "cli/convert_options.h"
#include "deepstream/platforms.h"
#include "onnx/read_graph.h"
#include "onnx/write.h"

namespace edet::cli {
namespace fs = std::filesystem;
using efficientdet::NmsKind;
using efficientdet::NmsSemantics;
using nlohmann::ordered_json;
namespace {

struct Options {
  fs::path input, output;
  repair::RepairOptions repair;
  std::string target, size;
  std::optional<int64_t> opset;
  bool list = false, dry_run = false, json = false;
};

void PrintList() {
  for (const repair::RepairInfo& info : repair::AllRepairs())
    fmt::print("{:<20}{}\n{:<20}  because {}\n", info.name, info.what, "", info.reason);
}

// "640x512", width first.
Status ParseSize(const std::string& text, repair::RepairOptions& options) {
  if (text.empty()) return {};
  int64_t width = 0, height = 0;
  char separator = 0, rest = 0;
  int fields = std::sscanf(text.c_str(), "%5ld%c%5ld%c", &width, &separator, &height, &rest);
  bool good = fields == 3 && separator == 'x' && width > 0 && height > 0;
  if (!good)
    return Error{ErrorCode::kInvalidArgument, "not a size: " + text, "--size", "as in 640x512"};
  options.image_size = repair::ImageSize{height, width};
  return {};
}

// What the platform wants where the user wished nothing.
Result<std::vector<std::string>> ChooseForTarget(Options& options) {
  if (options.target.empty()) return std::vector<std::string>();
  EDET_ASSIGN_OR_RETURN(deepstream::Platform platform, deepstream::FindPlatform(options.target));
  deepstream::ModelWishes wishes;
  repair::RepairOptions& wanted = options.repair;
  if (wanted.nms) wishes.postprocessing = PostprocessingOf(*wanted.nms);
  if (wanted.semantics) wishes.automl = *wanted.semantics == NmsSemantics::kAutoml;
  wishes.opset = options.opset;
  EDET_ASSIGN_OR_RETURN(deepstream::ModelChoices choices,
                        deepstream::ChooseModel(platform, wishes));
  for (const auto& [name, kind] : NmsKinds())
    if (PostprocessingOf(kind) == choices.postprocessing) wanted.nms = kind;
  wanted.semantics = choices.automl ? NmsSemantics::kAutoml : NmsSemantics::kPerClass;
  options.opset = choices.opset;
  return choices.reasons;
}

ordered_json StepJson(const repair::Step& step) {
  return {{"name", step.name},
          {"changes", step.changes},
          {"nodes_before", step.nodes_before},
          {"nodes_after", step.nodes_after},
          {"reason", step.reason},
          {"notes", step.notes}};
}

void PrintReport(const repair::Report& report) {
  fmt::print("{:<20}{:>8}  {:<14}\n", "repair", "changes", "nodes");
  for (const repair::Step& step : report.steps) {
    if (step.changes == 0 && step.nodes_before == step.nodes_after) continue;
    fmt::print("{:<20}{:>8}  {} -> {}\n{:<20}  because {}\n", step.name, step.changes,
               step.nodes_before, step.nodes_after, "", step.reason);
    for (const std::string& note : step.notes) fmt::print("{:<20}  {}\n", "", note);
  }
  for (const std::string& left : report.left) fmt::print("left                  {}\n", left);
}

Status Repair(Options& options, const Session& session) {
  EDET_RETURN_IF_ERROR(ParseSize(options.size, options.repair));
  EDET_ASSIGN_OR_RETURN(std::vector<std::string> reasons, ChooseForTarget(options));
  EDET_ASSIGN_OR_RETURN(onnx_format::ForeignModel model, onnx_format::ReadGraph(options.input));
  size_t before = model.graph.nodes.size();
  EDET_ASSIGN_OR_RETURN(repair::Report report, repair::RepairGraph(model.graph, options.repair));
  size_t after = model.graph.nodes.size();
  if (!session.quiet && !options.json) PrintReport(report);
  if (options.json) {
    ordered_json steps = ordered_json::array();
    for (const repair::Step& step : report.steps) steps.push_back(StepJson(step));
    ordered_json json = {{"input", options.input.string()},
                         {"nodes_before", before},
                         {"nodes_after", after},
                         {"repairs", steps},
                         {"left", report.left},
                         {"reasons", reasons}};
    fmt::print("{}\n", json.dump(2, ' ', false, ordered_json::error_handler_t::replace));
  }
  if (options.dry_run) return {};
  OutputFiles files;
  EDET_ASSIGN_OR_RETURN(fs::path staged, files.StageName(options.output));
  onnx_format::WriteOptions write;
  write.opset = options.opset.value_or(13);
  write.producer_version = EDET_VERSION;
  EDET_RETURN_IF_ERROR(onnx_format::WriteModel(std::move(model.graph), write, staged));
  EDET_RETURN_IF_ERROR(files.Commit());
  if (!session.quiet && !options.json)
    fmt::print("{:<20}{} nodes of {}, {}\n", "written", after, before, options.output.string());
  return {};
}

}  // namespace

void AddRepairCommand(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "repair", "Make an ONNX file from elsewhere (tf2onnx, create_onnx.py) fit for TensorRT");
  command->add_option("input", options->input, "The ONNX file");
  command->add_option("-o,--output", options->output, "The file to write");
  command->callback([options, &session] {
    if (options->list) return PrintList();
    Status status = Repair(*options, session);
    if (!status.ok()) throw CommandFailed{status.error()};
  });
  command->add_flag("--list", options->list, "Name the repairs, and why each");
  command->add_flag("--dry-run", options->dry_run, "Tell what would be done, write nothing");
  command
      ->add_option_function<std::string>(
          "--nms", [options](const std::string& n) { options->repair.nms = NmsKinds().at(n); }, "")
      ->check(CLI::IsMember(&NmsKinds()));
  command->add_option("--target", options->target, "");
}

}  // namespace edet::cli
