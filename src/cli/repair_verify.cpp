#include "cli/repair_verify.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "compare/run.h"
#include "onnx/outline.h"

namespace edet::cli {
namespace fs = std::filesystem;
using compare::Outputs;
using compare::TensorValues;
namespace {

// Rounding differs where convolutions are folded otherwise; a wrong graph is off by far more.
constexpr double kTolerance = 1e-3;  // of a tensor's largest value, and absolute below 1

// The image input of a file that states it.
struct Image {
  std::string name;
  bool channels_last = true;
  int64_t height = 0, width = 0;  // 0: any
};

Result<Image> ImageOf(const fs::path& path) {
  EDET_ASSIGN_OR_RETURN(onnx_format::ModelOutline outline, onnx_format::ReadOutline(path));
  bool single = outline.inputs.size() == 1 && outline.inputs[0].shape.size() == 4;
  if (!single) {
    return Error{ErrorCode::kUnsupported, "the model has no single image input", path.string(),
                 "--no-verify goes without running it"};
  }
  const std::vector<std::string>& shape = outline.inputs[0].shape;
  Image image{outline.inputs[0].name, shape[1] != "3" || shape[3] == "3", 0, 0};
  size_t at = image.channels_last ? 1 : 2;
  image.height = std::atoll(shape[at].c_str());
  image.width = std::atoll(shape[at + 1].c_str());
  return image;
}

compare::ProbeRun Probe(const VerifyInputs& inputs, const fs::path& path, const Image& image) {
  compare::ProbeRun run;
  run.onnx = path;
  run.folder = inputs.folder;
  run.input = image.name;
  run.channels_last = image.channels_last;
  return run;
}

// The old file with the landmarks as outputs; without its own outputs where it cannot run
// otherwise.
Result<Outputs> RunBefore(const VerifyInputs& inputs, const compare::Picture& picture,
                          std::string& note) {
  EDET_ASSIGN_OR_RETURN(Image image, ImageOf(inputs.before));
  compare::ProbeRun run = Probe(inputs, inputs.before, image);
  for (const repair::Landmark& landmark : inputs.landmarks) run.tensors.push_back(landmark.before);
  Result<Outputs> whole = compare::RunProbe(run, picture);
  if (whole.ok() || run.tensors.empty()) return whole;
  note = "the file's own outputs cannot be computed here (" + whole.error().what +
         "): compared up to the heads";
  run.only_these = true;
  return compare::RunProbe(run, picture);
}

Result<Outputs> RunAfter(const VerifyInputs& inputs, const Image& image,
                         const compare::Picture& picture) {
  compare::ProbeRun run = Probe(inputs, inputs.after, image);
  for (const repair::Landmark& landmark : inputs.landmarks) run.tensors.push_back(landmark.after);
  return compare::RunProbe(run, picture);
}

const TensorValues* Find(const Outputs& outputs, const std::string& name) {
  auto found = outputs.find(name);
  return found != outputs.end() ? &found->second : nullptr;
}

void Add(const std::string& before, const std::string& after, const TensorValues& a,
         const TensorValues& b, Verification& verification) {
  compare::TensorReport report{before, before, after, a.shape, b.shape, compare::Measure(a, b),
                               0.,     true};
  report.allowed = compare::Allowed(report.difference, kTolerance);
  verification.tensors.push_back(std::move(report));
}

void CompareDetections(const Outputs& before, const Outputs& after, Verification& verification) {
  auto old_ones = compare::DetectionsOf(before), new_ones = compare::DetectionsOf(after);
  if (!old_ones || !new_ones) return;
  constexpr double kIou = 0.5, kScore = 1e-3, kPixel = 1.;
  compare::DetectionMatch match = compare::MatchDetections(*old_ones, *new_ones, kIou);
  verification.detections = static_cast<int>(match.in_a);
  verification.partners = static_cast<int>(std::count_if(
      match.partners.begin(), match.partners.end(), [](const compare::Partners& pair) {
        return pair.score <= kScore && pair.corner_px <= kPixel;
      }));
}

}  // namespace

bool Verification::good() const {
  bool all = std::all_of(tensors.begin(), tensors.end(),
                         [](const compare::TensorReport& report) { return report.good(); });
  return all && (detections < 0 || partners == detections);
}

Result<Verification> VerifyRepair(const VerifyInputs& inputs) {
  Verification verification;
  EDET_ASSIGN_OR_RETURN(Image image, ImageOf(inputs.after));
  EDET_ASSIGN_OR_RETURN(compare::Picture picture,
                        compare::MakePicture(inputs.picture, image.height, image.width));
  if (!picture.whole()) picture.Round();  // the old file may take nothing else
  EDET_ASSIGN_OR_RETURN(Outputs after, RunAfter(inputs, image, picture));
  Result<Outputs> before = RunBefore(inputs, picture, verification.note);
  if (!before.ok()) {
    verification.note = "the file as it came cannot run here: " + before.error().ToString();
    return verification;
  }
  for (const repair::Landmark& landmark : inputs.landmarks) {
    const TensorValues *a = Find(*before, landmark.before), *b = Find(after, landmark.after);
    if (a && b) Add(landmark.before, landmark.after, *a, *b, verification);
  }
  bool detections = compare::DetectionsOf(*before).has_value();
  for (const auto& [name, output] : *before) {
    const TensorValues* partner = Find(after, name);
    if (partner && !detections && inputs.landmarks.empty())
      Add(name, name, output, *partner, verification);
  }
  if (inputs.same_rules) CompareDetections(*before, after, verification);
  return verification;
}

}  // namespace edet::cli
