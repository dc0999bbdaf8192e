#include "efficientdet/feature_network.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace edet::efficientdet {
using graph::ValueId;
namespace {

struct Size {
  int64_t height, width;
};

ValueId ToFilters(Layers& layers, ValueId x, const std::string& name, const Hparams& hparams) {
  if (layers.channels(x) == hparams.fpn_num_filters) return x;
  x = layers.Convolution(x, name + "/conv2d", hparams.fpn_num_filters, {1, 1}, true);
  return hparams.apply_bn_for_resampling ? layers.BatchNorm(x, name + "/bn") : x;
}

// Brings a feature map to this size and number of channels: a 1x1 convolution where the channels
// differ, then max pooling (kernel = stride + 1) or nearest-neighbour enlargement.
ValueId Resample(Layers& layers, ValueId x, const std::string& name, Size target,
                 const Hparams& hparams) {
  int64_t height = layers.height(x), width = layers.width(x);
  if (height > target.height && width > target.width) {
    if (!hparams.conv_after_downsample) x = ToFilters(layers, x, name, hparams);
    int stride_h = static_cast<int>((height - 1) / target.height + 1);
    int stride_w = static_cast<int>((width - 1) / target.width + 1);
    x = layers.MaxPool(x, name + "/max_pool", stride_h + 1, stride_w + 1, stride_h, stride_w);
    return ToFilters(layers, x, name, hparams);
  }
  x = ToFilters(layers, x, name, hparams);
  if (height == target.height && width == target.width) return x;
  return layers.ResizeNearest(x, name + "/upsample", target.height, target.width);
}

using Weights = std::vector<std::vector<float>>;  // [input][1 or channel]

bool IsPerChannel(FusionMethod method) {
  return method == FusionMethod::kChannelAttention || method == FusionMethod::kChannelFastAttention;
}

Weights ReadWeights(Layers& layers, const std::string& node_name, size_t count,
                    const Hparams& hparams) {
  graph::Shape shape;
  if (IsPerChannel(hparams.fpn_weight_method)) shape = {hparams.fpn_num_filters};
  size_t values = shape.empty() ? 1 : static_cast<size_t>(shape[0]);
  Weights weights;
  for (size_t i = 0; i < count; ++i) {
    std::string name = node_name + (i == 0 ? "/WSM" : "/WSM_" + std::to_string(i));
    weights.push_back(layers.Variable(name, shape).floats);
    weights.back().resize(values);  // a plan has no values
  }
  return weights;
}

// The weights of one position (a scalar, or one channel), normalised in place: relu(w) / (sum +
// 1e-4), or a softmax. Computed here in double precision, so that the graph holds numbers only.
void Normalize(Weights& weights, size_t position, bool fast) {
  double highest = weights[0][position], sum = fast ? 1e-4 : 0.;
  for (const auto& w : weights) highest = std::max(highest, static_cast<double>(w[position]));
  std::vector<double> parts;
  for (const auto& w : weights) {
    double value = w[position];
    parts.push_back(fast ? std::max(value, 0.) : std::exp(value - highest));
    sum += parts.back();
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    weights[i][position] = static_cast<float>(parts[i] / sum);
  }
}

Weights FusionWeights(Layers& layers, const std::string& node_name, size_t count,
                      const Hparams& hparams) {
  bool fast = hparams.fpn_weight_method == FusionMethod::kFastAttention ||
              hparams.fpn_weight_method == FusionMethod::kChannelFastAttention;
  Weights weights = ReadWeights(layers, node_name, count, hparams);
  for (size_t i = 0; i < weights[0].size(); ++i) Normalize(weights, i, fast);
  return weights;
}

ValueId Fuse(Layers& layers, const std::vector<ValueId>& inputs, const std::string& node_name,
             const Hparams& hparams) {
  std::vector<ValueId> terms = inputs;
  if (hparams.fpn_weight_method != FusionMethod::kSum) {
    Weights weights = FusionWeights(layers, node_name, inputs.size(), hparams);
    for (size_t i = 0; i < inputs.size(); ++i) {
      std::string name = node_name + "/weighted_" + std::to_string(i);
      auto count = static_cast<int64_t>(weights[i].size());
      graph::Shape shape = count == 1 ? graph::Shape{} : graph::Shape{1, count, 1, 1};
      ValueId weight = layers.Constant(name + "/weight",
                                       graph::FloatTensor(std::move(shape), std::move(weights[i])));
      terms[i] = layers.Multiply(inputs[i], weight, name);
    }
  }
  ValueId sum = terms[0];
  for (size_t i = 1; i < terms.size(); ++i) {
    sum = layers.Add(sum, terms[i], node_name + "/sum_" + std::to_string(i));
  }
  return sum;
}

ValueId CombineInputs(Layers& layers, ValueId x, const std::string& name, const Hparams& hparams) {
  bool last = hparams.conv_bn_act_pattern;
  if (!last) x = layers.Activate(x, name + "/activation");
  x = layers.HeadConvolution(x, name + "/conv", name + "/conv", hparams.fpn_num_filters,
                             hparams.separable_conv, !last);
  x = layers.BatchNorm(x, name + "/bn");
  return last ? layers.Activate(x, name + "/activation") : x;
}

std::vector<ValueId> AddCell(Layers& layers, std::vector<ValueId> features,
                             const std::string& cell_name, const std::vector<FusionNode>& nodes,
                             const Hparams& hparams) {
  size_t num_levels = features.size();
  std::vector<Size> sizes;
  for (ValueId feature : features) sizes.push_back({layers.height(feature), layers.width(feature)});
  for (size_t n = 0; n < nodes.size(); ++n) {
    std::string node_name = cell_name + "/fnode" + std::to_string(n);
    std::string count = std::to_string(features.size());
    Size target = sizes[static_cast<size_t>(nodes[n].level - hparams.min_level)];
    std::vector<ValueId> inputs;
    for (size_t i = 0; i < nodes[n].inputs.size(); ++i) {
      int offset = nodes[n].inputs[i];
      std::string name =
          node_name + "/resample_" + std::to_string(i) + "_" + std::to_string(offset) + "_" + count;
      inputs.push_back(
          Resample(layers, features[static_cast<size_t>(offset)], name, target, hparams));
    }
    ValueId x = Fuse(layers, inputs, node_name, hparams);
    features.push_back(CombineInputs(layers, x, node_name + "/op_after_combine" + count, hparams));
  }
  std::vector<ValueId> results(num_levels);
  for (size_t n = 0; n < nodes.size(); ++n) {  // a level's last node is its result
    results[static_cast<size_t>(nodes[n].level - hparams.min_level)] = features[num_levels + n];
  }
  return results;
}

}  // namespace

std::vector<FusionNode> BiFpnNodes(int min_level, int max_level) {
  int num_levels = max_level - min_level + 1;
  std::vector<std::vector<int>> made(
      static_cast<size_t>(num_levels));  // the features of each level so far
  for (int i = 0; i < num_levels; ++i) made[static_cast<size_t>(i)] = {i};
  auto of = [&](int level) -> std::vector<int>& {
    return made[static_cast<size_t>(level - min_level)];
  };
  std::vector<FusionNode> nodes;
  int next = num_levels;
  for (int level = max_level - 1; level >= min_level; --level) {
    nodes.push_back({level, {of(level).back(), of(level + 1).back()}});
    of(level).push_back(next++);
  }
  for (int level = min_level + 1; level <= max_level; ++level) {
    std::vector<int> inputs = of(level);
    inputs.push_back(of(level - 1).back());
    nodes.push_back({level, inputs});
    of(level).push_back(next++);
  }
  return nodes;
}

std::vector<FusionNode> QuFpnNodes(int min_level, int max_level) {
  int num_levels = max_level - min_level + 1;
  std::vector<std::vector<int>> made(static_cast<size_t>(num_levels));
  for (int i = 0; i < num_levels; ++i) made[static_cast<size_t>(i)] = {i};
  auto of = [&](int level) -> std::vector<int>& {
    return made[static_cast<size_t>(level - min_level)];
  };
  std::vector<FusionNode> nodes;
  int next = num_levels;
  auto add = [&](int level, std::vector<int> inputs) {
    nodes.push_back({level, std::move(inputs)});
    of(level).push_back(next++);
  };
  auto repeat_last = [&](int level) { of(level).push_back(of(level).back()); };
  // First path: top-down.
  for (int level = max_level - 1; level >= min_level; --level) {
    add(level, {of(level).back(), of(level + 1).back()});
  }
  repeat_last(max_level);
  // Second path: bottom-up, over everything that the level has.
  for (int level = min_level + 1; level < max_level; ++level) {
    std::vector<int> inputs = of(level);
    inputs.push_back(of(level - 1).back());
    add(level, std::move(inputs));
  }
  add(max_level, {of(max_level).front(), of(max_level - 1).back()});
  repeat_last(min_level);
  // Third path: bottom-up, from the cell's inputs.
  for (int level = min_level + 1; level <= max_level; ++level) {
    bool lowest = level == min_level + 1;
    add(level, {of(level).front(), lowest ? of(level - 1).front() : of(level - 1).back()});
  }
  repeat_last(min_level);
  // Fourth path: top-down.
  for (int level = max_level - 1; level > min_level; --level) {
    add(level, {of(level).front(), of(level).back(), of(level + 1).back()});
  }
  add(min_level, {of(min_level).front(), of(min_level + 1).back()});
  repeat_last(max_level);
  // The two halves are added.
  for (int level = max_level; level >= min_level; --level) add(level, {of(level)[2], of(level)[4]});
  return nodes;
}

std::vector<ValueId> AddFeatureNetwork(Layers& layers, const std::vector<ValueId>& endpoints,
                                       const Hparams& hparams) {
  std::vector<ValueId> features;
  for (int level = hparams.min_level; level <= hparams.max_level; ++level) {
    if (static_cast<size_t>(level) <= endpoints.size()) {
      features.push_back(endpoints[static_cast<size_t>(level - 1)]);
      continue;
    }
    ValueId below = features.empty() ? endpoints.back() : features.back();
    Size half{(layers.height(below) + 1) / 2, (layers.width(below) + 1) / 2};
    features.push_back(
        Resample(layers, below, "resample_p" + std::to_string(level), half, hparams));
  }
  std::vector<FusionNode> nodes = hparams.fpn_nodes;
  if (nodes.empty()) {
    nodes = hparams.quad_fpn ? QuFpnNodes(hparams.min_level, hparams.max_level)
                             : BiFpnNodes(hparams.min_level, hparams.max_level);
  }
  for (int cell = 0; cell < hparams.fpn_cell_repeats; ++cell) {
    features = AddCell(layers, std::move(features), "fpn_cells/cell_" + std::to_string(cell), nodes,
                       hparams);
  }
  return features;
}

}  // namespace edet::efficientdet
