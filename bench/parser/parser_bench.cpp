// How long one frame's parsing takes, in a host of DeepStream 9.1's layout: 100 boxes of
// EfficientNMS, ours and the public parsers' on the same tensors in the same process; D0's raw
// heads (49104 anchors, 90 classes), ours and a plain loop as programs around OpenCV's DNN module
// have it.
#include <benchmark/benchmark.h>
#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "detect/anchors.h"
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

// A public parser: the environment's `key` names its library, compiled for 28-byte objects.
void Peer(benchmark::State& state, const char* key, bool float_classes) {
  const HundredBoxes data;
  Run(state, Function(std::getenv(key), "NvDsInferParseCustomEfficientDetTAO"),
      data.Layers(float_classes), Params(.3F));
}
BENCHMARK_CAPTURE(Peer, deepstream, "EDET_PEER_PARSER", true);
BENCHMARK_CAPTURE(Peer, tao, "EDET_PEER_TAO", false);

// The same boxes as the one tensor of rows x1, y1, x2, y2, score, class that it reads.
void PeerYolo(benchmark::State& state) {
  const HundredBoxes data;
  std::vector<float> rows;
  for (size_t i = 0; i < 100; ++i) {
    const float* box = &data.boxes[4 * i];
    rows.insert(rows.end(),
                {box[1], box[0], box[3], box[2], data.scores[i], data.float_classes[i]});
  }
  Run(state, Function(std::getenv("EDET_PEER_YOLO"), "NvDsInferParseYolo"),
      {Layer("output", abi::kFloat, {100, 6}, rows.data())}, Params(.3F));
}
BENCHMARK(PeerYolo);

// The floor: 100 finished records copied into the host's list.
void CopyOnly(benchmark::State& state) {
  const std::vector<abi::Object28> finished(100);
  std::vector<abi::Object28> objects;
  for (auto _ : state) {
    objects.clear();
    objects.insert(objects.end(), finished.begin(), finished.end());
    benchmark::DoNotOptimize(objects.data());
  }
}
BENCHMARK(CopyOnly);

struct Heads {
  static constexpr size_t kAnchors = 49104, kClasses = 90;
  std::vector<float> logits, deltas;
  Heads() : logits(kAnchors * kClasses), deltas(kAnchors * 4) {
    std::mt19937 random(1);
    std::normal_distribution<float> logit(-5.F, 1.2F), delta(0.F, .2F);
    for (float& value : logits) value = logit(random);
    for (float& value : deltas) value = delta(random);
  }
};

uint16_t ToHalf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  const uint32_t sign = bits >> 16 & 0x8000U;
  if (std::fabs(value) < 6.2e-5F) return static_cast<uint16_t>(sign);
  return static_cast<uint16_t>(sign | (((bits & 0x7FFFFFFFU) + 0x1000U - 0x38000000U) >> 13));
}

void RawHeads(benchmark::State& state, const char* layout) {
  const Heads heads;
  std::vector<uint16_t> half_logits, half_deltas;
  std::vector<abi::LayerInfo> layers;
  if (std::strcmp(layout, "half") == 0) {
    for (float value : heads.logits) half_logits.push_back(ToHalf(value));
    for (float value : heads.deltas) half_deltas.push_back(ToHalf(value));
    layers = {Layer("class_logits", abi::kHalf, {49104, 90}, half_logits.data()),
              Layer("box_deltas", abi::kHalf, {49104, 4}, half_deltas.data())};
  } else if (std::strcmp(layout, "nchw_levels") == 0) {
    size_t first = 0;
    for (unsigned side = 64; side >= 4; side /= 2) {
      layers.push_back(
          Layer("class_net", abi::kFloat, {810, side, side}, &heads.logits[first * 90]));
      layers.push_back(Layer("box_net", abi::kFloat, {36, side, side}, &heads.deltas[first * 4]));
      first += size_t{9} * side * side;
    }
  } else {
    layers = {Layer("class_logits", abi::kFloat, {49104, 90}, heads.logits.data()),
              Layer("box_deltas", abi::kFloat, {49104, 4}, heads.deltas.data())};
  }
  Run(state, Function(EDET_PARSER_LIBRARY, "NvDsInferParseEfficientDetRaw"), layers, Params(.4F));
}
BENCHMARK_CAPTURE(RawHeads, float, "float")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(RawHeads, half, "half")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(RawHeads, nchw_levels, "nchw_levels")->Unit(benchmark::kMicrosecond);

struct PlainBox {
  float score, top, left, bottom, right;
};

// Sigmoid, best class and box of every anchor, then a greedy NMS: no thought for speed.
std::vector<PlainBox> PlainDecode(const Heads& heads, const std::vector<float>& anchors) {
  std::vector<PlainBox> boxes;
  for (size_t a = 0; a < Heads::kAnchors; ++a) {
    float best = 0.F;
    for (size_t c = 0; c < Heads::kClasses; ++c) {
      const float score = 1.F / (1.F + std::exp(-heads.logits[a * Heads::kClasses + c]));
      if (score > best) best = score;
    }
    if (best < .4F) continue;
    const float* d = &heads.deltas[4 * a];
    const float* n = &anchors[4 * a];
    const float h = n[2] - n[0], w = n[3] - n[1];
    const float y = d[0] * h + (n[0] + n[2]) / 2, x = d[1] * w + (n[1] + n[3]) / 2;
    const float half_h = std::exp(d[2]) * h / 2, half_w = std::exp(d[3]) * w / 2;
    boxes.push_back({best, y - half_h, x - half_w, y + half_h, x + half_w});
  }
  return boxes;
}

float Overlap(const PlainBox& a, const PlainBox& b) {
  const float h = std::max(std::min(a.bottom, b.bottom) - std::max(a.top, b.top), 0.F);
  const float w = std::max(std::min(a.right, b.right) - std::max(a.left, b.left), 0.F);
  const float both =
      (a.bottom - a.top) * (a.right - a.left) + (b.bottom - b.top) * (b.right - b.left);
  return h * w / (both - h * w);
}

void PlainLoop(benchmark::State& state) {
  const Heads heads;
  const std::vector<float> anchors = edet::detect::MakeAnchors({});
  size_t count = 0;
  for (auto _ : state) {
    std::vector<PlainBox> boxes = PlainDecode(heads, anchors), kept;
    std::sort(boxes.begin(), boxes.end(),
              [](const PlainBox& a, const PlainBox& b) { return a.score > b.score; });
    for (const PlainBox& box : boxes) {
      if (kept.size() == 100) break;
      const auto overlaps = [&box](const PlainBox& k) { return Overlap(box, k) > .5F; };
      if (std::none_of(kept.begin(), kept.end(), overlaps)) kept.push_back(box);
    }
    count = kept.size();
  }
  state.counters["objects"] = static_cast<double>(count);
}
BENCHMARK(PlainLoop)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
