#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "compare/compare.h"
#include "repair/repair.h"

namespace edet::cli {

struct Verification {
  // Tensors that both models have, on the same picture; named as they were before.
  std::vector<compare::TensorReport> tensors;
  // Detections before, and how many of them have a partner after: the same class, scores 1e-3
  // and corners a pixel apart at the most. -1: not compared, as kinds or rules differ.
  int detections = -1, partners = 0;
  std::string note;  // where not all could be compared, why
  bool compared() const { return !tensors.empty(); }
  bool good() const;
};

struct VerifyInputs {
  std::filesystem::path before;  // the file as it came
  std::filesystem::path after;   // the repaired one
  std::vector<repair::Landmark> landmarks;
  bool same_rules = true;          // detections are chosen as before (repair::Report)
  std::filesystem::path folder;    // for temporary files, which the caller removes
  compare::PictureSource picture;  // that both are shown
};

// Runs both on the same picture and compares. Errors: those of running the repaired file and of
// reading the picture; a file of before that cannot run here is said in the note.
Result<Verification> VerifyRepair(const VerifyInputs& inputs);

}  // namespace edet::cli
