#include "efficientdet/check_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace edet::efficientdet {
namespace {

constexpr size_t kMostNamed = 10;

bool IsVariance(const std::string& name) {
  const std::string_view variance = "moving_variance", average = "/ExponentialMovingAverage";
  std::string_view rest = name;
  auto ends = [&rest](std::string_view end) {
    return rest.size() >= end.size() && rest.substr(rest.size() - end.size()) == end;
  };
  if (ends(average)) rest.remove_suffix(average.size());
  return ends(variance);
}

// Without a branch, so that the compiler makes vector code of it: this sees every weight.
bool AllFinite(const std::vector<float>& values) {
  constexpr uint32_t kExponent = 0x7f800000u;
  uint32_t bad = 0;
  for (float value : values) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    bad |= static_cast<uint32_t>((bits & kExponent) == kExponent);
  }
  return bad == 0;
}

}  // namespace

std::string BadWeights::ToString() const {
  std::string what;
  auto add = [&what](size_t count, const char* kind) {
    if (count > 0) what += fmt::format("{}{} {}", what.empty() ? "" : ", ", count, kind);
  };
  add(nan, "NaN");
  add(infinite, "infinite");
  add(negative_variance, "below 0");
  return fmt::format("'{}' ({} of {} values)", name, what, values);
}

std::optional<BadWeights> CheckWeights(const std::string& name, const std::vector<float>& values) {
  BadWeights bad{name, values.size()};
  if (!AllFinite(values)) {
    for (float value : values) {
      bad.nan += std::isnan(value);
      bad.infinite += std::isinf(value);
    }
  }
  if (IsVariance(name)) {
    bad.negative_variance = static_cast<size_t>(
        std::count_if(values.begin(), values.end(), [](float value) { return value < 0.F; }));
  }
  if (bad.nan + bad.infinite + bad.negative_variance == 0) return std::nullopt;
  return bad;
}

Status ReportBadWeights(const std::vector<BadWeights>& found, const std::string& where) {
  if (found.empty()) return {};
  std::string names;
  for (size_t i = 0; i < std::min(found.size(), kMostNamed); ++i)
    names += (i == 0 ? "" : ", ") + found[i].ToString();
  if (found.size() > kMostNamed) names += fmt::format(" and {} more", found.size() - kMostNamed);
  return Error{ErrorCode::kFindings,
               fmt::format("{} variable{} numbers that no network can compute with: {}",
                           found.size(), found.size() == 1 ? " holds" : "s hold", names),
               where,
               "take a checkpoint from before the training went wrong; --allow-nonfinite converts "
               "it all the same"};
}

graph::Tensor CheckedVariables::Read(const std::string& name, const graph::Shape& shape) {
  graph::Tensor tensor = source_.Read(name, shape);
  if (!seen_.insert(name).second) return tensor;
  if (std::optional<BadWeights> bad = CheckWeights(name, tensor.floats))
    found_.push_back(std::move(*bad));
  return tensor;
}

}  // namespace edet::efficientdet
