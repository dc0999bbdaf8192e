#include "efficientdet/untrained.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace edet::efficientdet {
namespace {

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// SplitMix64 (Steele, Lea and Flood, 2014): integer arithmetic only, so equal everywhere.
class Random {
 public:
  explicit Random(uint64_t state) : state_(state) {}
  // Uniform in (-1, 1), exact in float32.
  float Signed() {
    constexpr float kStep = 1.F / (1 << 23);
    return (static_cast<float>(Next() >> 40) + 0.5F) * kStep - 1.F;
  }

 private:
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  uint64_t state_;
};

// FNV-1a: each variable has numbers of its own, whatever is read before it.
uint64_t Hash(std::string_view text, uint64_t seed) {
  uint64_t hash = 0xcbf29ce484222325U ^ seed;
  for (unsigned char c : text) hash = (hash ^ c) * 0x100000001b3U;
  return hash;
}

// Half the width of the uniform distribution of a kernel [h, w, in, out] with variance 2 / fan_in.
float KernelRange(std::string_view name, const graph::Shape& shape) {
  bool depthwise = EndsWith(name, "depthwise_kernel");
  float fan_in = static_cast<float>(shape[0] * shape[1] * (depthwise ? 1 : shape[2]));
  return std::sqrt(6.F / fan_in);
}

}  // namespace

graph::Tensor UntrainedVariables::Read(const std::string& name, const graph::Shape& shape) {
  size_t count = 1;
  for (int64_t dimension : shape) count *= static_cast<size_t>(dimension);
  graph::Tensor tensor{graph::ElementType::kFloat32, shape, std::vector<float>(count, 0.F), {}};
  if (EndsWith(name, "/gamma") || EndsWith(name, "/moving_variance") ||
      name.find("/WSM") != std::string::npos) {
    std::fill(tensor.floats.begin(), tensor.floats.end(), 1.F);
  } else if (name == "class_net/class-predict/bias") {
    std::fill(tensor.floats.begin(), tensor.floats.end(),
              -4.6F);  // about -log(99), the prior of RetinaNet
  } else if (EndsWith(name, "kernel")) {
    float range = KernelRange(name, shape);
    // An untrained feature network damps: the last convolutions make up for it, so that a picture
    // gets some scores over a usual threshold, and boxes that differ from their anchors.
    if (name == "class_net/class-predict/pointwise_kernel") range *= 10.F;
    if (name == "box_net/box-predict/pointwise_kernel") range *= 10.F;
    Random random(Hash(name, seed_));
    for (float& value : tensor.floats) value = random.Signed() * range;
  }
  return tensor;
}

}  // namespace edet::efficientdet
