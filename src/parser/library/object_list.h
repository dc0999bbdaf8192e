// C++14.
#pragma once

#include <cstdint>

#include "detect/geometry.h"
#include "parser/library/abi.h"
#include "parser/library/options.h"

namespace edet {
namespace parser {

// Appends checked objects to the host's list, whose records have 24 or 28 bytes.
class ObjectList {
 public:
  // `objects`: the host's std::vector; `params` and `network` must outlive this.
  ObjectList(const abi::NetworkInfo& network, const abi::DetectionParams& params,
             const Options& options, void* objects);

  // False, reported, where the network input has no area: no box can be in it then.
  bool ok() const { return right_ > left_ && bottom_ > top_; }
  void Reserve(size_t more);

  // Appends one detection (network pixels, 0-based class) clipped to the network input. Drops it
  // where it is below its class's threshold or empty after clipping; reports and drops it where a
  // number is not finite, the score is no probability or the class is not one of
  // num-detected-classes. Thresholds that the host did not give count as 0.
  void Add(const detect::BoxNet& box, float score, int64_t class_id);

  unsigned num_classes() const { return params_.num_classes; }
  float Threshold(size_t class_id) const {
    return class_id < params_.pre_cluster_threshold.size() ? params_.pre_cluster_threshold[class_id]
                                                           : 0.F;
  }

 private:
  void Append(const abi::Object28& object);

  const abi::DetectionParams& params_;
  std::vector<abi::Object24>* objects24_ = nullptr;
  std::vector<abi::Object28>* objects28_ = nullptr;
  float left_ = 0.F, top_ = 0.F, right_ = 0.F, bottom_ = 0.F;  // what boxes are clipped to
};

}  // namespace parser
}  // namespace edet
