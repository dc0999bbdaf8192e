// The post-processing at the size of D0: 49104 anchors, 90 classes, scores as a real frame has them
// (few are high).
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "detect/anchors.h"
#include "detect/geometry.h"
#include "detect/nms.h"
#include "detect/nvinfer_postprocess.h"

namespace edet::detect {
namespace {

// The same numbers in every run: a linear congruential generator (Knuth's MMIX constants).
class Sequence {
 public:
  float Next() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<float>(state_ >> 40) / static_cast<float>(1 << 24);
  }

 private:
  uint64_t state_ = 1;
};

struct Frame {
  std::vector<BoxNet> boxes;
  std::vector<float> scores;
  std::vector<int> classes;
};

// Every anchor's own box; one in `rarity` has a score over 0.4.
Frame MakeFrame(float rarity) {
  Sequence random;
  std::vector<float> anchors = MakeAnchors({});
  Frame frame;
  for (size_t i = 0; i + 3 < anchors.size(); i += 4) {
    frame.boxes.push_back({anchors[i + 1], anchors[i], anchors[i + 3], anchors[i + 2]});
    bool high = random.Next() * rarity < 1.F;
    frame.scores.push_back(high ? 0.4F + 0.6F * random.Next() : 0.3F * random.Next());
    frame.classes.push_back(static_cast<int>(random.Next() * 90));
  }
  return frame;
}

void Anchors(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(MakeAnchors({}));
}

void GlobalHardNms(benchmark::State& state) {
  Frame frame = MakeFrame(static_cast<float>(state.range(0)));
  NmsOptions options;
  options.score_threshold = 0.4F;
  BestClassCandidates candidates{frame.boxes.data(), frame.scores.data(), frame.classes.data(),
                                 frame.boxes.size()};
  for (auto _ : state) benchmark::DoNotOptimize(GlobalNms(candidates, options));
}

void Cluster(benchmark::State& state) {
  Frame frame = MakeFrame(1);
  std::vector<NetworkObject> objects;
  for (size_t i = 0; i < 100; ++i) {
    const BoxNet& box = frame.boxes[i * 491];
    objects.push_back({static_cast<unsigned>(frame.classes[i]), box.left, box.top,
                       box.right - box.left, box.bottom - box.top, frame.scores[i]});
  }
  PostprocessOptions options;
  options.cluster_mode = state.range(0) == 2 ? ClusterMode::kNms : ClusterMode::kNone;
  options.classes.resize(90);
  for (auto _ : state) benchmark::DoNotOptimize(ClusterObjects(objects, options));
}

BENCHMARK(Anchors)->Unit(benchmark::kMicrosecond);
BENCHMARK(GlobalHardNms)
    ->ArgName("one_in")
    ->Arg(10)
    ->Arg(100)
    ->Arg(1000)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(Cluster)->ArgName("cluster_mode")->Arg(2)->Arg(4)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace edet::detect
