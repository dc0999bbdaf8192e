#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "cli/command.h"
#include "cli/inspect_onnx.h"
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
};

std::string ShapeText(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

ordered_json EntryJson(const checkpoint::TensorEntry& entry) {
  return {{"name", entry.name},
          {"dtype", std::string(checkpoint::DTypeName(entry.dtype))},
          {"shape", entry.shape}};
}

ordered_json CheckpointJson(const checkpoint::Checkpoint& checkpoint,
                            const efficientdet::Recognition& recognition) {
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
        {"exact", recognition.difference.empty()},
        {"num_classes", recognition.hparams.num_classes},
        {"reasons", recognition.reasons},
        {"missing", recognition.difference.missing},
        {"extra", recognition.difference.extra},
        {"wrong_shape", recognition.difference.wrong_shape}}},
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

void PrintCheckpoint(const checkpoint::Checkpoint& checkpoint,
                     const efficientdet::Recognition& recognition, bool all) {
  fmt::print("checkpoint  {}\n", checkpoint.Description());
  for (const fs::path& file : checkpoint.summary().missing_data_files) {
    fmt::print("            data file {} is not there\n", file.filename().string());
  }
  for (const std::string& reason : recognition.reasons) fmt::print("            {}\n", reason);
  PrintSome("missing", recognition.difference.missing, all);
  PrintSome("extra", recognition.difference.extra, all);
  PrintSome("wrong shape", recognition.difference.wrong_shape, all);
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

Status InspectCheckpoint(const Options& options) {
  EDET_ASSIGN_OR_RETURN(checkpoint::Checkpoint checkpoint,
                        checkpoint::Checkpoint::Open(options.path));
  efficientdet::Recognition recognition = efficientdet::RecognizeModel(checkpoint);
  if (options.json) {
    fmt::print("{}\n", CheckpointJson(checkpoint, recognition)
                           .dump(2, ' ', false, ordered_json::error_handler_t::replace));
  } else {
    PrintCheckpoint(checkpoint, recognition, options.all);
  }
  return {};
}

}  // namespace

void AddInspectCommand(CLI::App& app, Session&) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("inspect", "What is inside a checkpoint or an ONNX file");
  command
      ->add_option(
          "path", options->path,
          "A checkpoint (folder, prefix, .index, .tar.gz, SavedModel, .pb, .h5) or a .onnx file")
      ->required();
  command->add_flag("--all", options->all, "List every tensor and every difference");
  command->add_flag("--json", options->json, "Everything as JSON");
  command->add_option("--html", options->html,
                      "Draw the network (of an ONNX file) as one HTML page with its figures");
  command->footer(
      "\nExamples:\n  edet inspect efficientdet-d0\n  edet inspect d0/model.onnx --json\n"
      "  edet inspect d0/model.onnx --html d0.html");
  command->callback([options] {
    bool onnx = options->path.extension() == ".onnx";
    if (!onnx && !options->html.empty()) {
      throw CommandFailed{Error{ErrorCode::kInvalidArgument, "--html draws ONNX files only",
                                options->path.string(),
                                "convert the checkpoint first, then inspect its model.onnx"}};
    }
    Status status = onnx ? InspectOnnx({options->path, options->html, options->json, options->all})
                         : InspectCheckpoint(*options);
    if (!status.ok()) throw CommandFailed{status.error()};
  });
}

}  // namespace edet::cli
