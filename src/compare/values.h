// Tensors as numbers, and how far apart two of them are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace edet::compare {

// Row-major values of any element type, as floats.
struct TensorValues {
  std::vector<int64_t> shape;
  std::vector<float> values;
};
using Outputs = std::map<std::string, TensorValues>;  // by name

// `a` against `b`. A value that is NaN (or the same infinity) in both is equal; in one only, the
// difference is infinite.
struct Difference {
  bool same_size = true;  // else nothing below but the sizes is told, and max_abs is infinite
  size_t count = 0;       // values
  size_t nan_a = 0, nan_b = 0;
  double largest = 0.;   // magnitude in `a`, finite ones
  double max_abs = 0.;   // the largest difference
  double relative = 0.;  // max_abs / largest; 0 where both are 0, infinite where only largest is
  double mean_abs = 0.;  // over the places where both are finite
  double cosine = 1.;    // of the angle between both as vectors
  size_t worst = 0;      // index of the largest difference
};
Difference Measure(const TensorValues& a, const TensorValues& b);

// "[1, 64, 64, 90]"
std::string ShapeText(const std::vector<int64_t>& shape);

}  // namespace edet::compare
