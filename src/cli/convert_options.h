#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "checkpoint/checkpoint.h"
#include "efficientdet/model.h"
#include "efficientdet/variables.h"

namespace edet::cli {

// What the user decided; the rest is left to --target, to the hyperparameters and to our defaults.
struct ConvertGiven {
  bool nms = false, layout = false, opset = false;
  bool score_threshold = false, iou_threshold = false, max_detections = false;
};
enum class Precision { kFp32, kFp16 };

struct ConvertOptions {
  std::filesystem::path checkpoint;
  std::filesystem::path output;
  std::string model;
  std::string hparams;
  efficientdet::NmsKind nms = efficientdet::NmsKind::kPlugin;
  std::optional<efficientdet::NmsSemantics> semantics;
  float score_threshold = 0.4F;
  float iou_threshold = 0.5F;
  int max_detections = 100;
  efficientdet::Layout layout = efficientdet::Layout::kNhwc;
  int64_t batch = 1;
  int64_t opset = 13;
  Precision precision = Precision::kFp32;
  efficientdet::WeightChoice weights = efficientdet::WeightChoice::kAuto;
  std::filesystem::path labels;
  std::string input;
  std::string target;
  ConvertGiven given;
  bool json = false;
  bool allow_nonfinite = false;
  checkpoint::Limits limits;
};

// The names that the command line has for them.
std::string NameOf(efficientdet::NmsKind kind);
std::string NameOf(efficientdet::NmsSemantics semantics);
std::string NameOf(efficientdet::Layout layout);
std::string NameOf(Precision precision);

// What --target takes, with commas between; and the table that --target help prints.
std::string PlatformNames();
void PrintPlatforms();
// The same names the other way round, for CLI::IsMember.
const std::map<std::string, efficientdet::NmsKind>& NmsKinds();
const std::map<std::string, efficientdet::NmsSemantics>& NmsSemanticsNames();
// What is wrong with a value of --batch (a number, or dynamic); empty: nothing.
std::string CheckBatch(const std::string& batch);

// False for kinds that leave NMS to the parser library.
bool NmsInGraph(efficientdet::NmsKind kind);

// Adds all options of `edet convert`; they are in `options` when the command's callback runs, but
// for what NoteGiven finds out.
void AddConvertOptions(CLI::App* command, const std::shared_ptr<ConvertOptions>& options);
void NoteGiven(const CLI::App& command, ConvertGiven& given);

}  // namespace edet::cli
