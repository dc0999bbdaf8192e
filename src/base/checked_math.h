#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace edet {

// Sums and products that say when they do not fit, for sizes that come out of files.
inline std::optional<uint64_t> CheckedAdd(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

inline std::optional<uint64_t> CheckedMultiply(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

// Number of elements of a shape; nothing if a dimension is negative or the product overflows in any
// order.
std::optional<uint64_t> ElementCount(const std::vector<int64_t>& shape);

// True if [offset, offset + length) lies inside a file of `size` bytes; cannot overflow.
inline bool RangeFits(uint64_t offset, uint64_t length, uint64_t size) {
  return length <= size && offset <= size - length;
}

}  // namespace edet
