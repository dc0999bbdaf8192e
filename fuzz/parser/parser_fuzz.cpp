// Random layers, names, types, dimensions, values, thresholds and network sizes for every parse
// function. Promised for all of them: true is returned, nothing outside a tensor's num_elements is
// read (each buffer is exactly that large, so that AddressSanitizer sees it), no object leaves the
// network, has an unknown class, no area or a number that is not finite.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "parser/library/abi.h"
#include "parser/library/host_layout.h"

namespace abi = edet::parser::abi;
using Objects = std::vector<abi::Object24>;

extern "C" {
using FuzzedFunction = bool(const std::vector<abi::LayerInfo>&, const abi::NetworkInfo&,
                            const abi::DetectionParams&, void*);
FuzzedFunction NvDsInferParseEfficientDet, NvDsInferParseEfficientDetNms,
    NvDsInferParseEfficientDetTensorFlow, NvDsInferParseEfficientDetTao,
    NvDsInferParseEfficientDetRows, NvDsInferParseEfficientDetDecoded,
    NvDsInferParseEfficientDetRaw;
}

namespace {

const char* const kNames[] = {"num_detections",
                              "detection_boxes",
                              "detection_scores",
                              "detection_classes",
                              "detections",
                              "boxes",
                              "scores",
                              "class_logits",
                              "box_deltas",
                              "num_dets:0",
                              "a/det_boxes:12",
                              "det_scores",
                              "det_classes:0",
                              "detection_boxes_xyxy",
                              "x",
                              "",
                              "boxes_xywh_normalized",
                              "detections_xyxy",
                              "box_deltas__a3",
                              "box_deltas__s1_r1-2x0.5_l2",
                              "box_deltas__s0_",
                              "class_net/class-predict/BiasAdd:0",
                              "box_net/box-predict_1/BiasAdd",
                              "raw_detection_boxes"};
constexpr unsigned kNumNames = sizeof(kNames) / sizeof(kNames[0]);

class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  unsigned Byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  void Bytes(void* to, size_t count) {
    const size_t have = count < size_ ? count : size_;
    std::memcpy(to, data_, have);
    std::memset(static_cast<char*>(to) + have, 0, count - have);
    data_ += have;
    size_ -= have;
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

size_t BytesOfType(int type) {
  static const size_t bytes[] = {4, 2, 1, 4, 8, 1};
  return type >= 0 && type < 6 ? bytes[type] : 1;
}

// A float that is often one of those that matter.
float InterestingFloat(Input* input) {
  switch (const unsigned kind = input->Byte()) {
    case 0:
      return NAN;
    case 1:
      return INFINITY;
    case 2:
      return -INFINITY;
    case 3:
      return 3e38F;
    case 4:
      return -0.F;
    case 5: {
      float any;
      input->Bytes(&any, sizeof any);
      return any;
    }
    default:
      return kind < 130 ? static_cast<float>(kind) / 128.F : static_cast<float>(kind) * 3.F - 450.F;
  }
}

// A head of one level of a network of 16 x 16 pixels, with 2 classes or 4 box numbers.
abi::Dims LevelDims(Input* input) {
  static const unsigned kSides[] = {2, 1, 4, 16};
  const unsigned side = kSides[input->Byte() % 4], channels = input->Byte() % 2 == 0 ? 36 : 18;
  abi::Dims dims{};
  dims.num_dims = 3;
  dims.num_elements = side * side * channels;
  const bool channels_first = input->Byte() % 2 == 0;
  dims.d[0] = channels_first ? channels : side;
  dims.d[1] = side;
  dims.d[2] = channels_first ? side : channels;
  return dims;
}

abi::Dims MakeDims(Input* input) {
  abi::Dims dims{};
  dims.num_dims = input->Byte() % 10;  // 9 is more than there is room for
  unsigned count = 1;
  for (unsigned i = 0; i < dims.num_dims && i < abi::kMaxDims; ++i) {
    static const unsigned kSizes[] = {1, 4, 7, 3, 2, 16, 9, 12};
    dims.d[i] = kSizes[input->Byte() % 8];
    count *= dims.d[i];
    if (count > 4096) count = 4096;
  }
  dims.num_elements = input->Byte() % 4 == 0 ? input->Byte() : count;
  // The anchors of a network of 16 x 16 pixels are (4 + 1 + 1 + 1 + 1) x 9.
  if (input->Byte() % 8 == 0) {
    dims.num_dims = 2;
    dims.d[0] = 72;
    dims.d[1] = input->Byte() % 2 == 0 ? 4 : 3;
    dims.num_elements = dims.d[0] * dims.d[1];
  }
  if (input->Byte() % 8 == 0) dims = LevelDims(input);
  return dims;
}

struct Call {
  std::vector<abi::LayerInfo> layers;
  std::vector<std::unique_ptr<char[]>> buffers;
  abi::NetworkInfo network{};
  abi::DetectionParams params{};
};

void AddLayer(Input* input, Call* call) {
  abi::LayerInfo layer{};
  layer.data_type = input->Byte() % 5 == 0 ? static_cast<int>(input->Byte() % 9) - 1
                                           : static_cast<int>(input->Byte() % 2) * 3;
  layer.dims = MakeDims(input);
  const unsigned name = input->Byte();
  layer.name = name == 255 ? nullptr : kNames[name % kNumNames];
  const size_t bytes = layer.dims.num_elements * BytesOfType(layer.data_type);
  call->buffers.emplace_back(new char[bytes]);
  layer.buffer = input->Byte() == 255 ? nullptr : call->buffers.back().get();
  if (layer.data_type == abi::kFloat) {
    for (unsigned i = 0; i < layer.dims.num_elements; ++i) {
      const float value = InterestingFloat(input);
      std::memcpy(call->buffers.back().get() + 4 * i, &value, 4);
    }
  } else {
    input->Bytes(call->buffers.back().get(), bytes);
  }
  call->layers.push_back(layer);
}

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

void Check(const Objects& objects, const Call& call) {
  for (const abi::Object24& o : objects) {
    Require(o.class_id < call.params.num_classes, "class < num-detected-classes");
    Require(std::isfinite(o.left) && std::isfinite(o.top) && std::isfinite(o.confidence), "finite");
    Require(o.width > 0 && o.height > 0, "an area");
    Require(o.left >= 0 && o.top >= 0, "left and top inside");
    Require(o.left + o.width <= static_cast<float>(call.network.width), "right inside");
    Require(o.top + o.height <= static_cast<float>(call.network.height), "bottom inside");
    const auto& thresholds = call.params.pre_cluster_threshold;
    Require(o.class_id >= thresholds.size() || !(o.confidence < thresholds[o.class_id]),
            "at or above its threshold");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  Call call;
  static const unsigned kSides[] = {16, 512, 0, 1, 320, 100000, 4000000000U, 600};
  call.network = {kSides[input.Byte() % 8], kSides[input.Byte() % 8], 3};
  if (input.Byte() % 4 != 0) call.network = {16, 16, 3};
  call.params.num_classes = input.Byte() % 20;
  call.params.pre_cluster_threshold.resize(input.Byte() % 20);
  for (float& threshold : call.params.pre_cluster_threshold) threshold = InterestingFloat(&input);
  for (unsigned layers = input.Byte() % 6; layers > 0; --layers) AddLayer(&input, &call);
  for (FuzzedFunction* function :
       {NvDsInferParseEfficientDet, NvDsInferParseEfficientDetNms,
        NvDsInferParseEfficientDetTensorFlow, NvDsInferParseEfficientDetTao,
        NvDsInferParseEfficientDetRows, NvDsInferParseEfficientDetDecoded,
        NvDsInferParseEfficientDetRaw}) {
    Objects objects;
    Require(function(call.layers, call.network, call.params, &objects), "true is returned");
    Check(objects, call);
  }
  return 0;
}
