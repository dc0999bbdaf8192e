#include "repair/repair.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.h"
#include "cli/command.h"
#include "cli/convert_choices.h"
#include "cli/convert_options.h"
#include "cli/print_line.h"
#include "cli/repair_verify.h"
#include "cli/scratch_folder.h"
#include "deepstream/platforms.h"
#include "graph/graph.h"
#include "onnx/read_graph.h"
#include "onnx/write.h"

namespace edet::cli {
namespace fs = std::filesystem;
using efficientdet::NmsSemantics;
using nlohmann::ordered_json;
namespace {

struct Options {
  fs::path input, output;
  repair::RepairOptions repair;
  compare::PictureSource picture;  // to verify on
  std::string target, size;
  std::optional<int64_t> opset;
  bool list = false, dry_run = false, no_verify = false, json = false;
};

// What was done, for people and for --json.
struct Outcome {
  size_t nodes_before = 0, nodes_after = 0;
  std::vector<std::string> reasons;  // of --target
  repair::Report report;
  std::optional<Verification> verification;
};

void PrintList() {
  for (const repair::RepairInfo& info : repair::AllRepairs())
    fmt::print("{:<20}{}\n{:<20}  because {}\n", info.name, info.what, "", info.reason);
}

// "640x512", width first.
Status ParseSize(const std::string& text, repair::RepairOptions& options) {
  if (text.empty()) return {};
  int width = 0, height = 0;
  char separator = 0, rest = 0;
  int fields = std::sscanf(text.c_str(), "%5d%c%5d%c", &width, &separator, &height, &rest);
  bool good = fields == 3 && separator == 'x' && width > 0 && height > 0;
  if (!good)
    return Error{ErrorCode::kInvalidArgument, "not a size: " + text, "--size", "as in 640x512"};
  options.image_size = repair::ImageSize{height, width};
  return {};
}

// Repairs keep what the file means by a detection, unless asked: AutoML's exports mean AutoML's,
// EfficientNMS_TRT each class on its own.
bool FeedsPluginPerClass(const graph::Graph& graph) {
  for (const graph::Node& node : graph.nodes)
    if (node.op == "EfficientNMS_TRT" && IntAttribute(node, "class_agnostic", 0) == 0) return true;
  return false;
}

// What the platform wants where the user wished nothing.
Result<std::vector<std::string>> ChooseForTarget(const graph::Graph& graph, Options& options) {
  if (options.target.empty()) return std::vector<std::string>();
  EDET_ASSIGN_OR_RETURN(deepstream::Platform platform, deepstream::FindPlatform(options.target));
  deepstream::ModelWishes wishes;
  repair::RepairOptions& wanted = options.repair;
  if (wanted.nms) wishes.postprocessing = PostprocessingOf(*wanted.nms);
  bool automl = !FeedsPluginPerClass(graph);
  if (wanted.semantics) automl = *wanted.semantics == NmsSemantics::kAutoml;
  wishes.automl = automl;
  wishes.opset = options.opset;
  EDET_ASSIGN_OR_RETURN(deepstream::ModelChoices choices,
                        deepstream::ChooseModel(platform, wishes));
  for (const auto& [name, kind] : NmsKinds())
    if (PostprocessingOf(kind) == choices.postprocessing) wanted.nms = kind;
  wanted.nchw = wanted.nchw || !choices.nhwc;
  options.opset = choices.opset;
  return choices.reasons;
}

// --- Telling ---

ordered_json VerificationJson(const Verification& verification) {
  ordered_json tensors = ordered_json::array();
  for (const compare::TensorReport& c : verification.tensors)
    tensors.push_back({{"name", c.name},
                       {"largest", c.difference.largest},
                       {"difference", c.difference.max_abs},
                       {"allowed", c.allowed}});
  return {{"compared", verification.compared() || verification.detections >= 0},
          {"good", verification.good()},
          {"tensors", tensors},
          {"detections", verification.detections},
          {"partners", verification.partners},
          {"note", verification.note}};
}

void PrintJson(const Options& options, const Outcome& outcome) {
  ordered_json steps = ordered_json::array();
  for (const repair::Step& step : outcome.report.steps)
    steps.push_back({{"name", step.name},
                     {"changes", step.changes},
                     {"nodes_before", step.nodes_before},
                     {"nodes_after", step.nodes_after},
                     {"reason", step.reason},
                     {"notes", step.notes}});
  ordered_json json = {{"input", options.input.string()},
                       {"output", options.dry_run ? "" : options.output.string()},
                       {"nodes_before", outcome.nodes_before},
                       {"nodes_after", outcome.nodes_after},
                       {"target", options.target},
                       {"reasons", outcome.reasons},
                       {"repairs", steps},
                       {"left", outcome.report.left}};
  if (outcome.verification) json["verification"] = VerificationJson(*outcome.verification);
  fmt::print("{}\n", json.dump(2, ' ', false, ordered_json::error_handler_t::replace));
}

void PrintVerification(const Verification& verification) {
  for (const compare::TensorReport& c : verification.tensors)
    PrintLine("{:<20}{}: {:.1e} off at most (allowed {:.1e}, largest value {:.3g}){}", "same",
              c.name, c.difference.max_abs, c.allowed, c.difference.largest,
              c.good() ? "" : "  TOO MUCH");
  if (verification.detections >= 0)
    PrintLine("{:<20}{} of {} detections found again", "same", verification.partners,
              verification.detections);
  if (!verification.note.empty()) PrintLine("{:<20}{}", "not compared", verification.note);
}

void Print(const Options& options, const Outcome& outcome) {
  for (const std::string& reason : outcome.reasons) PrintLine("{:<20}{}", "target", reason);
  for (const repair::Step& step : outcome.report.steps) {
    if (step.changes == 0 && step.nodes_before == step.nodes_after) continue;
    PrintLine("{:<20}{} places, {} -> {} nodes: {}", step.name, step.changes, step.nodes_before,
              step.nodes_after, step.reason);
    for (const std::string& note : step.notes) PrintLine("{:<20}  {}", "", note);
  }
  for (const std::string& left : outcome.report.left) PrintLine("{:<20}{}", "left", left);
  if (outcome.verification) PrintVerification(*outcome.verification);
  PrintLine("{:<20}{} nodes instead of {}{}", options.dry_run ? "would write" : "wrote",
            outcome.nodes_after, outcome.nodes_before,
            options.dry_run ? "" : ": " + options.output.string());
}

// --- Doing ---

Status Verify(const Options& options, const fs::path& repaired, Outcome& outcome) {
  ScratchFolder scratch;
  if (scratch.path().empty())
    return Error{ErrorCode::kIo, "cannot make a temporary folder", "", "--no-verify goes without"};
  Result<Verification> verified =
      VerifyRepair({options.input, repaired, outcome.report.landmarks, outcome.report.same_rules,
                    scratch.path(), options.picture});
  if (!verified.ok()) {
    Error error = verified.error();  // the staged file's name says nothing to the user
    bool of_staged = error.where == repaired.string();
    if (of_staged) error.where = "the repaired " + options.input.string();
    if (of_staged) error.hint = "--no-verify writes it without running it";
    return error;
  }
  outcome.verification = std::move(*verified);
  if (outcome.verification->good()) return {};
  return Error{ErrorCode::kFindings, "the repaired network computes something else: not written",
               options.input.string(), "--skip leaves repairs out, --no-verify writes it anyway"};
}

Status CheckOptions(const Options& options) {
  auto usage = [](const char* what, const char* where, const char* hint) {
    return Error{ErrorCode::kInvalidArgument, what, where, hint};
  };
  if (options.input.empty())
    return usage("no ONNX file is named", "", "edet repair IN.onnx -o OUT.onnx");
  if (!options.dry_run && options.output.empty())
    return usage("no file to write is named", "-o", "or --dry-run to write none");
  std::error_code error;
  if (!options.dry_run && fs::equivalent(options.input, options.output, error))
    return usage("would overwrite the file that it reads", "-o", "name another file");
  return {};
}

Status Repair(Options& options, const Session& session) {
  EDET_RETURN_IF_ERROR(CheckOptions(options));
  EDET_RETURN_IF_ERROR(ParseSize(options.size, options.repair));
  Outcome outcome;
  EDET_ASSIGN_OR_RETURN(onnx_format::ForeignModel model, onnx_format::ReadGraph(options.input));
  EDET_ASSIGN_OR_RETURN(outcome.reasons, ChooseForTarget(model.graph, options));
  outcome.nodes_before = model.graph.nodes.size();
  EDET_ASSIGN_OR_RETURN(outcome.report, repair::RepairGraph(model.graph, options.repair));
  outcome.nodes_after = model.graph.nodes.size();
  OutputFiles files;
  Status verified;
  if (!options.dry_run) {
    EDET_ASSIGN_OR_RETURN(fs::path staged, files.StageName(options.output));
    onnx_format::WriteOptions write;
    write.opset = options.opset.value_or(13);
    write.producer_version = EDET_VERSION;
    EDET_RETURN_IF_ERROR(onnx_format::WriteModel(std::move(model.graph), write, staged));
    if (!options.no_verify) verified = Verify(options, staged, outcome);
    if (verified.ok()) EDET_RETURN_IF_ERROR(files.Commit());
  }
  if (options.json) PrintJson(options, outcome);
  if (!options.json && !session.quiet && verified.ok()) Print(options, outcome);
  if (!verified.ok() && !options.json && outcome.verification)
    PrintVerification(*outcome.verification);
  return verified;
}

void AddTailOptions(CLI::App* command, const std::shared_ptr<Options>& options) {
  repair::RepairOptions& wanted = options->repair;
  command
      ->add_option_function<std::string>(
          "--nms", [options](const std::string& n) { options->repair.nms = NmsKinds().at(n); },
          "What takes the place of TensorFlow's NMS, as in edet convert: plugin, onnx, rows (as it "
          "was; default), decoded or none")
      ->check(CLI::IsMember(&NmsKinds()));
  command
      ->add_option_function<std::string>(
          "--nms-semantics",
          [options](const std::string& n) {
            options->repair.semantics = NmsSemanticsNames().at(n);
          },
          "automl or per-class; as the file has it if left out")
      ->check(CLI::IsMember(&NmsSemanticsNames()));
  command->add_option("--score-threshold", wanted.score_threshold, "Instead of the file's own");
  command->add_option("--iou-threshold", wanted.iou_threshold, "Instead of the file's own");
  command->add_option("--max-detections", wanted.max_detections, "Instead of the file's own");
}

void AddOptions(CLI::App* command, const std::shared_ptr<Options>& options) {
  command->add_option("input", options->input, "The ONNX file (opset 7 to 18)");
  command->add_option("-o,--output", options->output, "The ONNX file to write");
  command->add_option("--target", options->target,
                      "The platform that it is for, which then chooses --nms and --opset where you "
                      "do not (edet convert --target help lists them)");
  AddTailOptions(command, options);
  command
      ->add_option_function<std::string>(
          "--batch",
          [options](const std::string& batch) {
            options->repair.batch = batch == "dynamic" ? graph::kDynamic : std::stoll(batch);
          },
          "Images a run, or dynamic; as the file has it if left out")
      ->check([](const std::string& batch) { return CheckBatch(batch); });
  command->add_option("--size", options->size,
                      "WIDTHxHEIGHT of the input, for networks that take any size");
  command
      ->add_option_function<std::string>(
          "--layout",
          [options](const std::string& layout) { options->repair.nchw = layout == "nchw"; },
          "nchw: turn an NHWC input (nvinfer of DeepStream 5 wants that)")
      ->check(CLI::IsMember({"as-it-is", "nchw"}));
  command->add_option("--opset", options->opset, "11 to 17 (13)");
  command->add_option("--only", options->repair.only, "Repairs to do, a list; all if left out")
      ->delimiter(',');
  command->add_option("--skip", options->repair.skip, "Repairs to leave out, a list")
      ->delimiter(',');
  command->add_flag("--list", options->list, "Name the repairs, and why each");
  command->add_flag("--dry-run", options->dry_run, "Tell what would be done, write nothing");
  command->add_option("--input", options->picture.file,
                      "Picture (or .npy, RGB 0..255) to run both networks on; a drawn street if "
                      "left out");
  command->add_flag("--no-verify", options->no_verify,
                    "Do not run both networks on the same picture before writing");
  command->add_flag("--json", options->json, "Tell it as JSON");
}

}  // namespace

void AddRepairCommand(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "repair", "Make an ONNX file from elsewhere (tf2onnx, create_onnx.py) fit for TensorRT");
  AddOptions(command, options);
  command->footer(
      "\nEach repair says what it changed and why; what is not understood stays and is named. "
      "Before it writes,\nit runs both networks on one picture (--input: yours): heads and "
      "detections must agree to "
      "1e-3 of the largest value.\n\nExamples:\n  edet repair export.onnx -o model.onnx\n"
      "  edet repair export.onnx -o model.onnx --target xavier-jp5\n"
      "  edet repair export.onnx -o model.onnx --input street.jpg\n"
      "  edet repair export.onnx --dry-run --skip batch-norm,padding");
  command->callback([options, &session] {
    if (options->list) return PrintList();
    Status status = Repair(*options, session);
    if (!status.ok()) throw CommandFailed{status.error()};
  });
}

}  // namespace edet::cli
