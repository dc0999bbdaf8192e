#include "base/checked_math.h"

namespace edet {

std::optional<uint64_t> ElementCount(const std::vector<int64_t>& shape) {
  uint64_t product =
      1;  // of the dimensions that are not zero, so that [0, 2^32, 2^32] is refused in every order
  bool empty = false;
  for (int64_t dimension : shape) {
    if (dimension < 0) return std::nullopt;
    if (dimension == 0) {
      empty = true;
      continue;
    }
    std::optional<uint64_t> next = CheckedMultiply(product, static_cast<uint64_t>(dimension));
    if (!next) return std::nullopt;
    product = *next;
  }
  return empty ? 0 : product;
}

}  // namespace edet
