#include "compare/values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace edet::compare {
namespace {

// Sums over all places, in double precision.
struct Sums {
  double difference = 0., a_b = 0., a_a = 0., b_b = 0.;
  size_t finite = 0;
};

double DifferenceAt(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0.;
  double difference = std::fabs(a - b);
  return std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
}

void Add(double a, double b, double difference, Sums& sums) {
  if (!std::isfinite(a) || !std::isfinite(b)) return;
  sums.difference += difference;
  sums.a_b += a * b;
  sums.a_a += a * a;
  sums.b_b += b * b;
  ++sums.finite;
}

double Cosine(const Sums& sums) {
  if (sums.a_a == 0. && sums.b_b == 0.) return 1.;
  if (sums.a_a == 0. || sums.b_b == 0.) return 0.;
  return std::clamp(sums.a_b / std::sqrt(sums.a_a) / std::sqrt(sums.b_b), -1., 1.);
}

double Relative(double difference, double largest) {
  if (difference == 0.) return 0.;
  return largest > 0. ? difference / largest : std::numeric_limits<double>::infinity();
}

}  // namespace

Difference Measure(const TensorValues& a, const TensorValues& b) {
  Difference result;
  result.count = a.values.size();
  result.same_size = a.values.size() == b.values.size();
  if (!result.same_size) {
    result.max_abs = result.relative = std::numeric_limits<double>::infinity();
    return result;
  }
  Sums sums;
  for (size_t i = 0; i < a.values.size(); ++i) {
    double x = a.values[i], y = b.values[i], difference = DifferenceAt(x, y);
    result.nan_a += std::isnan(x) ? 1 : 0;
    result.nan_b += std::isnan(y) ? 1 : 0;
    if (std::isfinite(x)) result.largest = std::max(result.largest, std::fabs(x));
    if (difference > result.max_abs) {
      result.max_abs = difference;
      result.worst = i;
    }
    Add(x, y, difference, sums);
  }
  result.relative = Relative(result.max_abs, result.largest);
  if (sums.finite > 0) result.mean_abs = sums.difference / static_cast<double>(sums.finite);
  result.cosine = Cosine(sums);
  return result;
}

std::string ShapeText(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

}  // namespace edet::compare
