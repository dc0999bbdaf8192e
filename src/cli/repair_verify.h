#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "repair/repair.h"

namespace edet::cli {

// A tensor that both models have, on the same picture.
struct Comparison {
  std::string name;        // as it was called before
  double largest = 0.;     // magnitude, before
  double difference = 0.;  // the largest
  double allowed = 0.;
  bool good() const { return difference <= allowed; }
};

struct Verification {
  std::vector<Comparison> tensors;
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
  bool same_rules = true;        // detections are chosen as before (repair::Report)
  std::filesystem::path folder;  // for temporary files, which the caller removes
};

// Runs both on a drawn street of the network's size and compares. Errors: those of running the
// repaired file; a file of before that cannot run here is said in the note.
Result<Verification> VerifyRepair(const VerifyInputs& inputs);

}  // namespace edet::cli
