// Two networks on the same picture: their outputs, their detections, and where they part.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "compare/detections.h"
#include "compare/parting.h"
#include "compare/picture.h"
#include "compare/values.h"

namespace edet::compare {

struct CompareOptions {
  PictureSource picture;
  // An output agrees where max_abs <= tolerance * max(1, largest); a tensor within where max_abs
  // <= tolerance * largest; a detection's score where it differs by no more.
  double tolerance = 1e-3;
  double iou = 0.9;              // detections that overlap less are not the same
  std::filesystem::path folder;  // for temporary files, which the caller removes
};

// A tensor that both networks put out, or a head that both have within.
struct TensorReport {
  std::string name;  // "class_logits", or the output's name
  std::string a, b;  // what the files call it
  std::vector<int64_t> shape_a, shape_b;
  Difference difference;
  double allowed = 0.;
  bool judged =
      true;  // false: rows of detections, which may change places; they are judged as such
  bool good() const { return difference.same_size && difference.max_abs <= allowed; }
};

struct Comparison {
  int64_t height = 0, width = 0;  // of the picture
  std::vector<TensorReport> tensors;
  std::optional<DetectionMatch> detections;
  Detections detections_a, detections_b;
  bool detections_good = true;
  Pairing pairing;  // of tensors within; made only where the networks parted
  std::optional<Parting> parting;
  std::vector<std::string> notes;  // whole sentences for people
  bool good() const;
};

// Compares two ONNX files. Errors: those of reading and running either, Unsupported (inputs of
// different sizes, nothing that both have can be compared).
Result<Comparison> CompareNetworks(const std::filesystem::path& a, const std::filesystem::path& b,
                                   const CompareOptions& options);

// What an output may be off by.
double Allowed(const Difference& difference, double tolerance);

}  // namespace edet::compare
