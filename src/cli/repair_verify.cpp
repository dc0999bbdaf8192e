#include "cli/repair_verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "inference/engine.h"
#include "onnx/probe.h"
#include "onnx/summary.h"
#include "video/scene.h"

namespace edet::cli {
namespace fs = std::filesystem;
using inference::ElementType;
namespace {

// Rounding differs where convolutions are folded otherwise; a wrong graph is off by far more.
constexpr double kTolerance = 1e-3;  // of a tensor's largest value, and absolute below 1

struct Output {
  std::vector<int64_t> shape;
  std::vector<float> values;
};
using Outputs = std::map<std::string, Output>;

struct Picture {
  int width = 0, height = 0;
  std::vector<uint8_t> bgrx;
};

Picture DrawStreet(int width, int height) {
  Picture picture{width, height, {}};
  picture.bgrx.assign(static_cast<size_t>(width) * static_cast<size_t>(height) * 4, 0);
  video::Scene(1, static_cast<unsigned>(width), static_cast<unsigned>(height))
      .Draw(50, {picture.bgrx.data(), width, height, width * 4});
  return picture;
}

// Writes the picture as RGB 0..255 in the layout and type of an input of one image.
Status FillInput(const Picture& picture, const inference::TensorInfo& info, void* memory) {
  bool last = info.shape[3] == 3;
  auto area = static_cast<size_t>(picture.width) * static_cast<size_t>(picture.height);
  for (size_t i = 0; i < area; ++i) {
    for (size_t c = 0; c < 3; ++c) {
      uint8_t value = picture.bgrx[i * 4 + 2 - c];
      size_t at = last ? i * 3 + c : c * area + i;
      if (info.type == ElementType::kFloat32) {
        static_cast<float*>(memory)[at] = value;
      } else if (info.type == ElementType::kUint8) {
        static_cast<uint8_t*>(memory)[at] = value;
      } else {
        return Error{ErrorCode::kUnsupported, "the input is neither float32 nor uint8", info.name,
                     ""};
      }
    }
  }
  return {};
}

Output ToFloats(const inference::TensorView& view) {
  Output output{view.shape, {}};
  size_t count = view.bytes / inference::ElementSize(view.type);
  output.values.resize(count);
  for (size_t i = 0; i < count; ++i) {
    if (view.type == ElementType::kFloat32)
      output.values[i] = static_cast<const float*>(view.data)[i];
    if (view.type == ElementType::kInt32)
      output.values[i] = static_cast<float>(static_cast<const int32_t*>(view.data)[i]);
    if (view.type == ElementType::kInt64)
      output.values[i] = static_cast<float>(static_cast<const int64_t*>(view.data)[i]);
  }
  return output;
}

bool IsImage(const inference::TensorInfo& info) {
  return info.shape.size() == 4 && (info.shape[3] == 3 || info.shape[1] == 3);
}

Result<Outputs> Run(const fs::path& path) {
  EDET_ASSIGN_OR_RETURN(inference::Engine engine, inference::Engine::Load(path, {}));
  if (engine.inputs().size() != 1 || !IsImage(engine.inputs()[0])) {
    return Error{ErrorCode::kUnsupported, "the model has no single image input", path.string(), ""};
  }
  const inference::TensorInfo& info = engine.inputs()[0];
  size_t at = info.shape[3] == 3 ? 1 : 2;
  constexpr int64_t kLargest = 8192;
  if (info.shape[at] > kLargest || info.shape[at + 1] > kLargest)
    return Error{ErrorCode::kLimitExceeded, "the image input is too large", path.string(), ""};
  Picture picture =
      DrawStreet(static_cast<int>(info.shape[at + 1]), static_cast<int>(info.shape[at]));
  EDET_ASSIGN_OR_RETURN(inference::Request request, engine.CreateRequest());
  EDET_RETURN_IF_ERROR(FillInput(picture, info, request.input(0)));
  EDET_RETURN_IF_ERROR(request.Infer());
  Outputs outputs;
  for (size_t i = 0; i < engine.outputs().size(); ++i) {
    EDET_ASSIGN_OR_RETURN(inference::TensorView view, request.output(i));
    outputs[engine.outputs()[i].name] = ToFloats(view);
  }
  return outputs;
}

// --- Comparing ---

const Output* Find(const Outputs& outputs, const std::string& name) {
  auto found = outputs.find(name);
  return found != outputs.end() ? &found->second : nullptr;
}

Comparison Compare(const std::string& name, const Output& before, const Output& after) {
  Comparison comparison;
  comparison.name = name;
  bool same = before.values.size() == after.values.size();
  for (size_t i = 0; i < before.values.size() && same; ++i) {
    double a = before.values[i], b = after.values[i];
    comparison.largest = std::max(comparison.largest, std::fabs(a));
    double difference = std::isnan(a) && std::isnan(b) ? 0. : std::fabs(a - b);
    if (!(difference <= comparison.difference)) comparison.difference = difference;
  }
  comparison.allowed = kTolerance * std::max(1., comparison.largest);
  if (!same) comparison.difference = INFINITY;
  return comparison;
}

struct Detection {
  float box[4], score, cls;
};
using Detections = std::vector<Detection>;

// AutoML's rows or EfficientNMS_TRT's four tensors; nothing where there are neither.
std::optional<Detections> DetectionsOf(const Outputs& outputs) {
  Detections found;
  for (const auto& [name, output] : outputs) {
    bool rows = output.shape.size() == 3 && output.shape[2] == 7 && output.shape[0] == 1;
    if (!rows) continue;
    for (size_t i = 0; i + 6 < output.values.size(); i += 7) {
      const float* row = &output.values[i];
      if (row[5] > 0.F) found.push_back({{row[1], row[2], row[3], row[4]}, row[5], row[6] - 1.F});
    }
    return found;
  }
  const Output *count = Find(outputs, "num_detections"), *boxes = Find(outputs, "detection_boxes"),
               *scores = Find(outputs, "detection_scores"),
               *classes = Find(outputs, "detection_classes");
  if (!count || !boxes || !scores || !classes || count->values.empty()) return std::nullopt;
  auto kept = std::min(static_cast<size_t>(std::max(count->values[0], 0.F)), scores->values.size());
  for (size_t i = 0; i < kept && i * 4 + 3 < boxes->values.size(); ++i) {
    const float* box = &boxes->values[i * 4];
    found.push_back({{box[0], box[1], box[2], box[3]}, scores->values[i], classes->values[i]});
  }
  return found;
}

bool IsPartner(const Detection& a, const Detection& b) {
  constexpr float kScore = 1e-3F, kPixel = 1.F;
  if (a.cls != b.cls || !(std::fabs(a.score - b.score) <= kScore)) return false;
  for (int i = 0; i < 4; ++i)
    if (!(std::fabs(a.box[i] - b.box[i]) <= kPixel)) return false;
  return true;
}

void CompareDetections(const Outputs& before, const Outputs& after, Verification& verification) {
  std::optional<Detections> old_ones = DetectionsOf(before), new_ones = DetectionsOf(after);
  if (!old_ones || !new_ones) return;
  verification.detections = static_cast<int>(old_ones->size());
  std::vector<bool> taken(new_ones->size(), false);
  for (const Detection& detection : *old_ones) {
    for (size_t i = 0; i < new_ones->size(); ++i) {
      if (taken[i] || !IsPartner(detection, (*new_ones)[i])) continue;
      taken[i] = true;
      ++verification.partners;
      break;
    }
  }
}

// The new image's shape as the old file has it: --layout may have turned it.
std::vector<int64_t> InLayoutOf(const onnx_format::ModelSummary& summary,
                                const std::vector<int64_t>& image) {
  if (image.size() != 4 || summary.inputs.size() != 1) return image;
  const std::vector<std::string>& old_shape = summary.inputs[0].shape;
  bool old_first = old_shape.size() == 4 && old_shape[1] == "3" && old_shape[3] != "3";
  bool new_first = image[1] == 3 && image[3] != 3;
  if (old_first == new_first) return image;
  return {image[0], image[2], image[3], image[1]};
}

// The old file for the new one's image, with the landmarks as outputs; without its own outputs
// where it cannot run otherwise.
Result<Outputs> RunBefore(const VerifyInputs& inputs, const std::vector<int64_t>& image_shape,
                          std::string& note) {
  EDET_ASSIGN_OR_RETURN(onnx_format::ModelSummary summary,
                        onnx_format::SummarizeModel(inputs.before));
  onnx_format::Probe probe;
  if (summary.inputs.size() == 1) probe.input = summary.inputs[0].name;
  probe.input_shape = InLayoutOf(summary, image_shape);
  for (const repair::Landmark& landmark : inputs.landmarks)
    probe.outputs.push_back(landmark.before);
  fs::path path = inputs.folder / "before.onnx";
  EDET_RETURN_IF_ERROR(onnx_format::WriteProbe(inputs.before, probe, path));
  Result<Outputs> whole = Run(path);
  if (whole.ok() || probe.outputs.empty()) return whole;
  note = "the file's own outputs cannot be computed here (" + whole.error().what +
         "): compared up to the heads";
  probe.only_these = true;
  EDET_RETURN_IF_ERROR(onnx_format::WriteProbe(inputs.before, probe, path));
  return Run(path);
}

// The shape of the new file's image, for one image.
Result<std::vector<int64_t>> ImageShape(const fs::path& after) {
  EDET_ASSIGN_OR_RETURN(onnx_format::ModelSummary summary, onnx_format::SummarizeModel(after));
  std::vector<int64_t> shape;
  if (summary.inputs.size() != 1) return shape;
  for (const std::string& dimension : summary.inputs[0].shape) {
    bool number = !dimension.empty() && dimension.size() < 10 &&
                  dimension.find_first_not_of("0123456789") == std::string::npos;
    shape.push_back(number ? std::stoll(dimension) : 1);
  }
  if (!shape.empty()) shape[0] = 1;
  return shape;
}

}  // namespace

bool Verification::good() const {
  bool all = std::all_of(tensors.begin(), tensors.end(),
                         [](const Comparison& comparison) { return comparison.good(); });
  return all && (detections < 0 || partners == detections);
}

Result<Verification> VerifyRepair(const VerifyInputs& inputs) {
  Verification verification;
  EDET_ASSIGN_OR_RETURN(std::vector<int64_t> shape, ImageShape(inputs.after));
  onnx_format::Probe probe;
  for (const repair::Landmark& landmark : inputs.landmarks) probe.outputs.push_back(landmark.after);
  fs::path path = inputs.folder / "after.onnx";
  EDET_RETURN_IF_ERROR(onnx_format::WriteProbe(inputs.after, probe, path));
  EDET_ASSIGN_OR_RETURN(Outputs after, Run(path));
  Result<Outputs> before = RunBefore(inputs, shape, verification.note);
  if (!before.ok()) {
    verification.note = "the file as it came cannot run here: " + before.error().ToString();
    return verification;
  }
  for (const repair::Landmark& landmark : inputs.landmarks) {
    const Output *a = Find(*before, landmark.before), *b = Find(after, landmark.after);
    if (a && b) verification.tensors.push_back(Compare(landmark.before, *a, *b));
  }
  for (const auto& [name, output] : *before) {
    const Output* partner = Find(after, name);
    bool detections = DetectionsOf(*before).has_value();
    if (partner && !detections && inputs.landmarks.empty())
      verification.tensors.push_back(Compare(name, output, *partner));
  }
  if (inputs.same_rules) CompareDetections(*before, after, verification);
  return verification;
}

}  // namespace edet::cli
