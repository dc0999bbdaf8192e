#include "graph/fold_batch_norm.h"

#include <cmath>
#include <unordered_map>
#include <utility>
#include <vector>

namespace edet::graph {
namespace {

struct Affine {  // y = scale * x + shift, per channel
  std::vector<double> scale, shift;
};

Affine AffineOf(const Graph& graph, const Node& batch_norm) {
  auto floats = [&](size_t input) -> const std::vector<float>& {
    return graph.value(batch_norm.inputs[input]).constant->floats;
  };
  const std::vector<float>&gamma = floats(1), &beta = floats(2), &mean = floats(3),
        &variance = floats(4);
  double epsilon = FloatAttribute(batch_norm, "epsilon", 1e-5F);
  Affine affine;
  for (size_t c = 0; c < gamma.size(); ++c) {
    double scale = gamma[c] / std::sqrt(variance[c] + epsilon);
    affine.scale.push_back(scale);
    affine.shift.push_back(beta[c] - mean[c] * scale);
  }
  return affine;
}

TensorPtr ScaledWeights(const Tensor& weights, const Affine& affine) {
  std::vector<float> values(weights.floats.size());
  size_t per_channel = values.size() / affine.scale.size();
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(weights.floats[i] * affine.scale[i / per_channel]);
  }
  return FloatTensor(weights.shape, std::move(values));
}

TensorPtr ShiftedBias(const Tensor* bias, const Affine& affine) {
  std::vector<float> values(affine.shift.size());
  for (size_t c = 0; c < values.size(); ++c) {
    double old = bias != nullptr ? bias->floats[c] : 0.;
    values[c] = static_cast<float>(old * affine.scale[c] + affine.shift[c]);
  }
  Shape shape{static_cast<int64_t>(values.size())};
  return FloatTensor(std::move(shape), std::move(values));
}

void Fold(Graph& graph, Node& conv, const Node& batch_norm) {
  Affine affine = AffineOf(graph, batch_norm);
  const Tensor* bias = conv.inputs.size() > 2 ? graph.constant(conv.inputs[2]).get() : nullptr;
  TensorPtr new_bias = ShiftedBias(bias, affine);
  TensorPtr new_weights = ScaledWeights(*graph.value(conv.inputs[1]).constant, affine);
  conv.inputs.resize(3);
  conv.inputs[1] = graph.AddConstant(batch_norm.name + "/folded_weights", std::move(new_weights));
  conv.inputs[2] = graph.AddConstant(batch_norm.name + "/folded_bias", std::move(new_bias));
  conv.outputs = {batch_norm.outputs[0]};
}

bool HasValues(const Graph& graph, const Node& node) {
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    if (node.inputs[i] == kNoValue) continue;
    const TensorPtr& constant = graph.value(node.inputs[i]).constant;
    if (!constant || constant->floats.empty()) return false;
  }
  return true;
}

// Graphs from elsewhere may hold tensors that do not belong together, or a training form.
bool Foldable(const Graph& graph, const Node& conv, const Node& batch_norm) {
  if (batch_norm.inputs.size() != 5 || conv.inputs.size() < 2 || conv.outputs.size() != 1)
    return false;
  if (IntAttribute(batch_norm, "training_mode", 0) != 0) return false;
  if (!HasValues(graph, batch_norm) || !HasValues(graph, conv)) return false;
  const Tensor& weights = *graph.value(conv.inputs[1]).constant;
  if (weights.shape.empty() || weights.shape[0] <= 0) return false;
  auto channels = static_cast<size_t>(weights.shape[0]);
  for (size_t i = 1; i < batch_norm.inputs.size(); ++i) {
    TensorPtr part = graph.constant(batch_norm.inputs[i]);
    if (!part || part->floats.size() != channels) return false;
  }
  TensorPtr bias = conv.inputs.size() > 2 ? graph.constant(conv.inputs[2]) : nullptr;
  return (!bias || bias->floats.size() == channels) && weights.floats.size() % channels == 0;
}

std::unordered_map<ValueId, int> CountReaders(const Graph& graph) {
  std::unordered_map<ValueId, int> readers;
  for (const Node& node : graph.nodes) {
    for (ValueId input : node.inputs) ++readers[input];
    for (ValueId captured : node.captures) ++readers[captured];
  }
  for (ValueId output : graph.outputs) ++readers[output];
  return readers;
}

// What only the folded nodes read: two copies of all weights at once would double the memory.
void Release(Graph& graph, const std::vector<ValueId>& read,
             std::unordered_map<ValueId, int>& readers) {
  for (ValueId id : read) {
    if (id != kNoValue && --readers[id] == 0) graph.value(id).constant.reset();
  }
}

}  // namespace

int FoldBatchNorm(Graph& graph) {
  std::unordered_map<ValueId, int> readers = CountReaders(graph);
  std::unordered_map<ValueId, size_t> conv_of;  // output of a Conv -> its place in `kept`
  std::vector<Node> kept;
  kept.reserve(graph.nodes.size());
  int folded = 0;
  for (Node& node : graph.nodes) {
    if (node.op == "BatchNormalization") {
      auto found = conv_of.find(node.inputs[0]);
      bool foldable = found != conv_of.end() && readers[node.inputs[0]] == 1 &&
                      Foldable(graph, kept[found->second], node);
      if (foldable) {
        Node& conv = kept[found->second];
        std::vector<ValueId> read(conv.inputs.begin() + 1, conv.inputs.end());
        read.insert(read.end(), node.inputs.begin() + 1, node.inputs.end());
        Fold(graph, conv, node);
        Release(graph, read, readers);
        ++folded;
        continue;
      }
    }
    if (node.op == "Conv") conv_of[node.outputs[0]] = kept.size();
    kept.push_back(std::move(node));
  }
  graph.nodes = std::move(kept);
  return folded;
}

}  // namespace edet::graph
