#include "efficientdet/backbone.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace edet::efficientdet {
using graph::ValueId;
namespace {

// EfficientNet-B0 (Tan and Le, 2019, table 1); squeeze-and-excite ratio 0.25.
const std::vector<Stage>& BaseStages() {
  static const std::vector<Stage> stages = {
      {1, 3, 1, 1, 32, 16},  {2, 3, 2, 6, 16, 24},   {2, 5, 2, 6, 24, 40},   {3, 3, 2, 6, 40, 80},
      {3, 5, 1, 6, 80, 112}, {4, 5, 2, 6, 112, 192}, {1, 3, 1, 6, 192, 320},
  };
  return stages;
}

struct Scaling {
  const char* name;
  double width, depth;
};
constexpr Scaling kScalings[] = {
    {"b0", 1.0, 1.0},    {"b1", 1.0, 1.1},    {"b2", 1.1, 1.2},    {"b3", 1.2, 1.4},
    {"b4", 1.4, 1.8},    {"b5", 1.6, 2.2},    {"b6", 1.8, 2.6},    {"b7", 2.0, 3.1},
    {"b8", 2.2, 3.6},    {"l2", 4.3, 5.3},    {"lite0", 1.0, 1.0}, {"lite1", 1.0, 1.1},
    {"lite2", 1.1, 1.2}, {"lite3", 1.2, 1.4}, {"lite4", 1.4, 1.8},
};

int RoundFilters(int filters, double width) {
  constexpr int kDivisor = 8;
  double scaled = filters * width;
  int rounded = std::max(kDivisor, static_cast<int>(scaled + kDivisor / 2.) / kDivisor * kDivisor);
  if (rounded < 0.9 * scaled) rounded += kDivisor;
  return rounded;
}

BackboneConfig Scale(const Scaling& scaling, bool lite, const std::vector<Stage>& stages) {
  BackboneConfig config;
  config.has_squeeze_excite = !lite;
  // The lite models keep the stem, and the number of blocks of the first and the last stage.
  int stem = stages.front().input_filters;
  config.stem_filters = lite ? stem : RoundFilters(stem, scaling.width);
  for (size_t i = 0; i < stages.size(); ++i) {
    Stage stage = stages[i];
    stage.input_filters = RoundFilters(stage.input_filters, scaling.width);
    stage.output_filters = RoundFilters(stage.output_filters, scaling.width);
    bool fixed = lite && (i == 0 || i + 1 == stages.size());
    if (!fixed) stage.repeats = static_cast<int>(std::ceil(scaling.depth * stage.repeats));
    config.stages.push_back(stage);
  }
  return config;
}

// Variables are numbered in the order in which a block makes them: conv2d, conv2d_1, ..
std::string Numbered(const std::string& base, int number) {
  return number == 0 ? base : base + "_" + std::to_string(number);
}

// A block is a stage of one; input_filters are as configured: expansion and squeeze-and-excite
// derive their widths from them.
using Block = Stage;

bool HasSqueezeExcite(const Block& block, bool squeeze_excite) {
  return squeeze_excite && block.kind != BlockKind::kPointwise && block.se_ratio > 0. &&
         block.se_ratio <= 1.;
}

bool AddsItsInput(const Block& block) {
  return block.id_skip && block.stride == 1 && block.input_filters == block.output_filters;
}

ValueId AddSqueezeExcite(Layers& layers, ValueId x, const std::string& name, const Block& block) {
  int reduced = std::max(1, static_cast<int>(block.input_filters * block.se_ratio));
  ValueId mean = layers.SpatialMean(x, name + "/mean");
  ValueId squeezed = layers.Convolution(mean, name + "/conv2d", reduced, {1, 1}, true);
  squeezed = layers.Activate(squeezed, name + "/activation");
  ValueId gate = layers.Convolution(squeezed, name + "/conv2d_1",
                                    static_cast<int>(layers.channels(x)), {1, 1}, true);
  return layers.Multiply(x, layers.Sigmoid(gate, name + "/gate"), name + "/excite");
}

// The names of a block's layers, in the order in which it makes them.
class BlockNames {
 public:
  explicit BlockNames(std::string block) : block_(std::move(block)) {}
  std::string NextConv() { return block_ + "/" + Numbered("conv2d", convs_++); }
  std::string NextNorm() { return block_ + "/" + Numbered("tpu_batch_normalization", norms_++); }
  std::string operator()(const std::string& part) const { return block_ + "/" + part; }

 private:
  std::string block_;
  int convs_ = 0, norms_ = 0;
};

// Up to the projection: one k x k convolution, or expansion and depthwise convolution.
ValueId AddExpanded(Layers& layers, ValueId x, BlockNames& names, const Block& block) {
  Layers::Window window{block.kernel, block.stride};
  int filters = block.input_filters * block.expand;
  if (block.kind == BlockKind::kFused) {
    x = layers.Convolution(x, names.NextConv(), filters, window, false);
    return layers.Activate(layers.BatchNorm(x, names.NextNorm()), names("fused"));
  }
  if (block.expand != 1) {
    x = layers.Convolution(x, names.NextConv(), filters, {1, 1}, false);
    x = layers.Activate(layers.BatchNorm(x, names.NextNorm()), names("expand"));
  }
  std::string depthwise = names("depthwise_conv2d");
  x = layers.DepthwiseConvolution(x, depthwise, depthwise, window);
  return layers.Activate(layers.BatchNorm(x, names.NextNorm()), names("depthwise"));
}

ValueId AddBlock(Layers& layers, ValueId input, const std::string& name, const Block& block,
                 bool squeeze_excite) {
  BlockNames names(name);
  bool pointwise = block.kind == BlockKind::kPointwise;
  ValueId x = pointwise ? input : AddExpanded(layers, input, names, block);
  if (HasSqueezeExcite(block, squeeze_excite)) x = AddSqueezeExcite(layers, x, names("se"), block);
  x = layers.Convolution(x, names.NextConv(), block.output_filters,
                         {1, pointwise ? block.stride : 1}, false);
  x = layers.BatchNorm(x, names.NextNorm());
  return AddsItsInput(block) ? layers.Add(x, input, names("residual")) : x;
}

// Only the first block of a stage has the stage's stride and input.
std::vector<Block> BlocksOf(const BackboneConfig& config) {
  std::vector<Block> blocks;
  for (const Stage& stage : config.stages) {
    blocks.push_back(stage);
    Block rest = stage;
    rest.stride = 1;
    rest.input_filters = stage.output_filters;
    blocks.insert(blocks.end(), static_cast<size_t>(stage.repeats - 1), rest);
  }
  return blocks;
}

Error Impossible(size_t block, const std::string& what) {
  return {ErrorCode::kInvalidArgument, "block " + std::to_string(block) + " " + what,
          "backbone_config", ""};
}

// Where the configured input is not what arrives, AutoML builds what still fits, and so do we.
Status CheckChannels(const BackboneConfig& config, const std::vector<Block>& blocks) {
  int channels = config.stem_filters;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const Block& block = blocks[i];
    std::string numbers = std::to_string(channels) + " channels arrive where " +
                          std::to_string(block.input_filters) + " are configured";
    bool differs = channels != block.input_filters;
    bool unscaled = block.kind == BlockKind::kDepthwise && block.expand == 1 &&
                    HasSqueezeExcite(block, config.has_squeeze_excite);
    if (differs && AddsItsInput(block)) return Impossible(i, "cannot add its input: " + numbers);
    if (differs && unscaled) return Impossible(i, "cannot weigh its channels: " + numbers);
    channels = block.output_filters;
  }
  return {};
}

// Level 1 is the stem's size: five halvings, the first of them before the first block.
Status CheckHalvings(const std::vector<Block>& blocks) {
  int halvings = 1;
  for (const Block& block : blocks) halvings += block.stride == 2 ? 1 : 0;
  if (blocks.front().stride == 2)
    return Impossible(0, "has a stride: level 1 is to have half the image's size");
  if (halvings >= 5) return {};
  return Error{ErrorCode::kInvalidArgument,
               "has " + std::to_string(halvings - 1) + " strides of 2: level 5 needs 4",
               "backbone_config", ""};
}

}  // namespace

Result<BackboneConfig> FindBackbone(const std::string& name, const std::vector<Stage>& stages) {
  for (const Scaling& scaling : kScalings) {
    if (name != std::string("efficientnet-") + scaling.name) continue;
    bool lite = std::string_view(scaling.name).substr(0, 4) == "lite";
    BackboneConfig config = Scale(scaling, lite, stages.empty() ? BaseStages() : stages);
    std::vector<Block> blocks = BlocksOf(config);
    EDET_RETURN_IF_ERROR(CheckHalvings(blocks));
    EDET_RETURN_IF_ERROR(CheckChannels(config, blocks));
    return config;
  }
  return Error{ErrorCode::kUnsupported, "there is no backbone '" + name + "'", "backbone_name",
               "efficientnet-b0 to b8, efficientnet-l2 and efficientnet-lite0 to lite4 are known"};
}

std::vector<ValueId> AddBackbone(Layers& layers, ValueId image, const std::string& name,
                                 const BackboneConfig& config) {
  ValueId x = layers.Convolution(image, name + "/stem/conv2d", config.stem_filters, {3, 2}, false);
  x = layers.Activate(layers.BatchNorm(x, name + "/stem/tpu_batch_normalization"), name + "/stem");
  std::vector<Block> blocks = BlocksOf(config);
  std::vector<ValueId> endpoints;
  for (size_t i = 0; i < blocks.size(); ++i) {
    std::string block_name = name + "/blocks_" + std::to_string(i);
    x = AddBlock(layers, x, block_name, blocks[i], config.has_squeeze_excite);
    bool last_of_its_size = i + 1 == blocks.size() || blocks[i + 1].stride > 1;
    if (last_of_its_size) endpoints.push_back(x);
  }
  // What comes after reduction 5 has variables, and decides nothing.
  constexpr size_t kMostEndpoints = 5;
  endpoints.resize(std::min(endpoints.size(), kMostEndpoints));
  return endpoints;
}

}  // namespace edet::efficientdet
