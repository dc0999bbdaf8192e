// Where two networks part.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "compare/pairs.h"
#include "compare/values.h"

namespace edet::compare {

struct LookedAt {
  TensorPair pair;
  Difference difference;
};

struct Parting {
  // The first pair that differs by more than the tolerance while all that it is made of, as far as
  // it could be matched, agrees.
  std::optional<LookedAt> first;
  std::vector<LookedAt> before;  // the nearest matched tensors above it
  size_t looked_at = 0;          // pairs
  std::string note;              // where there is no `first`, why
};

// Measures some pairs: the differences in the order of the pairs, nothing where a pair cannot be
// compared. Runs both networks.
using MeasurePairs =
    std::function<Result<std::vector<std::optional<Difference>>>(const std::vector<TensorPair>&)>;

// Bisects: looks at some pairs on the way to what parted (`outputs`: names in `a`; of those that
// are not in its graph, any), then only above the first that differs. A pair differs where
// max_abs > tolerance * largest.
Result<Parting> FindParting(const Network& a, const std::vector<TensorPair>& pairs,
                            const std::vector<std::string>& outputs, double tolerance,
                            const MeasurePairs& measure);

}  // namespace edet::compare
