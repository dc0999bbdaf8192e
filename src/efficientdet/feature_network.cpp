#include "efficientdet/feature_network.h"

#include <algorithm>
#include <string>

namespace edet::efficientdet {
using graph::ValueId;
namespace {

struct Size {
  int64_t height, width;
};

ValueId ToFilters(Layers& layers, ValueId x, const std::string& name, int filters) {
  if (layers.channels(x) == filters) return x;
  return layers.BatchNorm(layers.Convolution(x, name + "/conv2d", filters, {1, 1}, true),
                          name + "/bn");
}

// Brings a feature map to this size and number of channels: a 1x1 convolution where the channels
// differ, then max pooling (kernel = stride + 1) or nearest-neighbour enlargement.
ValueId Resample(Layers& layers, ValueId x, const std::string& name, Size target, int filters) {
  x = ToFilters(layers, x, name, filters);
  int64_t height = layers.height(x), width = layers.width(x);
  if (height > target.height && width > target.width) {
    int stride_h = static_cast<int>((height - 1) / target.height + 1);
    int stride_w = static_cast<int>((width - 1) / target.width + 1);
    return layers.MaxPool(x, name + "/max_pool", stride_h + 1, stride_w + 1, stride_h, stride_w);
  }
  if (height < target.height || width < target.width) {
    return layers.ResizeNearest(x, name + "/upsample", target.height, target.width);
  }
  return x;
}

// relu(w) / (sum of relu(w) + 1e-4), the weights of 'fastattn'; computed here, so that the graph
// holds numbers only.
std::vector<float> FastAttentionWeights(Layers& layers, const std::string& node_name,
                                        size_t count) {
  std::vector<float> weights;
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    std::string name = node_name + (i == 0 ? "/WSM" : "/WSM_" + std::to_string(i));
    graph::Tensor variable = layers.Variable(name, {});
    if (variable.floats.empty()) continue;
    weights.push_back(std::max(variable.floats[0], 0.F));
    sum += weights.back();
  }
  for (float& weight : weights) weight = static_cast<float>(weight / (sum + 1e-4));
  weights.resize(count);
  return weights;
}

ValueId Fuse(Layers& layers, const std::vector<ValueId>& inputs, const std::string& node_name,
             FusionMethod method) {
  std::vector<ValueId> terms = inputs;
  if (method == FusionMethod::kFastAttention) {
    std::vector<float> weights = FastAttentionWeights(layers, node_name, inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      std::string name = node_name + "/weighted_" + std::to_string(i);
      terms[i] = layers.Multiply(
          inputs[i], layers.Constant(name + "/weight", graph::FloatTensor({}, {weights[i]})), name);
    }
  }
  ValueId sum = terms[0];
  for (size_t i = 1; i < terms.size(); ++i)
    sum = layers.Add(sum, terms[i], node_name + "/sum_" + std::to_string(i));
  return sum;
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
      inputs.push_back(Resample(layers, features[static_cast<size_t>(offset)], name, target,
                                hparams.fpn_num_filters));
    }
    ValueId x = Fuse(layers, inputs, node_name, hparams.fpn_weight_method);
    std::string combine = node_name + "/op_after_combine" + count;
    x = layers.Activate(x, combine + "/activation");
    x = layers.SeparableConvolution(x, combine + "/conv", combine + "/conv",
                                    hparams.fpn_num_filters);
    features.push_back(layers.BatchNorm(x, combine + "/bn"));
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
    features.push_back(Resample(layers, below, "resample_p" + std::to_string(level), half,
                                hparams.fpn_num_filters));
  }
  std::vector<FusionNode> nodes = BiFpnNodes(hparams.min_level, hparams.max_level);
  for (int cell = 0; cell < hparams.fpn_cell_repeats; ++cell) {
    features = AddCell(layers, std::move(features), "fpn_cells/cell_" + std::to_string(cell), nodes,
                       hparams);
  }
  return features;
}

}  // namespace edet::efficientdet
