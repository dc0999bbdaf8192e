#include "deploy/distribution.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

namespace edet::deploy {
namespace {

// The smallest value that at least `percent` of a hundred of all reach.
double NearestRank(const std::vector<double>& sorted, double percent) {
  const double rank = std::ceil(percent / 100 * static_cast<double>(sorted.size()));
  return sorted[static_cast<size_t>(std::max(rank, 1.)) - 1];
}

double Rounded(double value) { return std::round(value * 1e4) / 1e4; }

}  // namespace

Distribution Summarize(std::vector<double> values) {
  values.erase(
      std::remove_if(values.begin(), values.end(), [](double v) { return !std::isfinite(v); }),
      values.end());
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const double sum = std::accumulate(values.begin(), values.end(), 0.);
  return {values.size(),
          values.front(),
          NearestRank(values, 50),
          NearestRank(values, 90),
          NearestRank(values, 99),
          values.back(),
          sum / static_cast<double>(values.size())};
}

nlohmann::ordered_json ToJson(const Distribution& it) {
  return {{"count", it.count},       {"min", Rounded(it.min)}, {"median", Rounded(it.median)},
          {"p90", Rounded(it.p90)},  {"p99", Rounded(it.p99)}, {"max", Rounded(it.max)},
          {"mean", Rounded(it.mean)}};
}

}  // namespace edet::deploy
