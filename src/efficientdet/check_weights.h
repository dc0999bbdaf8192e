#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "efficientdet/variables.h"

namespace edet::efficientdet {

// A variable with numbers that no network can compute with.
struct BadWeights {
  std::string name;
  size_t values = 0;             // how many it has
  size_t nan = 0;                // not a number
  size_t infinite = 0;           // of either sign
  size_t negative_variance = 0;  // below 0 in a BatchNorm's moving_variance: a square root is due

  // "'a/kernel' (2 NaN of 864 values)".
  std::string ToString() const;
};

// Looks through the values of one variable; nothing if they are good. `name` may be that of an EMA
// shadow.
std::optional<BadWeights> CheckWeights(const std::string& name, const std::vector<float>& values);

// Ok if `found` is empty; else one Findings error that names them (the first ten of many). `where`:
// the checkpoint.
Status ReportBadWeights(const std::vector<BadWeights>& found, const std::string& where);

// Hands through what another source reads, and looks at all of it. The other source must outlive
// it. One thread.
class CheckedVariables : public VariableSource {
 public:
  explicit CheckedVariables(VariableSource& source) : source_(source) {}
  graph::Tensor Read(const std::string& name, const graph::Shape& shape) override;
  // In the order of reading, each variable once.
  const std::vector<BadWeights>& found() const { return found_; }

 private:
  VariableSource& source_;
  std::set<std::string> seen_;  // heads read their kernels once a level
  std::vector<BadWeights> found_;
};

}  // namespace edet::efficientdet
