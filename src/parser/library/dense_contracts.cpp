// Tensors with every anchor: the suppression of overlaps is left to the parser.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "detect/anchors.h"
#include "detect/decode.h"
#include "detect/nms.h"
#include "parser/library/anchor_spec.h"
#include "parser/library/contracts.h"
#include "parser/library/dense.h"
#include "parser/library/report.h"

namespace edet {
namespace parser {
namespace {

// As many anchor x class pairs as AutoML's evaluation and EfficientNMS_TRT let take part.
constexpr size_t kMaxPairs = 5000;

// Cells of a [.., H, W] tensor that are looked at together.
constexpr size_t kCells = 64;

// An anchor and a class that reached the class's threshold.
struct Candidate {
  float score;
  int class_index;
  size_t anchor;       // of all
  detect::BoxNet box;  // network pixels
};

// The largest of a row. Eight lanes of their own, so that the compiler uses vector instructions: a
// single running maximum of floats it must keep in order.
float RowMax(const float* row, size_t count) {
  float lanes[8];
  std::fill_n(lanes, 8, -std::numeric_limits<float>::infinity());
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (size_t k = 0; k < 8; ++k) lanes[k] = row[i + k] > lanes[k] ? row[i + k] : lanes[k];
  }
  for (; i < count; ++i) lanes[0] = row[i] > lanes[0] ? row[i] : lanes[0];
  return *std::max_element(lanes, lanes + 8);
}

// Halves as whole numbers of the same order: a NaN comes before or after all others.
using Shorts8 = int16_t __attribute__((vector_size(16)));
constexpr int16_t kInfinityInOrder = 0x7C00;

inline Shorts8 Ordered8(const uint16_t* halves) {
  Shorts8 bits;
  std::memcpy(&bits, halves, sizeof bits);
  return bits ^ ((bits >> 15) & int16_t{0x7FFF});
}

inline int16_t Ordered(uint16_t half) {
  return static_cast<int16_t>((half & 0x8000U) != 0 ? half ^ 0x7FFFU : half);
}

// The float; infinite for a NaN that came out as the largest, so that its row is looked at.
inline float FloatOfOrdered(int16_t ordered) {
  if (ordered > kInfinityInOrder) return std::numeric_limits<float>::infinity();
  const auto bits = static_cast<uint16_t>(ordered);
  return HalfToFloat(static_cast<uint16_t>(ordered < 0 ? bits ^ 0x7FFFU : bits));
}

// At least the largest of a row that holds numbers only.
float RowMax(const uint16_t* row, size_t count) {
  Shorts8 max = Shorts8{} - int16_t{0x7FFF};
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const Shorts8 next = Ordered8(row + i);
    max = next > max ? next : max;
  }
  int16_t largest = max[0];
  for (int k = 1; k < 8; ++k) largest = std::max<int16_t>(largest, max[k]);
  for (; i < count; ++i) largest = std::max(largest, Ordered(row[i]));
  return FloatOfOrdered(largest);
}

// How class values and boxes are to be understood.
struct DenseMeaning {
  bool logits;           // else probabilities
  const float* anchors;  // to decode deltas with; null for boxes that are decoded already
  BoxFormat format;      // of decoded boxes
};

class CandidateSearch {
 public:
  CandidateSearch(const Dense& dense, const DenseMeaning& meaning, const Frame& frame)
      : dense_(dense), meaning_(meaning), frame_(frame), row_(dense.classes) {
    float lowest = std::numeric_limits<float>::infinity();
    for (size_t c = 0; c < dense.classes && c < frame.objects.num_classes(); ++c) {
      lowest = std::min(lowest, frame.objects.Threshold(c));
    }
    // A little below: the sigmoid of the logit decides in the end.
    lowest_value_ = meaning.logits ? detect::Logit(lowest) - 1e-3F : lowest;
  }

  std::vector<Candidate> Run() {
    for (const DensePart& part : dense_.parts) {
      part_ = &part;
      if (part.plane == 0) {
        SearchRows();
      } else {
        SearchPlanes();
      }
      first_anchor_ += part.anchors;
    }
    if (frame_.options.nms == NmsKind::kPerClass) KeepBestPairs();
    return std::move(candidates_);
  }

 private:
  void SearchRows() {
    for (size_t a = 0; a < part_->anchors; ++a) {
      if (const uint16_t* halves = part_->values.halves()) {
        if (!(RowMax(halves + a * dense_.classes, dense_.classes) >= lowest_value_)) continue;
      }
      const float* row = Row(a);
      const float max = RowMax(row, dense_.classes);
      if (max >= lowest_value_) Consider(row, max, a);
    }
  }

  // The classes of an anchor, where they lie side by side.
  const float* Row(size_t anchor) {
    const size_t begin = anchor * dense_.classes;
    if (part_->values.floats() != nullptr) return part_->values.floats() + begin;
    const uint16_t* halves = part_->values.halves() + begin;
    for (size_t c = 0; c < dense_.classes; ++c) row_[c] = HalfToFloat(halves[c]);
    return row_.data();
  }

  // Looks for cells with a class above the threshold plane by plane, as they lie in memory.
  void SearchPlanes() {
    const size_t before = candidates_.size();
    for (size_t begin = 0; begin < part_->plane; begin += kCells) {
      const size_t cells = std::min(kCells, part_->plane - begin);
      for (size_t a = 0; a < part_->anchors_per_cell; ++a) {
        float max[kCells];
        MaxOfCells(a, begin, cells, max);
        for (size_t i = 0; i < cells; ++i) {
          if (max[i] >= lowest_value_) ConsiderCell((begin + i) * part_->anchors_per_cell + a);
        }
      }
    }
    std::stable_sort(candidates_.begin() + static_cast<std::ptrdiff_t>(before), candidates_.end(),
                     [](const Candidate& x, const Candidate& y) { return x.anchor < y.anchor; });
  }

  void MaxOfCells(size_t anchor_of_cell, size_t begin, size_t cells, float* max) const {
    const size_t first = anchor_of_cell * dense_.classes * part_->plane + begin;
    if (part_->values.halves() != nullptr)
      return MaxOfHalves(part_->values.halves() + first, cells, max);
    std::fill_n(max, kCells, -std::numeric_limits<float>::infinity());
    const float* plane = part_->values.floats() + first;
    for (size_t c = 0; c < dense_.classes; ++c, plane += part_->plane) {
      for (size_t i = 0; i < cells; ++i) max[i] = plane[i] > max[i] ? plane[i] : max[i];
    }
  }

  void MaxOfHalves(const uint16_t* plane, size_t cells, float* max) const {
    int16_t largest[kCells];
    std::fill_n(largest, kCells, std::numeric_limits<int16_t>::min());
    for (size_t c = 0; c < dense_.classes; ++c, plane += part_->plane) {
      size_t i = 0;
      for (; i + 8 <= cells; i += 8) {
        Shorts8 before;
        std::memcpy(&before, largest + i, sizeof before);
        const Shorts8 next = Ordered8(plane + i);
        before = next > before ? next : before;
        std::memcpy(largest + i, &before, sizeof before);
      }
      for (; i < cells; ++i) largest[i] = std::max(largest[i], Ordered(plane[i]));
    }
    for (size_t i = 0; i < cells; ++i) max[i] = FloatOfOrdered(largest[i]);
  }

  void ConsiderCell(size_t anchor) {
    for (size_t c = 0; c < dense_.classes; ++c)
      row_[c] = part_->values[part_->Index(anchor, c, dense_.classes)];
    Consider(row_.data(), RowMax(row_.data(), dense_.classes), anchor);
  }

  void Consider(const float* row, float max, size_t anchor) {
    if (frame_.options.nms == NmsKind::kPerClass) {
      for (size_t c = 0; c < dense_.classes; ++c) AddIfAboveThreshold(row[c], c, anchor);
    } else {
      const float* best = std::find(row, row + dense_.classes, max);
      AddIfAboveThreshold(max, static_cast<size_t>(best - row), anchor);
    }
  }

  void AddIfAboveThreshold(float value, size_t class_index, size_t anchor) {
    if (!(value >= lowest_value_)) return;
    const float score = meaning_.logits ? detect::Sigmoid(value) : value;
    if (!(score >= frame_.objects.Threshold(class_index))) return;
    const detect::BoxNet box = BoxOf(anchor);
    // Overlaps nothing, and would be dropped at the end.
    if (!IsFinite(box)) return;
    candidates_.push_back({score, static_cast<int>(class_index), first_anchor_ + anchor, box});
  }

  detect::BoxNet BoxOf(size_t anchor) const {
    float numbers[4];
    for (size_t k = 0; k < 4; ++k) numbers[k] = part_->boxes[part_->Index(anchor, k, 4)];
    if (meaning_.anchors != nullptr)
      return detect::DecodeBox(numbers, meaning_.anchors + 4 * (first_anchor_ + anchor));
    const Floats4 corners = meaning_.format.Corners(Load4(numbers));
    detect::BoxNet box;
    box.left = corners[0];
    box.top = corners[1];
    box.right = corners[2];
    box.bottom = corners[3];
    return box;
  }

  static bool IsFinite(const detect::BoxNet& box) {
    return std::isfinite(box.left) && std::isfinite(box.top) && std::isfinite(box.right) &&
           std::isfinite(box.bottom);
  }

  // In anchor order again afterwards, because that is the order of equal scores.
  void KeepBestPairs() {
    if (candidates_.size() <= kMaxPairs) return;
    std::stable_sort(candidates_.begin(), candidates_.end(),
                     [](const Candidate& x, const Candidate& y) { return x.score > y.score; });
    candidates_.resize(kMaxPairs);
    std::stable_sort(candidates_.begin(), candidates_.end(),
                     [](const Candidate& x, const Candidate& y) { return x.anchor < y.anchor; });
  }

  const Dense& dense_;
  const DenseMeaning& meaning_;
  const Frame& frame_;
  const DensePart* part_ = nullptr;  // in work
  size_t first_anchor_ = 0;          // of the part
  std::vector<float> row_;
  std::vector<Candidate> candidates_;
  float lowest_value_ = 0.F;
};

detect::NmsOptions OptionsOfNms(const Options& from) {
  detect::NmsOptions options;
  options.iou_threshold = from.iou_threshold;
  options.soft_sigma = from.soft_sigma / 2.F;
  options.max_output = from.max_objects;
  // What soft NMS has lowered below AutoML's limit is gone.
  if (options.soft_sigma > 0.F) options.score_threshold = 0.001F;
  return options;
}

void Suppress(const Dense& dense, const DenseMeaning& meaning, const Frame& frame) {
  std::vector<detect::BoxNet> boxes;
  std::vector<float> scores;
  std::vector<int> classes;
  for (const Candidate& candidate : CandidateSearch(dense, meaning, frame).Run()) {
    boxes.push_back(candidate.box);
    scores.push_back(candidate.score);
    classes.push_back(candidate.class_index);
  }
  const detect::NmsOptions options = OptionsOfNms(frame.options);
  const detect::BestClassCandidates candidates = {boxes.data(), scores.data(), classes.data(),
                                                  boxes.size()};
  const auto kept = frame.options.nms == NmsKind::kGlobal
                        ? detect::GlobalNms(candidates, options)
                        : detect::PerClassNms(candidates, options);
  for (const detect::Detection& detection : kept) {
    frame.objects.Add(detection.box, detection.score, detection.class_index);
  }
}

// FLOAT or HALF, with memory; reported otherwise.
bool AreReadable(const Dense& dense, const NamedLayers& tensors) {
  for (const DensePart& part : dense.parts) {
    if (part.values.ok() && part.boxes.ok()) continue;
    for (const abi::LayerInfo& layer : tensors.layers) ViewFloats(layer);
    return false;
  }
  return true;
}

size_t CountAnchors(const detect::AnchorConfig& config) {
  size_t cells = 0;
  for (const detect::FeatureSize& size : detect::FeatureSizes(config)) {
    cells += static_cast<size_t>(size.height) * static_cast<size_t>(size.width);
  }
  return cells * static_cast<size_t>(config.num_scales) * config.aspect_ratios.size();
}

bool IsSame(const detect::AnchorConfig& a, const detect::AnchorConfig& b) {
  return a.min_level == b.min_level && a.max_level == b.max_level && a.num_scales == b.num_scales &&
         a.aspect_ratios == b.aspect_ratios && a.anchor_scales == b.anchor_scales &&
         a.image_height == b.image_height && a.image_width == b.image_width;
}

// The anchors of the thread's last call, made anew only where the model is another one.
const float* AnchorsOf(const detect::AnchorConfig& config) {
  static thread_local detect::AnchorConfig made_for;
  static thread_local std::vector<float> anchors;
  if (anchors.empty() || !IsSame(made_for, config)) {
    anchors = detect::MakeAnchors(config);
    made_for = config;
  }
  return anchors.data();
}

// What the network's size, the box tensor's name and the options say of the anchors; the levels'
// number is still open. False, reported, where the name cannot be read.
bool DescribeAnchors(const Frame& frame, detect::AnchorConfig* config) {
  config->image_width = static_cast<int>(frame.objects.network().width);
  config->image_height = static_cast<int>(frame.objects.network().height);
  const TensorName& name = frame.tensors.Name(Role::kDeltas);
  if (!frame.options.anchors.empty()) {
    return ReadAnchorSpec(frame.options.anchors.data(), frame.options.anchors.size(), config);
  }
  if (name.anchors == nullptr || ReadAnchorSpec(name.anchors, name.anchors_length, config))
    return true;
  if (ShouldReport(Cause::kNoAnchors)) {
    PrintReport(Cause::kNoAnchors,
                "no objects: the anchors told by the box tensor's name cannot be read: " +
                    Describe({*frame.tensors[Role::kDeltas]}));
  }
  return false;
}

// The highest level with which the network has `count` anchors; false, reported, without one.
bool FindMaxLevel(size_t count, detect::AnchorConfig* config) {
  for (config->max_level = config->min_level; config->max_level <= 10; ++config->max_level) {
    if (CountAnchors(*config) == count) return true;
  }
  if (ShouldReport(Cause::kNoAnchors)) {
    PrintReport(
        Cause::kNoAnchors,
        "no objects: " + std::to_string(count) + " anchors do not belong to a network input of " +
            std::to_string(config->image_width) + "x" + std::to_string(config->image_height) +
            " with " +
            std::to_string(static_cast<size_t>(config->num_scales) * config->aspect_ratios.size()) +
            " anchors a cell from level " + std::to_string(config->min_level) + " on");
  }
  return false;
}

}  // namespace

void ParseDecoded(const Frame& frame) {
  Dense dense;
  if (!FindPair(frame.tensors, Role::kDenseScores, Role::kDenseBoxes, &dense))
    return ReportLayout(frame.tensors.layers, "boxes [A, 4] and scores [A, C]");
  if (!AreReadable(dense, frame.tensors)) return;
  const BoxFormat format(frame.tensors.Name(Role::kDenseBoxes), BoxUnit::kPixels, frame);
  Suppress(dense, {false, nullptr, format}, frame);
}

void ParseRaw(const Frame& frame) {
  Dense dense;
  detect::AnchorConfig config;
  if (!DescribeAnchors(frame, &config)) return;
  if (FindPair(frame.tensors, Role::kLogits, Role::kDeltas, &dense)) {
    if (!FindMaxLevel(dense.anchors(), &config)) return;
  } else if (!FindLevels(frame.tensors, &config, &dense)) {
    return ReportLayout(frame.tensors.layers,
                        "class_logits [A, C] and box_deltas [A, 4], or [H, W, anchors * C] and "
                        "[H, W, anchors * 4] (or channels first) for each level of the network");
  }
  if (!AreReadable(dense, frame.tensors)) return;
  const BoxFormat unused(TensorName(), BoxUnit::kPixels, frame);
  Suppress(dense, {true, AnchorsOf(config), unused}, frame);
}

}  // namespace parser
}  // namespace edet
