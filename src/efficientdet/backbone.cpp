#include "efficientdet/backbone.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace edet::efficientdet {
using graph::ValueId;
namespace {

// EfficientNet-B0 (Tan and Le, 2019, table 1); squeeze-and-excite ratio 0.25.
constexpr Stage kBaseStages[] = {
    {1, 3, 1, 1, 32, 16},  {2, 3, 2, 6, 16, 24},   {2, 5, 2, 6, 24, 40},   {3, 3, 2, 6, 40, 80},
    {3, 5, 1, 6, 80, 112}, {4, 5, 2, 6, 112, 192}, {1, 3, 1, 6, 192, 320},
};

struct Scaling {
  const char* name;
  double width, depth;
};
constexpr Scaling kScalings[] = {
    {"b0", 1.0, 1.0},    {"b1", 1.0, 1.1},    {"b2", 1.1, 1.2},    {"b3", 1.2, 1.4},
    {"b4", 1.4, 1.8},    {"b5", 1.6, 2.2},    {"b6", 1.8, 2.6},    {"b7", 2.0, 3.1},
    {"lite0", 1.0, 1.0}, {"lite1", 1.0, 1.1}, {"lite2", 1.1, 1.2}, {"lite3", 1.2, 1.4},
    {"lite4", 1.4, 1.8},
};

int RoundFilters(int filters, double width) {
  constexpr int kDivisor = 8;
  double scaled = filters * width;
  int rounded = std::max(kDivisor, static_cast<int>(scaled + kDivisor / 2.) / kDivisor * kDivisor);
  if (rounded < 0.9 * scaled) rounded += kDivisor;
  return rounded;
}

BackboneConfig Scale(const Scaling& scaling, bool lite) {
  BackboneConfig config;
  config.has_squeeze_excite = !lite;
  // The lite models keep the stem, and the number of blocks of the first and the last stage.
  config.stem_filters = lite ? 32 : RoundFilters(32, scaling.width);
  constexpr size_t kLast = std::size(kBaseStages) - 1;
  for (size_t i = 0; i <= kLast; ++i) {
    Stage stage = kBaseStages[i];
    stage.input_filters = RoundFilters(stage.input_filters, scaling.width);
    stage.output_filters = RoundFilters(stage.output_filters, scaling.width);
    bool fixed = lite && (i == 0 || i == kLast);
    if (!fixed) stage.repeats = static_cast<int>(std::ceil(scaling.depth * stage.repeats));
    config.stages.push_back(stage);
  }
  return config;
}

// Variables are numbered in the order in which a block makes them: conv2d, conv2d_1, ..
std::string Numbered(const std::string& base, int number) {
  return number == 0 ? base : base + "_" + std::to_string(number);
}

struct Block {
  int kernel, stride, expand;
  int input_filters;  // as configured: what squeeze-and-excite derives its width from
  int output_filters;
};

ValueId AddSqueezeExcite(Layers& layers, ValueId x, const std::string& name, int input_filters) {
  int reduced = std::max(1, static_cast<int>(input_filters * 0.25));
  ValueId mean = layers.SpatialMean(x, name + "/mean");
  ValueId squeezed = layers.Convolution(mean, name + "/conv2d", reduced, {1, 1}, true);
  squeezed = layers.Activate(squeezed, name + "/activation");
  ValueId gate = layers.Convolution(squeezed, name + "/conv2d_1",
                                    static_cast<int>(layers.channels(x)), {1, 1}, true);
  return layers.Multiply(x, layers.Sigmoid(gate, name + "/gate"), name + "/excite");
}

ValueId AddBlock(Layers& layers, ValueId input, const std::string& name, const Block& block,
                 bool squeeze_excite) {
  int convs = 0, norms = 0;
  auto next_conv = [&] { return name + "/" + Numbered("conv2d", convs++); };
  auto next_norm = [&] { return name + "/" + Numbered("tpu_batch_normalization", norms++); };
  ValueId x = input;
  if (block.expand != 1) {
    x = layers.Convolution(x, next_conv(), block.input_filters * block.expand, {1, 1}, false);
    x = layers.Activate(layers.BatchNorm(x, next_norm()), name + "/expand");
  }
  std::string depthwise = name + "/depthwise_conv2d";
  x = layers.DepthwiseConvolution(x, depthwise, depthwise, {block.kernel, block.stride});
  x = layers.Activate(layers.BatchNorm(x, next_norm()), name + "/depthwise");
  if (squeeze_excite) x = AddSqueezeExcite(layers, x, name + "/se", block.input_filters);
  x = layers.Convolution(x, next_conv(), block.output_filters, {1, 1}, false);
  x = layers.BatchNorm(x, next_norm());
  if (block.stride == 1 && block.input_filters == block.output_filters)
    x = layers.Add(x, input, name + "/residual");
  return x;
}

std::vector<Block> BlocksOf(const BackboneConfig& config) {
  std::vector<Block> blocks;
  for (const Stage& stage : config.stages) {
    for (int i = 0; i < stage.repeats; ++i) {
      bool first = i == 0;
      blocks.push_back({stage.kernel, first ? stage.stride : 1, stage.expand,
                        first ? stage.input_filters : stage.output_filters, stage.output_filters});
    }
  }
  return blocks;
}

}  // namespace

Result<BackboneConfig> FindBackbone(const std::string& name) {
  for (const Scaling& scaling : kScalings) {
    if (name == std::string("efficientnet-") + scaling.name) {
      return Scale(scaling, std::string_view(scaling.name).substr(0, 4) == "lite");
    }
  }
  return Error{ErrorCode::kUnsupported, "there is no backbone '" + name + "'", "backbone_name",
               "efficientnet-b0 to b7 and efficientnet-lite0 to lite4 are known"};
}

std::vector<ValueId> AddBackbone(Layers& layers, ValueId image, const std::string& name,
                                 const BackboneConfig& config) {
  ValueId x = layers.Convolution(image, name + "/stem/conv2d", config.stem_filters, {3, 2}, false);
  x = layers.Activate(layers.BatchNorm(x, name + "/stem/tpu_batch_normalization"), name + "/stem");
  // The first stage's configured input is the stem, also where a lite model's own stem is narrower
  // than the table says.
  std::vector<Block> blocks = BlocksOf(config);
  std::vector<ValueId> endpoints;
  for (size_t i = 0; i < blocks.size(); ++i) {
    std::string block_name = name + "/blocks_" + std::to_string(i);
    x = AddBlock(layers, x, block_name, blocks[i], config.has_squeeze_excite);
    bool last_of_its_size = i + 1 == blocks.size() || blocks[i + 1].stride > 1;
    if (last_of_its_size) endpoints.push_back(x);
  }
  return endpoints;
}

}  // namespace edet::efficientdet
