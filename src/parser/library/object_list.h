// C++14.
#pragma once

#include <algorithm>
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

  // Takes detections 0 .. count - 1: `corners(i)` x1,y1,x2,y2 network pixels, `score(i)`,
  // `class_id(i)` 0-based; clipped to the network input. Drops one that is below its class's
  // threshold; reports and drops one where a number is not finite, the score is no probability, the
  // class is not one of num-detected-classes or nothing of the box lies in the network input.
  // Thresholds that the host did not give count as 0.
  template <typename Corners, typename Score, typename Class>
  void AddAll(size_t count, const Corners& corners, const Score& score, const Class& class_id) {
    // All in local variables: a record's bytes might be any member's, for all the compiler knows.
    const Floats4 low = low_, high = high_;
    const float* const thresholds = thresholds_;
    const size_t num_thresholds = num_thresholds_, record_bytes = record_bytes_;
    for (size_t i = 0; i < count;) {
      if (used_ == kBlock) Finish();
      const size_t end = std::min(count, i + kBlock - used_);
      unsigned char* record = block_ + used_ * record_bytes;
      for (; i < end; ++i) {
        const Floats4 box = corners(i);
        const float confidence = score(i);
        const int64_t id = class_id(i);
        if (static_cast<uint64_t>(id) < num_thresholds && confidence >= thresholds[id]) {
          const Floats4 inside = Min4(Max4(box, low), high);
          const Floats4 extent = HighHalf(inside) - inside;
          // NaN and infinite numbers minus themselves are NaN, which is not above 0.
          if (IsPlainProbability(confidence) &&
              All(LowHalves(extent, extent) + (box - box) > 0.F)) {
            WriteRecord(static_cast<uint32_t>(id), LowHalves(inside, extent), confidence, record);
            record += record_bytes;
            continue;
          }
        }
        record += AddDoubtful(box, confidence, id, record);
      }
      used_ = static_cast<size_t>(record - block_) / record_bytes;
    }
  }
  // The same for one.
  void Add(Floats4 corners, float score, int64_t class_id) {
    AddAll(
        1, [corners](size_t) { return corners; }, [score](size_t) { return score; },
        [class_id](size_t) { return class_id; });
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

  // From 0 to a little above 1, because a half may round a score; compared as whole numbers, in
  // whose order every negative number and NaN come later.
  static bool IsPlainProbability(float score) {
    uint32_t bits;
    std::memcpy(&bits, &score, sizeof bits);
    return bits <= kLargestScoreBits;
  }
  static constexpr uint32_t kLargestScoreBits = 0x3F8020C5;  // 1.001

  // For a detection that is not plainly an object: counts why it is none, or writes it. Returns the
  // bytes written.
  size_t AddDoubtful(Floats4 corners, float score, int64_t class_id, unsigned char* record) const;

  // Always the 28 bytes of the larger record; of the smaller, the next one covers the rest.
  static void WriteRecord(uint32_t class_id, Floats4 place, float score, unsigned char* record) {
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
