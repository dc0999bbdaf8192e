#pragma once

#include <string>
#include <vector>

#include "efficientdet/hparams.h"
#include "efficientdet/variables.h"
#include "graph/graph.h"

namespace edet::efficientdet {

// Adds the family's layers to a graph. Values are [N, C, H, W] float32 with static C, H, W.
// Convolutions pad as TensorFlow's SAME does: with explicit pads that depend on the actual size,
// the odd one at the bottom and right. Batch normalisation has epsilon 1e-3 throughout. One thread.
class Layers {
 public:
  Layers(graph::Graph& graph, VariableSource& variables, Activation activation);

  struct Window {
    int kernel = 1;
    int stride = 1;
  };

  // Variables `name`/kernel [k, k, in, out], and `name`/bias [out] if it has one.
  // `node_name` tells apart the uses of shared weights.
  graph::ValueId Convolution(graph::ValueId x, const std::string& name,
                             const std::string& node_name, int filters, Window window,
                             bool has_bias);
  graph::ValueId Convolution(graph::ValueId x, const std::string& name, int filters, Window window,
                             bool has_bias) {
    return Convolution(x, name, name, filters, window, has_bias);
  }
  // Variable `name`/depthwise_kernel [k, k, in, 1]. `node_name` tells apart the uses of shared
  // weights.
  graph::ValueId DepthwiseConvolution(graph::ValueId x, const std::string& name,
                                      const std::string& node_name, Window window);
  // 3x3 depthwise without bias, then 1x1 with bias: `name`/depthwise_kernel, pointwise_kernel [1,
  // 1, in, out], bias.
  graph::ValueId SeparableConvolution(graph::ValueId x, const std::string& name,
                                      const std::string& node_name, int filters, bool has_bias);
  // The 3x3 convolution of feature network and heads: separable, or `name`/kernel [3, 3, in, out].
  graph::ValueId HeadConvolution(graph::ValueId x, const std::string& name,
                                 const std::string& node_name, int filters, bool separable,
                                 bool has_bias);
  // Variables `name`/gamma, beta, moving_mean, moving_variance [C].
  graph::ValueId BatchNorm(graph::ValueId x, const std::string& name);
  graph::ValueId Activate(graph::ValueId x, const std::string& node_name);
  graph::ValueId Sigmoid(graph::ValueId x, const std::string& node_name);
  graph::ValueId Add(graph::ValueId a, graph::ValueId b, const std::string& node_name);
  graph::ValueId Multiply(graph::ValueId a, graph::ValueId b, const std::string& node_name);
  graph::ValueId MaxPool(graph::ValueId x, const std::string& node_name, int kernel_h, int kernel_w,
                         int stride_h, int stride_w);
  // TensorFlow 1's resize_nearest_neighbor: source index = floor(i * in / out).
  graph::ValueId ResizeNearest(graph::ValueId x, const std::string& node_name, int64_t height,
                               int64_t width);
  // Mean over height and width, [N, C, 1, 1].
  graph::ValueId SpatialMean(graph::ValueId x, const std::string& node_name);
  graph::ValueId Reshape(graph::ValueId x, const std::string& node_name, graph::Shape shape);
  graph::ValueId Transpose(graph::ValueId x, const std::string& node_name,
                           const std::vector<int64_t>& permutation);
  graph::ValueId Concat(const std::vector<graph::ValueId>& parts, const std::string& node_name,
                        int64_t axis);

  // A variable as it is, for weights that are used outside of a layer.
  graph::Tensor Variable(const std::string& name, const graph::Shape& shape) {
    return variables_.Read(name, shape);
  }
  graph::ValueId Constant(const std::string& name, graph::TensorPtr tensor);

  int64_t channels(graph::ValueId x) const { return graph_.shape(x)[1]; }
  int64_t height(graph::ValueId x) const { return graph_.shape(x)[2]; }
  int64_t width(graph::ValueId x) const { return graph_.shape(x)[3]; }
  graph::Graph& graph() { return graph_; }

 private:
  graph::ValueId Scalar(float value);
  graph::ValueId Unary(const char* op, graph::ValueId x, const std::string& node_name);
  graph::ValueId Relu6(graph::ValueId x, const std::string& node_name);
  graph::ValueId SmoothRelu(graph::ValueId x, const std::string& node_name);
  // The constant of this name, made by `make` at its first use: weights that levels share are read
  // once.
  template <typename Make>
  graph::ValueId Shared(const std::string& name, Make make);
  graph::ValueId GatherNearest(graph::ValueId x, const std::string& node_name, int64_t axis,
                               int64_t target);
  // A copy for each convolution, also where levels share it: OpenVINO does not fuse a shared bias.
  graph::ValueId Bias(const std::string& name, const std::string& node_name, int filters);
  graph::ValueId ConvNode(graph::ValueId x, const std::string& node_name,
                          std::vector<graph::ValueId> inputs, int64_t filters, Window window,
                          int64_t groups);

  graph::Graph& graph_;
  VariableSource& variables_;
  Activation activation_;
  std::map<std::string, graph::ValueId> constants_;
};

}  // namespace edet::efficientdet
