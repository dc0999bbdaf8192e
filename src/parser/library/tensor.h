// C++14. Output tensors: found by name, read with their own type, never past their number of
// elements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "parser/library/abi.h"

namespace edet {
namespace parser {

using Layers = std::vector<abi::LayerInfo>;

// The float of an IEEE half.
float HalfToFloat(uint16_t bits);

// The tensor whose name is one of `names`. Compared is what follows the last '/' of the tensor's
// name, without a closing ":0" (or another number). Null where there is none; the first of several.
const abi::LayerInfo* FindTensor(const Layers& layers, std::initializer_list<const char*> names);

// The only output tensor with `last_dim` as its last dimension; null where there is none, or
// several.
const abi::LayerInfo* FindByLastDim(const Layers& layers, unsigned last_dim);

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
  // The tensor itself where it holds plain floats, else null.
  const float* floats() const { return floats_; }

 private:
  const float* floats_ = nullptr;
  const uint16_t* halves_ = nullptr;
  size_t size_ = 0;
};

// Whole numbers of a tensor of any type.
class IntegerView {
 public:
  static constexpr int64_t kNotWhole = INT64_MIN;

  // A float as a whole number; kNotWhole where it is none, NaN included.
  static int64_t Whole(float value);

  explicit IntegerView(const abi::LayerInfo& layer);
  bool ok() const { return bytes_ != nullptr; }
  size_t size() const { return size_; }
  // i < size(). kNotWhole for a float that is no whole number.
  int64_t operator[](size_t i) const;

 private:
  const unsigned char* bytes_ = nullptr;
  int type_ = 0;
  size_t size_ = 0;
};

}  // namespace parser
}  // namespace edet
