#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "efficientdet/hparams.h"
#include "efficientdet/variables.h"

namespace edet::efficientdet {

// Values for every variable of a model that nobody has trained: the same numbers on every machine
// for the same seed. Kernels are uniform with the variance that keeps activations level, batch
// normalisations are neutral, and the class scores spread enough that a few pass a threshold: for
// trying out formats and pipelines, not for detecting.
class UntrainedVariables : public VariableSource {
 public:
  explicit UntrainedVariables(uint64_t seed) : seed_(seed) {}
  graph::Tensor Read(const std::string& name, const graph::Shape& shape) override;

 private:
  uint64_t seed_;
};

}  // namespace edet::efficientdet
