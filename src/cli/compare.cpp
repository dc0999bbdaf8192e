#include "compare/compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/convert_choices.h"
#include "cli/convert_graph.h"
#include "cli/convert_options.h"
#include "cli/limit_options.h"
#include "cli/number_range.h"
#include "cli/print_line.h"
#include "cli/scratch_folder.h"
#include "inference/engine.h"
#include "onnx/blocks.h"
#include "onnx/write.h"

namespace edet::cli {
namespace fs = std::filesystem;
using nlohmann::ordered_json;
namespace {

struct Options {
  fs::path a, b;
  compare::CompareOptions compare;
  ConvertOptions convert;  // how checkpoints become networks
  bool json = false;
};

// --- Checkpoints ---

Status ConvertTo(const fs::path& checkpoint_path, ConvertOptions options, const fs::path& onnx) {
  Conversion conversion;
  options.checkpoint = checkpoint_path;
  EDET_ASSIGN_OR_RETURN(checkpoint::Checkpoint checkpoint,
                        OpenWithin(options.limits, checkpoint_path));
  EDET_RETURN_IF_ERROR(Choose(checkpoint, options, conversion));
  EDET_ASSIGN_OR_RETURN(graph::Graph graph, BuildGraph(checkpoint, options, conversion));
  onnx_format::WriteOptions write;
  write.producer_version = EDET_VERSION;
  return onnx_format::WriteModel(std::move(graph), write, onnx);
}

// The ONNX file itself, that of a folder that `edet convert` wrote, or one that is made of a
// checkpoint now.
Result<fs::path> OnnxOf(const fs::path& path, const Options& options, const fs::path& made) {
  std::error_code ignored;
  if (path.extension() == ".onnx") return path;
  bool converted = fs::is_regular_file(path / "edet.json", ignored) &&
                   fs::is_regular_file(path / "model.onnx", ignored);
  if (converted) return path / "model.onnx";
  EDET_RETURN_IF_ERROR(ConvertTo(path, options.convert, made));
  return made;
}

// --- Telling ---

// JSON has no infinity.
ordered_json Number(double value) {
  return std::isfinite(value) ? ordered_json(value) : ordered_json(fmt::format("{}", value));
}

ordered_json DifferenceJson(const compare::Difference& difference) {
  return {{"values", difference.count},
          {"same_size", difference.same_size},
          {"max_abs", Number(difference.max_abs)},
          {"max_relative", Number(difference.relative)},
          {"mean_abs", Number(difference.mean_abs)},
          {"cosine", Number(difference.cosine)},
          {"largest", Number(difference.largest)},
          {"worst", difference.worst},
          {"nan_a", difference.nan_a},
          {"nan_b", difference.nan_b}};
}

ordered_json TensorJson(const compare::TensorReport& tensor) {
  ordered_json json = {{"name", tensor.name},
                       {"a", tensor.a},
                       {"b", tensor.b},
                       {"shape_a", tensor.shape_a},
                       {"shape_b", tensor.shape_b},
                       {"judged", tensor.judged},
                       {"allowed", tensor.allowed},
                       {"good", tensor.good()}};
  json.update(DifferenceJson(tensor.difference));
  return json;
}

ordered_json DetectionJson(const compare::Detection& detection) {
  const detect::BoxNet& box = detection.box;
  return {{"class", detection.class_index},
          {"score", detection.score},
          {"box", {box.left, box.top, box.right, box.bottom}}};
}

ordered_json DetectionsJson(const compare::Comparison& result) {
  const compare::DetectionMatch& match = *result.detections;
  ordered_json only_a = ordered_json::array(), only_b = ordered_json::array();
  for (size_t i : match.only_a) only_a.push_back(DetectionJson(result.detections_a[i]));
  for (size_t i : match.only_b) only_b.push_back(DetectionJson(result.detections_b[i]));
  return {{"in_a", match.in_a},
          {"in_b", match.in_b},
          {"matched", match.partners.size()},
          {"lowest_iou", match.lowest_iou()},
          {"largest_score_difference", match.largest_score()},
          {"largest_corner_difference_px", match.largest_corner_px()},
          {"only_a", only_a},
          {"only_b", only_b},
          {"good", result.detections_good}};
}

ordered_json LookedAtJson(const compare::LookedAt& looked) {
  ordered_json json = {{"a", looked.pair.a},
                       {"b", looked.pair.b},
                       {"node_a", looked.pair.node_a},
                       {"node_b", looked.pair.node_b},
                       {"operator", looked.pair.op},
                       {"is_input", looked.pair.is_input},
                       {"by_place", looked.pair.by_place},
                       {"block", onnx_format::EfficientDetBlock(looked.pair.node_a)}};
  json.update(DifferenceJson(looked.difference));
  return json;
}

ordered_json PartingJson(const compare::Comparison& result) {
  const compare::Parting& parting = *result.parting;
  ordered_json before = ordered_json::array();
  for (const compare::LookedAt& looked : parting.before) before.push_back(LookedAtJson(looked));
  ordered_json json = {{"matched_by", result.pairing.how},
                       {"pairs", result.pairing.pairs.size()},
                       {"looked_at", parting.looked_at},
                       {"note", parting.note},
                       {"before", before}};
  json["first"] = parting.first ? LookedAtJson(*parting.first) : ordered_json();
  return json;
}

void PrintJson(const Options& options, const compare::Comparison& result) {
  ordered_json tensors = ordered_json::array();
  for (const compare::TensorReport& tensor : result.tensors) tensors.push_back(TensorJson(tensor));
  ordered_json json = {{"a", options.a.string()},
                       {"b", options.b.string()},
                       {"input", compare::Description(options.compare.picture)},
                       {"width", result.width},
                       {"height", result.height},
                       {"engine", inference::EngineDescription()},
                       {"tolerance", options.compare.tolerance},
                       {"good", result.good()},
                       {"tensors", tensors}};
  if (result.detections) json["detections"] = DetectionsJson(result);
  if (result.parting) json["parting"] = PartingJson(result);
  json["notes"] = result.notes;
  fmt::print("{}\n", json.dump(2, ' ', false, ordered_json::error_handler_t::replace));
}

void PrintTensor(const compare::TensorReport& tensor) {
  const compare::Difference& d = tensor.difference;
  std::string verdict = !tensor.judged ? "as detections" : tensor.good() ? "same" : "PARTED";
  if (!d.same_size) {
    PrintLine("{:<26}{} and {}: PARTED", tensor.name, compare::ShapeText(tensor.shape_a),
              compare::ShapeText(tensor.shape_b));
    return;
  }
  PrintLine("{:<26}{:>9}{:>10.1e}{:>10.1e}{:>10.1e}{:>11.7f}{:>10.1e}  {}{}", tensor.name, d.count,
            d.max_abs, d.relative, d.mean_abs, d.cosine, tensor.allowed, verdict,
            d.nan_a + d.nan_b == 0 ? "" : fmt::format(" (NaN: {} and {})", d.nan_a, d.nan_b));
}

void PrintTensors(const compare::Comparison& result) {
  if (result.tensors.empty()) return;
  PrintLine("{:<26}{:>9}{:>10}{:>10}{:>10}{:>11}{:>10}", "tensor", "values", "max abs", "max rel",
            "mean abs", "cosine", "allowed");
  for (const compare::TensorReport& tensor : result.tensors) PrintTensor(tensor);
}

void PrintLonely(const char* where, const compare::Detections& all,
                 const std::vector<size_t>& lonely) {
  constexpr size_t kFew = 5;
  for (size_t k = 0; k < lonely.size() && k < kFew; ++k) {
    const compare::Detection& d = all[lonely[k]];
    PrintLine("{:<12}  class {} score {:.3f} at {:.1f},{:.1f} to {:.1f},{:.1f}", where,
              d.class_index, d.score, d.box.left, d.box.top, d.box.right, d.box.bottom);
  }
  if (lonely.size() > kFew) PrintLine("{:<12}  and {} more", where, lonely.size() - kFew);
}

void PrintDetections(const compare::Comparison& result) {
  if (!result.detections) return;
  const compare::DetectionMatch& match = *result.detections;
  fmt::print("detections  {} in A, {} in B, {} matched", match.in_a, match.in_b,
             match.partners.size());
  if (!match.partners.empty())
    fmt::print(": IoU {:.6f} at least, scores {:.1e} and corners {:.1e} px off at most",
               match.lowest_iou(), match.largest_score(), match.largest_corner_px());
  PrintLine("{}", result.detections_good ? "" : "  PARTED");
  PrintLonely("  only in A", result.detections_a, match.only_a);
  PrintLonely("  only in B", result.detections_b, match.only_b);
}

void PrintFirst(const compare::LookedAt& first) {
  const compare::TensorPair& pair = first.pair;
  std::string block = onnx_format::EfficientDetBlock(pair.node_a);
  PrintLine("parts at    {} {} '{}'{}", pair.is_input ? "what is read by" : "the output of",
            pair.op, pair.node_a, block.empty() ? "" : ", " + block);
  PrintLine("  tensor    {}: {:.1e} off at most, {:.1e} of its largest value", pair.a,
            first.difference.max_abs, first.difference.relative);
  if (pair.b != pair.a) PrintLine("  in B      {} of '{}'", pair.b, pair.node_b);
  if (pair.by_place)
    PrintLine("  its weights differ too: it was matched by its place among those of its form");
}

void PrintParting(const compare::Comparison& result) {
  if (!result.parting) return;
  const compare::Parting& parting = *result.parting;
  if (!result.pairing.how.empty())
    PrintLine("matched     {}; {} looked at", result.pairing.how, parting.looked_at);
  if (parting.first) PrintFirst(*parting.first);
  constexpr size_t kFew = 5;
  for (size_t i = 0; i < parting.before.size() && i < kFew; ++i) {
    const compare::LookedAt& looked = parting.before[i];
    PrintLine("{:<12}{}: {:.1e} of its largest value", i == 0 ? "  before it" : "", looked.pair.a,
              looked.difference.relative);
  }
  if (!parting.note.empty()) PrintLine("parts       {}", parting.note);
}

void Print(const Options& options, const compare::Comparison& result) {
  fmt::print("A           {}\nB           {}\n", options.a.string(), options.b.string());
  PrintLine("input       {}, {}x{}, {}", compare::Description(options.compare.picture),
            result.width, result.height, inference::EngineDescription());
  for (const std::string& note : result.notes) PrintLine("note        {}", note);
  PrintTensors(result);
  PrintDetections(result);
  PrintParting(result);
  PrintLine("{}", result.good() ? "same within the tolerance" : "parted");
}

// True where both agree.
Result<bool> Compare(Options& options, const Session& session) {
  ScratchFolder scratch;
  if (scratch.path().empty())
    return Error{ErrorCode::kIo, "cannot make a temporary folder", "", "set TMPDIR"};
  options.compare.folder = scratch.path();
  EDET_ASSIGN_OR_RETURN(fs::path a, OnnxOf(options.a, options, scratch.path() / "a.onnx"));
  EDET_ASSIGN_OR_RETURN(fs::path b, OnnxOf(options.b, options, scratch.path() / "b.onnx"));
  EDET_ASSIGN_OR_RETURN(compare::Comparison result,
                        compare::CompareNetworks(a, b, options.compare));
  if (options.json) {
    PrintJson(options, result);
  } else if (!session.quiet || !result.good()) {
    Print(options, result);
  }
  return result.good();
}

void AddCheckpointOptions(CLI::App* command, const std::shared_ptr<Options>& options) {
  ConvertOptions& convert = options->convert;
  command
      ->add_option_function<std::string>(
          "--nms",
          [options](const std::string& name) { options->convert.nms = NmsKinds().at(name); },
          "Post-processing of a network that is made of a checkpoint, as in edet convert (rows)")
      ->check(CLI::IsMember(&NmsKinds()));
  command
      ->add_option_function<std::string>(
          "--nms-semantics",
          [options](const std::string& name) {
            options->convert.semantics = NmsSemanticsNames().at(name);
          },
          "The same: automl or per-class")
      ->check(CLI::IsMember(&NmsSemanticsNames()));
  command->add_option("--model", convert.model, "The same: d0 to d7x, lite0 to lite4");
  command->add_option("--hparams", convert.hparams, "The same: AutoML's hyperparameters");
  command->add_option("--score-threshold", convert.score_threshold, "The same (0.4)");
  command->add_option("--iou-threshold", convert.iou_threshold, "The same (0.5)");
  AddLimitOptions(command, convert.limits);
}

void AddOptions(CLI::App* command, const std::shared_ptr<Options>& options) {
  options->convert.nms = efficientdet::NmsKind::kRows;
  const char* what =
      "An ONNX file, a folder of edet convert, or a checkpoint in any form that "
      "edet convert takes";
  command->add_option("A", options->a, what)->required();
  command->add_option("B", options->b, what)->required();
  compare::CompareOptions& compare = options->compare;
  auto* input = command->add_option("--input", compare.picture.file,
                                    "Picture (scaled to fit, black beside it) or .npy (RGB 0..255 "
                                    "in the network's size) that both are shown");
  command
      ->add_option("--seed", compare.picture.seed,
                   "Without --input a street is drawn from this number (1)")
      ->excludes(input);
  command
      ->add_option("--tolerance", compare.tolerance,
                   "What may differ, as a part of a tensor's largest value, and of scores (0.001)")
      ->check(NumberRange(0., 1.));
  command
      ->add_option("--iou", compare.iou,
                   "Detections of a class that overlap by less are not the same (0.9)")
      ->check(NumberRange(0., 1.));
  AddCheckpointOptions(command, options);
  command->add_flag("--json", options->json, "Tell it as JSON");
}

}  // namespace

void AddCompareCommand(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("compare", "Do two networks compute the same, and where do they part?");
  AddOptions(command, options);
  command->footer(
      "\nBoth run on the same picture (OpenVINO, f32). Outputs are compared by name; the heads and "
      "the detections\nby what they mean, whatever they are called. If they differ, tensors within "
      "are bisected for the first\nthat differs while all that it is made of agrees. A street is "
      "drawn rather than noise: on noise a\ndetection network amplifies rounding.\n\nExit code 0: "
      "same within the tolerance, 1: parted, 3: bad input.\n\nExamples:\n"
      "  edet compare export.onnx model.onnx\n"
      "  edet compare efficientdet-d0.tar.gz d0/model.onnx --input street.jpg\n"
      "  edet compare fp32.onnx fp16.onnx --tolerance 0.02 --json");
  command->callback([options, &session] {
    Result<bool> same = Compare(*options, session);
    if (!same.ok()) throw CommandFailed{same.error()};
    if (!*same) session.exit_code = 1;
  });
}

}  // namespace edet::cli
