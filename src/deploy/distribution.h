#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

namespace edet::deploy {

// What a series of measured values comes to, in their unit. Percentiles are values of the series
// (nearest rank). All 0 where `count` is.
struct Distribution {
  size_t count = 0;
  double min = 0, median = 0, p90 = 0, p99 = 0, max = 0, mean = 0;
};

// Values that are not finite are left out.
Distribution Summarize(std::vector<double> values);

nlohmann::ordered_json ToJson(const Distribution& distribution);

}  // namespace edet::deploy
