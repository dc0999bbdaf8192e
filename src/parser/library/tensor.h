// C++14. Output tensors: found by name, read with their own type, never past their number of
// elements.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "parser/library/abi.h"
#include "parser/library/lanes.h"

namespace edet {
namespace parser {

using Layers = std::vector<abi::LayerInfo>;

// The float of an IEEE half. Without a branch, so that loops of it become vector instructions.
inline float HalfToFloat(uint16_t half) {
  const uint32_t magnitude = half & 0x7FFFU;
  const uint32_t shifted = magnitude << 13;
  float value;
  std::memcpy(&value, &shifted, sizeof value);
  value *= 5192296858534827628530496329220096.F;  // 2^112 makes up for the bias; subnormals too
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits = magnitude >= 0x7C00U ? shifted | 0x7F800000U : bits;  // infinity and NaN
  bits |= (half & 0x8000U) << 16;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// The tensor of a model that has no other; null where there are several, or none.
const abi::LayerInfo* OnlyOutput(const Layers& layers);

// 0 for a tensor without dimensions.
unsigned LastDim(const abi::LayerInfo& layer);

// "name half [100, 4], name2 ..." of all tensors, for messages.
std::string Describe(const Layers& layers);

// Numbers of a FLOAT or HALF tensor.
class FloatView {
 public:
  FloatView() = default;
  // Not ok() for another type, or without a buffer.
  explicit FloatView(const abi::LayerInfo& layer);
  bool ok() const { return floats_ != nullptr || halves_ != nullptr; }
  size_t size() const { return size_; }
  // i < size().
  float operator[](size_t i) const {
    return floats_ != nullptr ? floats_[i] : HalfToFloat(halves_[i]);
  }
  // Values 4 i .. 4 i + 3; 4 i + 3 < size().
  Floats4 Four(size_t i) const {
    if (floats_ != nullptr) return Load4(floats_ + 4 * i);
    const uint16_t* from = halves_ + 4 * i;
    return Floats4{HalfToFloat(from[0]), HalfToFloat(from[1]), HalfToFloat(from[2]),
                   HalfToFloat(from[3])};
  }
  // The tensor itself where it holds plain floats, or halves, else null.
  const float* floats() const { return floats_; }
  const uint16_t* halves() const { return halves_; }

 private:
  const float* floats_ = nullptr;
  const uint16_t* halves_ = nullptr;
  size_t size_ = 0;
};

// Whole numbers of a tensor of any type.
class IntegerView {
 public:
  // Far enough from the ends that a class base may be taken off it.
  static constexpr int64_t kNotWhole = INT64_MIN / 2;

  // A float as a whole number; kNotWhole where it is none, NaN included.
  static int64_t Whole(float value) {
    // 2^24: beyond it a float no longer holds every whole number.
    if (!(std::fabs(value) <= 16777216.F)) return kNotWhole;
    const auto whole = static_cast<int32_t>(value);
    return static_cast<float>(whole) == value ? whole : kNotWhole;
  }

  // `half_is_int16`: a tensor of type HALF holds 16-bit whole numbers.
  IntegerView(const abi::LayerInfo& layer, bool half_is_int16);
  bool ok() const { return bytes_ != nullptr; }
  size_t size() const { return size_; }
  // i < size(). kNotWhole for a float that is no whole number.
  int64_t operator[](size_t i) const;
  // The tensor itself where it holds these, else null.
  const int32_t* int32s() const {
    return type_ == abi::kInt32 ? reinterpret_cast<const int32_t*>(bytes_) : nullptr;
  }
  const float* floats() const {
    return type_ == abi::kFloat ? reinterpret_cast<const float*>(bytes_) : nullptr;
  }

 private:
  static constexpr int kInt16 = -1;  // beside the types of the host
  const unsigned char* bytes_ = nullptr;
  int type_ = 0;
  size_t size_ = 0;
};

}  // namespace parser
}  // namespace edet
