// C++14.
#pragma once

#include <cstdint>
#include <cstring>

#include "detect/geometry.h"
#include "parser/library/abi.h"
#include "parser/library/lanes.h"
#include "parser/library/options.h"

namespace edet {
namespace parser {

// Appends checked objects to the host's list, whose records have 24 or 28 bytes.
class ObjectList {
 public:
  // `objects`: the host's std::vector; `params` must outlive this.
  ObjectList(const abi::NetworkInfo& network, const abi::DetectionParams& params,
             const Options& options, void* objects);

  // False, reported, where the network input has no area: no box can be in it then.
  bool ok() const { return ok_; }

  // Takes one detection (x1,y1,x2,y2 network pixels, 0-based class) clipped to the network input.
  // Drops it where it is below its class's threshold; reports and drops it where a number is not
  // finite, the score is no probability, the class is not one of num-detected-classes or nothing
  // of the box lies in the network input. Thresholds that the host did not give count as 0.
  void Add(Floats4 corners, float score, int64_t class_id) {
    const Floats4 inside = Min4(Max4(corners, low_), high_);
    const Floats4 extent = HighHalf(inside) - inside;
    // NaN and infinite numbers minus themselves are NaN.
    const Mask4 good = (corners - corners == 0.F) & (LowHalves(extent, extent) > 0.F);
    const bool known = static_cast<uint64_t>(class_id) < num_thresholds_;
    if (!known || !(score >= thresholds_[class_id]) || !IsProbability(score) || !All(good)) {
      if (!IsStillAnObject(corners, score, class_id)) return;
    }
    Append(static_cast<uint32_t>(class_id), LowHalves(inside, extent), score);
  }
  void Add(const detect::BoxNet& box, float score, int64_t class_id) {
    Add(Floats4{box.left, box.top, box.right, box.bottom}, score, class_id);
  }

  // Hands what was taken to the host's list. Must be called at the end.
  void Finish();

  const abi::NetworkInfo& network() const { return network_; }
  unsigned num_classes() const { return params_.num_classes; }
  float Threshold(size_t class_id) const {
    return class_id < num_thresholds_ ? thresholds_[class_id] : 0.F;
  }

 private:
  static constexpr size_t kBlock = 128;  // objects, before they go to the host's list

  static bool IsProbability(float score) {
    // A half may round a score just above 1.
    return score >= 0.F && score <= 1.001F;
  }

  // For a detection that is not plainly an object: false, after counting why, where it is none.
  bool IsStillAnObject(Floats4 corners, float score, int64_t class_id) const;

  void Append(uint32_t class_id, Floats4 place, float score) {
    if (used_ == kBlock) Finish();
    // Always the 28 bytes of the larger record; of the smaller, the next one covers the rest.
    unsigned char* record = block_ + used_++ * record_bytes_;
    const float score_and_angle[2] = {score, 0.F};
    std::memcpy(record, &class_id, 4);
    std::memcpy(record + 4, &place, 16);
    std::memcpy(record + 20, score_and_angle, 8);
  }

  const abi::NetworkInfo& network_;
  const abi::DetectionParams& params_;
  const float* thresholds_;
  size_t num_thresholds_;  // of classes that exist and that the host gave
  void* objects_;
  size_t record_bytes_;
  size_t used_ = 0;
  bool ok_ = false;
  Floats4 low_ = {}, high_ = {};  // what boxes are clipped to: x, y, x, y
  alignas(16) unsigned char block_[kBlock * sizeof(abi::Object28)];
};

}  // namespace parser
}  // namespace edet
