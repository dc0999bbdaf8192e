#include "parser/library/object_list.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "detect/nvinfer_postprocess.h"
#include "parser/library/host_layout.h"
#include "parser/library/report.h"

namespace edet {
namespace parser {
namespace {

// gst-nvinfer scales a box back to the frame in float and then drops it, without a word, where top
// + height is above the frame's height: rounding alone does that to a box that ends exactly at the
// edge. Ending this share before the edge (half a thousandth of a pixel of 512) outlives the
// rounding.
constexpr float kInside = 1.F - 1.F / 1048576.F;

// A network of more pixels than a float counts exactly is no network.
constexpr unsigned kMaxNetworkSide = 1U << 20;

bool IsProbability(float score) {
  // A half may round a score just above 1.
  return score >= 0.F && score <= 1.001F;
}

bool IsFinite(const detect::BoxNet& box) {
  return std::isfinite(box.left) && std::isfinite(box.top) && std::isfinite(box.right) &&
         std::isfinite(box.bottom);
}

void ReportScore(float score) {
  if (!ShouldReport(Cause::kBadScore)) return;
  PrintReport(Cause::kBadScore, "a row is dropped: score " + std::to_string(score) +
                                    " is no probability (logits, or another column?)");
}

void ReportClass(int64_t class_id, unsigned num_classes) {
  if (!ShouldReport(Cause::kBadClass)) return;
  if (class_id == INT64_MIN)
    return PrintReport(Cause::kBadClass, "a row is dropped: its class is no whole number");
  PrintReport(Cause::kBadClass,
              "a row is dropped: class " + std::to_string(class_id) +
                  " (0-based) is outside num-detected-classes=" + std::to_string(num_classes));
}

void ReportBox() {
  if (ShouldReport(Cause::kBadBox))
    PrintReport(Cause::kBadBox, "a row is dropped: its box is NaN or infinite");
}

}  // namespace

ObjectList::ObjectList(const abi::NetworkInfo& network, const abi::DetectionParams& params,
                       const Options& options, void* objects)
    : params_(params) {
  if (HostHas28ByteObjects()) {
    objects28_ = static_cast<std::vector<abi::Object28>*>(objects);
  } else {
    objects24_ = static_cast<std::vector<abi::Object24>*>(objects);
  }
  if (network.width == 0 || network.height == 0 || network.width > kMaxNetworkSide ||
      network.height > kMaxNetworkSide) {
    if (ShouldReport(Cause::kBadNetworkSize)) {
      PrintReport(Cause::kBadNetworkSize, "the network input is " + std::to_string(network.width) +
                                              "x" + std::to_string(network.height) +
                                              ": no objects");
    }
    return;
  }
  const detect::FrameFit fit = detect::FitFrame(
      options.frame_width != 0 ? options.frame_width : network.width,
      options.frame_height != 0 ? options.frame_height : network.height, network.width,
      network.height, options.frame_width != 0, options.symmetric_padding);
  left_ = static_cast<float>(fit.offset_left);
  top_ = static_cast<float>(fit.offset_top);
  right_ = (left_ + static_cast<float>(fit.scaled_width)) * kInside;
  bottom_ = (top_ + static_cast<float>(fit.scaled_height)) * kInside;
}

void ObjectList::Reserve(size_t more) {
  if (objects28_ != nullptr) {
    objects28_->reserve(objects28_->size() + more);
  } else {
    objects24_->reserve(objects24_->size() + more);
  }
}

void ObjectList::Add(const detect::BoxNet& box, float score, int64_t class_id) {
  if (!IsProbability(score)) return ReportScore(score);
  if (class_id < 0 || class_id >= static_cast<int64_t>(params_.num_classes)) {
    return ReportClass(class_id, params_.num_classes);
  }
  if (score < Threshold(static_cast<size_t>(class_id))) return;
  if (!IsFinite(box)) return ReportBox();
  const float left = std::min(std::max(box.left, left_), right_);
  const float top = std::min(std::max(box.top, top_), bottom_);
  const float width = std::min(std::max(box.right, left_), right_) - left;
  const float height = std::min(std::max(box.bottom, top_), bottom_) - top;
  if (!(width > 0.F) || !(height > 0.F)) return;
  Append({static_cast<unsigned>(class_id), left, top, width, height, score, 0.F});
}

void ObjectList::Append(const abi::Object28& object) {
  if (objects28_ != nullptr) {
    objects28_->push_back(object);
  } else {
    objects24_->push_back(
        {object.class_id, object.left, object.top, object.width, object.height, object.confidence});
  }
}

}  // namespace parser
}  // namespace edet
