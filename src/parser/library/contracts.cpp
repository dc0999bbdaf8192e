#include "parser/library/contracts.h"

#include <algorithm>

#include "parser/library/report.h"

namespace edet {
namespace parser {
namespace {

// The four tensors of EfficientNMS under the names that exporters give them.
struct NmsTensors {
  const abi::LayerInfo* count;
  const abi::LayerInfo* boxes;
  const abi::LayerInfo* scores;
  const abi::LayerInfo* classes;
  bool xyxy;  // boxes are x1,y1,x2,y2
  bool complete() const {
    return count != nullptr && boxes != nullptr && scores != nullptr && classes != nullptr;
  }
};

NmsTensors FindNmsTensors(const Layers& layers) {
  NmsTensors found{};
  found.count = FindTensor(layers, {"num_detections", "num_dets"});
  found.boxes = FindTensor(layers, {"detection_boxes"});
  if (found.boxes == nullptr) {
    found.boxes = FindTensor(layers, {"detection_boxes_xyxy", "det_boxes"});
    found.xyxy = found.boxes != nullptr;
  }
  found.scores = FindTensor(layers, {"detection_scores", "det_scores"});
  found.classes = FindTensor(layers, {"detection_classes", "det_classes"});
  return found;
}

const abi::LayerInfo* FindRows(const Layers& layers) {
  const abi::LayerInfo* named = FindTensor(layers, {"detections"});
  return named != nullptr ? named : FindByLastDim(layers, 7);
}

void ReportBuffer(const abi::LayerInfo& layer, const char* expected) {
  const Cause cause = layer.buffer == nullptr ? Cause::kNullBuffer : Cause::kUnknownType;
  if (!ShouldReport(cause)) return;
  const std::string problem = layer.buffer == nullptr
                                  ? "no host memory (disable-output-host-copy must be 0)"
                                  : std::string("a type that is not ") + expected;
  PrintReport(cause, "a tensor has " + problem + ": " + Describe({layer}));
}

// How many of `rows` rows the count tensor says are real.
size_t ReadCount(const IntegerView& count, size_t rows) {
  const int64_t said = count.size() == 0 ? IntegerView::kNotWhole : count[0];
  if (said >= 0 && said <= static_cast<int64_t>(rows)) return static_cast<size_t>(said);
  if (ShouldReport(Cause::kBadCount)) {
    const std::string text =
        said == IntegerView::kNotWhole ? "no whole number" : std::to_string(said);
    PrintReport(Cause::kBadCount, "num_detections is " + text + ", the tensors have " +
                                      std::to_string(rows) + " rows");
  }
  return said > 0 ? rows : 0;
}

detect::BoxNet BoxAt(const FloatView& boxes, size_t row, bool xyxy) {
  const float a = boxes[4 * row], b = boxes[4 * row + 1], c = boxes[4 * row + 2],
              d = boxes[4 * row + 3];
  detect::BoxNet box;
  box.left = xyxy ? a : b;
  box.top = xyxy ? b : a;
  box.right = xyxy ? c : d;
  box.bottom = xyxy ? d : c;
  return box;
}

}  // namespace

FloatView ViewFloats(const abi::LayerInfo& layer) {
  const FloatView view(layer);
  if (!view.ok()) ReportBuffer(layer, "float or half");
  return view;
}

void ReportLayout(const Layers& layers, const char* expected) {
  if (!ShouldReport(Cause::kWrongLayout)) return;
  PrintReport(Cause::kWrongLayout, std::string("no objects: expected ") + expected +
                                       "; the model has " + Describe(layers));
}

Contract Recognise(const Layers& layers) {
  if (FindNmsTensors(layers).complete()) return Contract::kNms;
  if (FindTensor(layers, {"class_logits"}) != nullptr &&
      FindTensor(layers, {"box_deltas"}) != nullptr) {
    return Contract::kRaw;
  }
  if (FindTensor(layers, {"boxes"}) != nullptr && FindTensor(layers, {"scores"}) != nullptr)
    return Contract::kDecoded;
  const abi::LayerInfo* rows = FindRows(layers);
  return rows != nullptr && LastDim(*rows) == 7 ? Contract::kRows : Contract::kAuto;
}

void ParseNms(const Frame& frame) {
  const NmsTensors found = FindNmsTensors(frame.layers);
  if (!found.complete() || LastDim(*found.boxes) != 4) {
    return ReportLayout(frame.layers,
                        "num_detections [1], detection_boxes [M, 4], detection_scores [M] and "
                        "detection_classes [M]");
  }
  const FloatView boxes = ViewFloats(*found.boxes), scores = ViewFloats(*found.scores);
  const IntegerView classes(*found.classes), count(*found.count);
  if (!classes.ok()) ReportBuffer(*found.classes, "known");
  if (!count.ok()) ReportBuffer(*found.count, "known");
  if (!boxes.ok() || !scores.ok() || !classes.ok() || !count.ok()) return;
  const size_t rows = ReadCount(count, std::min({boxes.size() / 4, scores.size(), classes.size()}));
  frame.objects.Reserve(rows);
  for (size_t i = 0; i < rows; ++i)
    frame.objects.Add(BoxAt(boxes, i, found.xyxy), scores[i], classes[i]);
}

void ParseRows(const Frame& frame) {
  const abi::LayerInfo* found = FindRows(frame.layers);
  if (found == nullptr || LastDim(*found) != 7) {
    return ReportLayout(frame.layers, "detections [M, 7]");
  }
  const FloatView values = ViewFloats(*found);
  if (!values.ok()) return;
  const size_t rows = values.size() / 7;
  frame.objects.Reserve(rows);
  for (size_t i = 0; i < rows; ++i) {
    const size_t at = 7 * i;
    const float score = values[at + 5];
    if (score == 0.F) continue;
    detect::BoxNet box;
    box.top = values[at + 1];
    box.left = values[at + 2];
    box.bottom = values[at + 3];
    box.right = values[at + 4];
    const int64_t class_id = IntegerView::Whole(values[at + 6]);
    frame.objects.Add(box, score, class_id == IntegerView::kNotWhole ? class_id : class_id - 1);
  }
}

}  // namespace parser
}  // namespace edet
