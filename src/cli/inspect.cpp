#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "cli/command.h"
#include "cli/inspect_library.h"
#include "cli/inspect_onnx.h"
#include "cli/limit_options.h"
#include "efficientdet/check_weights.h"
#include "efficientdet/recognize.h"
#include "efficientdet/variables.h"

namespace edet::cli {
namespace fs = std::filesystem;
using nlohmann::ordered_json;
namespace {

struct Options {
  fs::path path;
  fs::path html;
  bool json = false;
  bool all = false;
  bool no_verify = false;
  checkpoint::Limits limits;
};

// What reading every weight showed. Damage is an error; this is about what the numbers say.
struct WeightReport {
  bool looked = false;
  std::vector<efficientdet::BadWeights> bad;
};

bool IsWeight(const checkpoint::TensorEntry& entry) {
  bool is_float =
      entry.dtype == checkpoint::DType::kFloat32 || entry.dtype == checkpoint::DType::kFloat64 ||
      entry.dtype == checkpoint::DType::kFloat16 || entry.dtype == checkpoint::DType::kBFloat16;
  return is_float && (entry.role == checkpoint::TensorRole::kVariable ||
                      entry.role == checkpoint::TensorRole::kEma);
}

// Compares the checksum of every weight and looks at the numbers. An index may lie here alone:
// what is in data files that are missing cannot be looked at.
Result<WeightReport> LookAtWeights(const checkpoint::Checkpoint& checkpoint,
                                   const Options& options) {
  WeightReport report;
  if (options.no_verify || !checkpoint.summary().missing_data_files.empty()) return report;
  report.looked = true;
  for (const checkpoint::TensorEntry& entry : checkpoint.entries()) {
    if (!IsWeight(entry)) continue;
    EDET_ASSIGN_OR_RETURN(std::vector<float> values, checkpoint.ReadFloats(entry.name));
    if (auto bad = efficientdet::CheckWeights(entry.name, values))
      report.bad.push_back(std::move(*bad));
  }
  return report;
}

std::string ShapeText(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

ordered_json EntryJson(const checkpoint::TensorEntry& entry) {
  return {{"name", entry.name},
          {"dtype", std::string(checkpoint::DTypeName(entry.dtype))},
          {"shape", entry.shape}};
}

// What a checkpoint is, and how far from each model of the family.
struct Identity {
  efficientdet::Recognition recognition;
  std::vector<efficientdet::FamilyDistance> family;
};

ordered_json FamilyJson(const std::vector<efficientdet::FamilyDistance>& family) {
  ordered_json list = ordered_json::array();
  for (const auto& [model, difference] : family) {
    list.push_back({{"model", model},
                    {"missing", difference.missing},
                    {"extra", difference.extra},
                    {"wrong_shape", difference.wrong_shape}});
  }
  return list;
}

ordered_json CheckpointJson(const checkpoint::Checkpoint& checkpoint, const Identity& identity) {
  const efficientdet::Recognition& recognition = identity.recognition;
  const checkpoint::CheckpointSummary& summary = checkpoint.summary();
  ordered_json tensors = ordered_json::array();
  for (const checkpoint::TensorEntry& entry : checkpoint.entries())
    tensors.push_back(EntryJson(entry));
  ordered_json missing_files = ordered_json::array();
  for (const fs::path& file : summary.missing_data_files)
    missing_files.push_back(file.filename().string());
  ordered_json report = {
      {"kind", "checkpoint"},
      {"format", std::string(checkpoint::CheckpointKindName(summary.kind))},
      {"variables", summary.base_variables},
      {"ema_shadows", summary.ema_shadows},
      {"optimizer_slots", summary.optimizer_slots},
      {"missing_data_files", missing_files},
      {"model",
       {{"name", recognition.hparams.model_name},
        {"recognised", !recognition.refusal},
        {"family_member", recognition.family_member},
        {"exact", !recognition.refusal && recognition.difference.empty()},
        {"num_classes", recognition.hparams.num_classes},
        {"reasons", recognition.reasons},
        {"missing", recognition.difference.missing},
        {"extra", recognition.difference.extra},
        {"wrong_shape", recognition.difference.wrong_shape}}},
      {"family", FamilyJson(identity.family)},
      {"tensors", tensors},
  };
  if (summary.global_step) report["global_step"] = *summary.global_step;
  return report;
}

void PrintSome(const char* what, const std::vector<std::string>& names, bool all) {
  constexpr size_t kFew = 5;
  size_t shown = all ? names.size() : std::min(kFew, names.size());
  for (size_t i = 0; i < shown; ++i) fmt::print("{:<12}{}\n", i == 0 ? what : "", names[i]);
  if (shown < names.size()) fmt::print("{:<12}and {} more (--all)\n", "", names.size() - shown);
}

void PrintDifference(const efficientdet::VariableDifference& difference, bool all) {
  PrintSome("missing", difference.missing, all);
  PrintSome("extra", difference.extra, all);
  PrintSome("wrong shape", difference.wrong_shape, all);
}

// Nearest first. Without --all names are shown of the nearest only, where it is not met.
void PrintFamily(const std::vector<efficientdet::FamilyDistance>& family, bool all) {
  fmt::print("\n{:<22}{:>8}{:>8}{:>13}\n", "model", "missing", "extra", "wrong shape");
  for (const auto& [model, difference] : family) {
    fmt::print("{:<22}{:>8}{:>8}{:>13}\n", model, difference.missing.size(),
               difference.extra.size(), difference.wrong_shape.size());
  }
  for (const auto& [model, difference] : family) {
    if (!difference.empty()) {
      fmt::print("\nagainst {}\n", model);
      PrintDifference(difference, all);
    }
    if (!all) break;
  }
}

void PrintCheckpoint(const checkpoint::Checkpoint& checkpoint, const Identity& identity, bool all) {
  const efficientdet::Recognition& recognition = identity.recognition;
  fmt::print("checkpoint  {}\n", checkpoint.Description());
  for (const fs::path& file : checkpoint.summary().missing_data_files) {
    fmt::print("            data file {} is not there: values cannot be checked\n",
               file.filename().string());
  }
  for (const std::string& reason : recognition.reasons) fmt::print("            {}\n", reason);
  PrintDifference(recognition.difference, all);
  PrintFamily(identity.family, all);
  constexpr size_t kFew = 12;
  const auto& entries = checkpoint.entries();
  size_t shown = all ? entries.size() : std::min(kFew, entries.size());
  fmt::print("\n{:<10}{:<22}{}\n", "type", "shape", "tensor");
  for (size_t i = 0; i < shown; ++i) {
    fmt::print("{:<10}{:<22}{}\n", checkpoint::DTypeName(entries[i].dtype),
               ShapeText(entries[i].shape), entries[i].name);
  }
  if (shown < entries.size()) fmt::print("and {} more (--all)\n", entries.size() - shown);
}

ordered_json WeightsJson(const WeightReport& report) {
  ordered_json bad = ordered_json::array();
  for (const efficientdet::BadWeights& weights : report.bad) {
    bad.push_back({{"name", weights.name},
                   {"values", weights.values},
                   {"nan", weights.nan},
                   {"infinite", weights.infinite},
                   {"negative_variance", weights.negative_variance}});
  }
  return {{"verified", report.looked}, {"bad", bad}};
}

void PrintWeights(const WeightReport& report, bool all) {
  std::vector<std::string> lines;
  for (const efficientdet::BadWeights& weights : report.bad) lines.push_back(weights.ToString());
  if (!lines.empty()) fmt::print("\n");
  PrintSome("bad weights", lines, all);
}

// Lists a checkpoint; true if nothing is wrong with its weights.
Result<bool> InspectCheckpoint(const Options& options) {
  EDET_ASSIGN_OR_RETURN(checkpoint::Checkpoint checkpoint,
                        OpenWithin(options.limits, options.path));
  EDET_ASSIGN_OR_RETURN(WeightReport weights, LookAtWeights(checkpoint, options));
  Identity identity{efficientdet::RecognizeModel(checkpoint),
                    efficientdet::CompareWithFamily(checkpoint)};
  if (options.json) {
    ordered_json report = CheckpointJson(checkpoint, identity);
    report["weights"] = WeightsJson(weights);
    fmt::print("{}\n", report.dump(2, ' ', false, ordered_json::error_handler_t::replace));
  } else {
    PrintCheckpoint(checkpoint, identity, options.all);
    PrintWeights(weights, options.all);
  }
  return weights.bad.empty();
}

// False where findings are to be reported by the exit code.
Result<bool> Inspect(const Options& options) {
  if (options.path.extension() == ".onnx") {
    EDET_RETURN_IF_ERROR(InspectOnnx({options.path, options.html, options.json, options.all}));
    return true;
  }
  if (!options.html.empty()) {
    return Error{ErrorCode::kInvalidArgument, "--html draws ONNX files only", options.path.string(),
                 "convert the checkpoint first, then inspect its model.onnx"};
  }
  if (IsLibraryName(options.path)) {
    EDET_RETURN_IF_ERROR(InspectLibrary(options.path, options.json));
    return true;
  }
  return InspectCheckpoint(options);
}

}  // namespace

void AddInspectCommand(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "inspect", "What is inside a checkpoint, an ONNX file or a parser library");
  command
      ->add_option(
          "path", options->path,
          "A checkpoint (folder, prefix, .index, .tar.gz, SavedModel, .pb, .h5), a .onnx file or a "
          "parser library (.so, of any architecture)")
      ->required();
  command->add_flag("--all", options->all, "List every tensor and every difference");
  command->add_flag("--no-verify", options->no_verify,
                    "List a checkpoint without reading its weights: no checksums, no search for "
                    "NaN");
  command->add_flag("--json", options->json, "Everything as JSON");
  AddLimitOptions(command, options->limits);
  command->add_option("--html", options->html,
                      "Draw the network (of an ONNX file) as one HTML page with its figures");
  command->footer(
      "\nOf an ONNX file also: who exported it, which parse function reads its outputs, which "
      "DeepStreams can feed its\ninput, and what to do next.\n\nExamples:\n  edet inspect "
      "efficientdet-d0\n  edet inspect d0/model.onnx --json\n"
      "  edet inspect d0/model.onnx --html d0.html\n  edet inspect "
      "d0/libnvdsinfer_efficientdet.so");
  command->callback([options, &session] {
    Result<bool> good = Inspect(*options);
    if (!good.ok()) throw CommandFailed{good.error()};
    if (!*good) session.exit_code = 1;
  });
}

}  // namespace edet::cli
