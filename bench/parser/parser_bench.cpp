// How long one frame's parsing takes, in a host of DeepStream 9.1's layout: 100 boxes of
// EfficientNMS, ours and a peer's on the same tensors in the same process; D0's raw heads (49104
// anchors, 90 classes).
#include <benchmark/benchmark.h>
#include <dlfcn.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <vector>

#include "parser/library/abi.h"

extern "C" __attribute__((visibility("default"))) void nvds_version(unsigned* major,
                                                                    unsigned* minor) {
  *major = 9;
  *minor = 1;
}

namespace {

namespace abi = edet::parser::abi;

abi::LayerInfo Layer(const char* name, int type, std::vector<unsigned> dims, const void* data) {
  abi::LayerInfo layer{};
  layer.data_type = type;
  layer.name = name;
  layer.buffer = const_cast<void*>(data);
  layer.dims.num_elements = 1;
  for (unsigned d : dims) {
    layer.dims.d[layer.dims.num_dims++] = d;
    layer.dims.num_elements *= d;
  }
  return layer;
}

abi::ParseFunction Function(const char* library, const char* name) {
  void* handle = library == nullptr ? nullptr : dlopen(library, RTLD_NOW);
  return handle == nullptr ? nullptr : reinterpret_cast<abi::ParseFunction>(dlsym(handle, name));
}

struct Params : abi::DetectionParams {
  explicit Params(float threshold) {
    num_classes = 90;
    pre_cluster_threshold.assign(90, threshold);
    post_cluster_threshold.assign(90, 0.F);
    deprecated_threshold = &pre_cluster_threshold;
  }
};

// Runs the function as nvinfer does: the list is cleared and used again.
void Run(benchmark::State& state, abi::ParseFunction parse,
         const std::vector<abi::LayerInfo>& layers, const Params& params) {
  if (parse == nullptr) return state.SkipWithError("no such library or function");
  const abi::NetworkInfo network{512, 512, 3};
  std::vector<abi::Object28> objects;
  for (auto _ : state) {
    objects.clear();
    benchmark::DoNotOptimize(parse(layers, network, params, &objects));
  }
  state.counters["objects"] = static_cast<double>(objects.size());
}

struct HundredBoxes {
  std::vector<float> boxes, scores, float_classes;
  std::vector<int32_t> classes;
  int32_t count = 100;

  HundredBoxes() {
    std::mt19937 random(1);
    std::uniform_real_distribution<float> place(0.F, 400.F), extent(5.F, 110.F), score(.4F, 1.F);
    for (int i = 0; i < 100; ++i) {
      const float y = place(random), x = place(random);
      boxes.insert(boxes.end(), {y, x, y + extent(random), x + extent(random)});
      scores.push_back(score(random));
      classes.push_back(static_cast<int32_t>(random() % 90));
      float_classes.push_back(static_cast<float>(classes.back()));
    }
  }

  // In the order that the peer, which does not look at names, expects.
  std::vector<abi::LayerInfo> Layers(bool as_float) const {
    return {Layer("num_detections", abi::kInt32, {1}, &count),
            Layer("detection_boxes", abi::kFloat, {100, 4}, boxes.data()),
            Layer("detection_scores", abi::kFloat, {100}, scores.data()),
            as_float ? Layer("detection_classes", abi::kFloat, {100}, float_classes.data())
                     : Layer("detection_classes", abi::kInt32, {100}, classes.data())};
  }
};

void Ours(benchmark::State& state, const char* name, bool float_classes) {
  const HundredBoxes data;
  Run(state, Function(EDET_PARSER_LIBRARY, name), data.Layers(float_classes), Params(.3F));
}
BENCHMARK_CAPTURE(Ours, nms_int32, "NvDsInferParseEfficientDetNms", false);
BENCHMARK_CAPTURE(Ours, nms_float, "NvDsInferParseEfficientDetNms", true);
BENCHMARK_CAPTURE(Ours, auto_int32, "NvDsInferParseEfficientDet", false);

void Peer(benchmark::State& state) {
  const HundredBoxes data;
  Run(state, Function(std::getenv("EDET_PEER_PARSER"), "NvDsInferParseCustomEfficientDetTAO"),
      data.Layers(true), Params(.3F));
}
BENCHMARK(Peer);

void RawHeads(benchmark::State& state) {
  std::mt19937 random(1);
  std::normal_distribution<float> logit(-5.F, 1.2F);
  std::vector<float> logits(size_t{49104} * 90), deltas(size_t{49104} * 4, 0.F);
  for (float& value : logits) value = logit(random);
  const std::vector<abi::LayerInfo> layers = {
      Layer("class_logits", abi::kFloat, {49104, 90}, logits.data()),
      Layer("box_deltas", abi::kFloat, {49104, 4}, deltas.data())};
  Run(state, Function(EDET_PARSER_LIBRARY, "NvDsInferParseEfficientDetRaw"), layers, Params(.4F));
}
BENCHMARK(RawHeads)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
