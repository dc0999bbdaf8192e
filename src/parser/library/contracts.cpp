#include "parser/library/contracts.h"

#include <algorithm>
#include <string>

#include "parser/library/report.h"

namespace edet {
namespace parser {
namespace {

bool IsFloating(const abi::LayerInfo& layer) {
  return layer.data_type == abi::kFloat || layer.data_type == abi::kHalf;
}

bool HasFourTensors(const NamedLayers& tensors) {
  return tensors.has(Role::kCount) && tensors.has(Role::kBoxes) && tensors.has(Role::kScores) &&
         tensors.has(Role::kClasses);
}

// TensorFlow's API has floats everywhere; EfficientNMS counts in whole numbers.
bool IsTensorFlows(const NamedLayers& tensors) {
  return tensors.Name(Role::kCount).of_tensorflow && tensors.Name(Role::kBoxes).of_tensorflow &&
         IsFloating(*tensors[Role::kCount]) && IsFloating(*tensors[Role::kClasses]);
}

// The tensor of AutoML's rows: by name, or the only one there is.
const abi::LayerInfo* FindRows(const NamedLayers& tensors) {
  if (tensors.has(Role::kRows)) return tensors[Role::kRows];
  const abi::LayerInfo* only = OnlyOutput(tensors.layers);
  return only != nullptr && LastDim(*only) == 7 ? only : nullptr;
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

// Rows before the padding at the end, whose score is 0.
size_t CountUnpadded(const FloatView& scores, size_t rows) {
  while (rows > 0 && scores[rows - 1] == 0.F) --rows;
  return rows;
}

// The four tensors of one frame, each within its size for `rows` rows.
struct FourTensors {
  FloatView boxes, scores;
  IntegerView classes;
  size_t rows;
  int class_base;
};

// `classes(i)` and so on give the values, so that each combination of types has its own loop.
template <typename Boxes, typename Scores, typename Classes>
void AddRows(const FourTensors& from, const BoxFormat& format, const Boxes& boxes,
             const Scores& scores, const Classes& classes, ObjectList* objects) {
  const int class_base = from.class_base;
  const auto zero_based = [&classes, class_base](size_t i) { return classes(i) - class_base; };
  if (format.order == BoxOrder::kYxyx && format.pixels) {  // the usual case, with nothing to decide
    return objects->AddAll(
        from.rows, [&boxes](size_t i) { return SwapPairs(boxes(i)); }, scores, zero_based);
  }
  const BoxFormat own = format;
  objects->AddAll(
      from.rows, [&boxes, own](size_t i) { return own.Corners(boxes(i)); }, scores, zero_based);
}

template <typename Classes>
void AddFloatRows(const FourTensors& from, const BoxFormat& format, const Classes& classes,
                  ObjectList* objects) {
  const float* boxes = from.boxes.floats();
  const float* scores = from.scores.floats();
  AddRows(
      from, format, [boxes](size_t i) { return Load4(boxes + 4 * i); },
      [scores](size_t i) { return scores[i]; }, classes, objects);
}

void AddAnyRows(const FourTensors& from, const BoxFormat& format, ObjectList* objects) {
  AddRows(
      from, format, [&from](size_t i) { return from.boxes.Four(i); },
      [&from](size_t i) { return from.scores[i]; }, [&from](size_t i) { return from.classes[i]; },
      objects);
}

void AddFourTensors(const FourTensors& from, const BoxFormat& format, ObjectList* objects) {
  if (from.boxes.floats() == nullptr || from.scores.floats() == nullptr)
    return AddAnyRows(from, format, objects);
  if (const int32_t* classes = from.classes.int32s())
    return AddFloatRows(
        from, format, [classes](size_t i) { return int64_t{classes[i]}; }, objects);
  if (const float* classes = from.classes.floats())
    return AddFloatRows(
        from, format, [classes](size_t i) { return IntegerView::Whole(classes[i]); }, objects);
  AddFloatRows(
      from, format, [&from](size_t i) { return from.classes[i]; }, objects);
}

}  // namespace

NamedLayers::NamedLayers(const Layers& all) : layers(all) {
  for (const abi::LayerInfo& layer : all) {
    const TensorName read = ReadTensorName(layer.name);
    const auto role = static_cast<size_t>(read.role);
    if (tensor[role] != nullptr) continue;
    tensor[role] = &layer;
    name[role] = read;
  }
}

BoxFormat::BoxFormat(const TensorName& name, BoxUnit unit, const Frame& frame)
    : order(frame.options.order_told ? frame.options.order : name.order) {
  if (name.unit_told) unit = name.unit;
  if (frame.options.unit_told) unit = frame.options.unit;
  pixels = unit == BoxUnit::kPixels;
  const float x = pixels ? 1.F : static_cast<float>(frame.objects.network().width);
  const float y = pixels ? 1.F : static_cast<float>(frame.objects.network().height);
  scale = Floats4{x, y, x, y};
}

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

Contract Recognise(const NamedLayers& tensors) {
  if (HasFourTensors(tensors))
    return IsTensorFlows(tensors) ? Contract::kTensorFlow : Contract::kNms;
  if (tensors.has(Role::kLogits) && tensors.has(Role::kDeltas)) return Contract::kRaw;
  if (tensors.has(Role::kDenseBoxes) && tensors.has(Role::kDenseScores)) return Contract::kDecoded;
  const abi::LayerInfo* rows = FindRows(tensors);
  return rows != nullptr && LastDim(*rows) == 7 ? Contract::kRows : Contract::kAuto;
}

void ParseFourTensors(Contract contract, const Frame& frame) {
  const NamedLayers& tensors = frame.tensors;
  if (!HasFourTensors(tensors) || LastDim(*tensors[Role::kBoxes]) != 4) {
    return ReportLayout(tensors.layers,
                        "num_detections [1], detection_boxes [M, 4], detection_scores [M] and "
                        "detection_classes [M]");
  }
  const bool tensorflow = contract == Contract::kTensorFlow;
  const bool int16 = frame.options.half_is_int16;
  FourTensors from = {ViewFloats(*tensors[Role::kBoxes]), ViewFloats(*tensors[Role::kScores]),
                      IntegerView(*tensors[Role::kClasses], int16), 0,
                      frame.options.class_base >= 0 ? frame.options.class_base : int{tensorflow}};
  const IntegerView count(*tensors[Role::kCount], int16);
  if (!from.classes.ok()) ReportBuffer(*tensors[Role::kClasses], "known");
  from.rows = std::min({from.boxes.size() / 4, from.scores.size(), from.classes.size()});
  if (!from.boxes.ok() || !from.scores.ok() || !from.classes.ok()) return;
  if (tensorflow && count.size() == 0) {
    from.rows = CountUnpadded(from.scores, from.rows);
  } else if (count.ok()) {
    from.rows = ReadCount(count, from.rows);
  } else {
    return ReportBuffer(*tensors[Role::kCount], "known");
  }
  const BoxUnit unit = tensorflow ? BoxUnit::kNormalized : BoxUnit::kPixels;
  AddFourTensors(from, BoxFormat(tensors.Name(Role::kBoxes), unit, frame), &frame.objects);
}

void ParseRows(const Frame& frame) {
  const abi::LayerInfo* found = FindRows(frame.tensors);
  if (found == nullptr || LastDim(*found) != 7) {
    return ReportLayout(frame.tensors.layers, "detections [M, 7]");
  }
  const FloatView values = ViewFloats(*found);
  if (!values.ok()) return;
  const BoxFormat format(frame.tensors.Name(Role::kRows), BoxUnit::kPixels, frame);
  const int class_base = frame.options.class_base >= 0 ? frame.options.class_base : 1;
  for (size_t i = 0; i < values.size() / 7; ++i) {
    const size_t at = 7 * i;
    const float score = values[at + 5];
    if (score == 0.F) continue;
    const Floats4 box = {values[at + 1], values[at + 2], values[at + 3], values[at + 4]};
    frame.objects.Add(format.Corners(box), score, IntegerView::Whole(values[at + 6]) - class_base);
  }
}

}  // namespace parser
}  // namespace edet
