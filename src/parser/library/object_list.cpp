#include "parser/library/object_list.h"

#include <algorithm>
#include <string>
#include <vector>

#include "detect/nvinfer_postprocess.h"
#include "parser/library/host_layout.h"
#include "parser/library/report.h"
#include "parser/library/tensor.h"

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

// The following return the bytes written of what they report: none.
size_t ReportScore(float score) {
  if (!ShouldReport(Cause::kBadScore)) return 0;
  PrintReport(Cause::kBadScore, "a row is dropped: score " + std::to_string(score) +
                                    " is no probability (logits, or another column?)");
  return 0;
}

size_t ReportClass(int64_t class_id, unsigned num_classes) {
  if (!ShouldReport(Cause::kBadClass)) return 0;
  const std::string problem =
      class_id <= IntegerView::kNotWhole
          ? "its class is no whole number (where the host calls INT16 half: EDET_PARSER_INT16=1)"
          : "class " + std::to_string(class_id) +
                " (0-based) is outside num-detected-classes=" + std::to_string(num_classes);
  PrintReport(Cause::kBadClass, "a row is dropped: " + problem);
  return 0;
}

size_t ReportBox(Cause cause) {
  if (!ShouldReport(cause)) return 0;
  PrintReport(cause, cause == Cause::kBadBox
                         ? "a row is dropped: its box is NaN or infinite"
                         : "a row is dropped: nothing of its box is inside the network input");
  return 0;
}

// What boxes are clipped to, in network pixels.
struct Area {
  float left, top, right, bottom;
};

Area VisibleArea(const abi::NetworkInfo& network, const Options& options) {
  if (options.frame_width == 0) {
    return {0.F, 0.F, static_cast<float>(network.width) * kInside,
            static_cast<float>(network.height) * kInside};
  }
  const detect::FrameFit fit =
      detect::FitFrame(options.frame_width, options.frame_height, network.width, network.height,
                       true, options.symmetric_padding);
  const auto left = static_cast<float>(fit.offset_left), top = static_cast<float>(fit.offset_top);
  return {left, top, (left + static_cast<float>(fit.scaled_width)) * kInside,
          (top + static_cast<float>(fit.scaled_height)) * kInside};
}

bool HasArea(const abi::NetworkInfo& network) {
  if (network.width != 0 && network.height != 0 && network.width <= kMaxNetworkSide &&
      network.height <= kMaxNetworkSide) {
    return true;
  }
  if (ShouldReport(Cause::kBadNetworkSize)) {
    PrintReport(Cause::kBadNetworkSize, "the network input is " + std::to_string(network.width) +
                                            "x" + std::to_string(network.height) + ": no objects");
  }
  return false;
}

template <typename Object>
void AppendRecords(const unsigned char* records, size_t count, void* objects) {
  const auto* first = reinterpret_cast<const Object*>(records);
  auto* list = static_cast<std::vector<Object>*>(objects);
  list->insert(list->end(), first, first + count);
}

}  // namespace

ObjectList::ObjectList(const abi::NetworkInfo& network, const abi::DetectionParams& params,
                       const Options& options, void* objects)
    : network_(network),
      params_(params),
      thresholds_(params.pre_cluster_threshold.data()),
      num_thresholds_(std::min<size_t>(params.num_classes, params.pre_cluster_threshold.size())),
      objects_(objects),
      record_bytes_(HostHas28ByteObjects() ? sizeof(abi::Object28) : sizeof(abi::Object24)) {
  if (!HasArea(network)) return;
  const Area area = VisibleArea(network, options);
  low_ = Floats4{area.left, area.top, area.left, area.top};
  high_ = Floats4{area.right, area.bottom, area.right, area.bottom};
  ok_ = area.right > area.left && area.bottom > area.top;
}

size_t ObjectList::AddDoubtful(Floats4 corners, float score, int64_t class_id,
                               unsigned char* record) const {
  if (!(score >= 0.F) || (!IsPlainProbability(score) && score != 0.F)) return ReportScore(score);
  if (class_id < 0 || class_id >= static_cast<int64_t>(params_.num_classes))
    return ReportClass(class_id, params_.num_classes);
  if (score < Threshold(static_cast<size_t>(class_id))) return 0;
  const Floats4 inside = Min4(Max4(corners, low_), high_);
  const Floats4 extent = HighHalf(inside) - inside;
  if (!All(corners - corners == 0.F)) return ReportBox(Cause::kBadBox);
  if (!(extent[0] > 0.F && extent[1] > 0.F)) return ReportBox(Cause::kEmptyBox);
  WriteRecord(static_cast<uint32_t>(class_id), LowHalves(inside, extent), score, record);
  return record_bytes_;
}

void ObjectList::Finish() {
  if (used_ == 0) return;
  if (record_bytes_ == sizeof(abi::Object28)) {
    AppendRecords<abi::Object28>(block_, used_, objects_);
  } else {
    AppendRecords<abi::Object24>(block_, used_, objects_);
  }
  used_ = 0;
}

}  // namespace parser
}  // namespace edet
