#include "efficientdet/layers.h"

#include <algorithm>
#include <utility>

namespace edet::efficientdet {
using graph::ElementType;
using graph::Shape;
using graph::Tensor;
using graph::TensorPtr;
using graph::ValueId;
namespace {

constexpr float kBatchNormEpsilon = 1e-3F;

struct Pads {
  int64_t before = 0, after = 0;
};

// TensorFlow's SAME: enough zeros for ceil(size / stride) outputs, the odd one after.
Pads SamePads(int64_t size, int64_t kernel, int64_t stride) {
  int64_t total = std::max<int64_t>(((size + stride - 1) / stride - 1) * stride + kernel - size, 0);
  return {total / 2, total - total / 2};
}

std::vector<int64_t> SamePads2d(int64_t height, int64_t width, int64_t kernel_h, int64_t kernel_w,
                                int64_t stride_h, int64_t stride_w) {
  Pads h = SamePads(height, kernel_h, stride_h);
  Pads w = SamePads(width, kernel_w, stride_w);
  return {h.before, w.before, h.after, w.after};
}

// TensorFlow's [height, width, in, out] to ONNX's [out, in, height, width].
TensorPtr OutputMajor(const Tensor& kernel) {
  int64_t height = kernel.shape[0], width = kernel.shape[1], in = kernel.shape[2],
          out = kernel.shape[3];
  std::vector<float> values(kernel.floats.size());
  if (!values.empty()) {
    const float* source = kernel.floats.data();
    const int64_t area = height * width;
    for (int64_t place = 0; place < area; ++place) {
      for (int64_t i = 0; i < in; ++i) {
        for (int64_t o = 0; o < out; ++o)
          values[static_cast<size_t>((o * in + i) * area + place)] = *source++;
      }
    }
  }
  return graph::FloatTensor({out, in, height, width}, std::move(values));
}

// TensorFlow's depthwise [height, width, channels, 1] to ONNX's [channels, 1, height, width].
TensorPtr ChannelMajor(const Tensor& kernel) {
  Tensor swapped = kernel;
  std::swap(swapped.shape[2], swapped.shape[3]);
  return OutputMajor(swapped);
}

TensorPtr AsIs(Tensor tensor) { return std::make_shared<Tensor>(std::move(tensor)); }

}  // namespace

Layers::Layers(graph::Graph& graph, VariableSource& variables, Activation activation)
    : graph_(graph), variables_(variables), activation_(activation) {}

template <typename Make>
ValueId Layers::Shared(const std::string& name, Make make) {
  auto found = constants_.find(name);
  if (found != constants_.end()) return found->second;
  ValueId id = graph_.AddConstant(name, make());
  constants_.emplace(name, id);
  return id;
}

ValueId Layers::Constant(const std::string& name, TensorPtr tensor) {
  return Shared(name, [&] { return std::move(tensor); });
}

ValueId Layers::Bias(const std::string& name, const std::string& node_name, int filters) {
  std::string bias = name + "/bias";
  return Shared(node_name + "/bias", [&] { return AsIs(variables_.Read(bias, {filters})); });
}

ValueId Layers::ConvNode(ValueId x, const std::string& node_name, std::vector<ValueId> inputs,
                         int64_t filters, Window window, int64_t groups) {
  int64_t k = window.kernel, s = window.stride;
  Shape shape{graph_.shape(x)[0], filters, (height(x) + s - 1) / s, (width(x) + s - 1) / s};
  // One by one: where memory ends within a braced list, GCC 12 frees what was never made.
  std::map<std::string, graph::Attribute> attributes;
  attributes["kernel_shape"] = std::vector<int64_t>{k, k};
  attributes["strides"] = std::vector<int64_t>{s, s};
  attributes["pads"] = SamePads2d(height(x), width(x), k, k, s, s);
  attributes["group"] = groups;
  return graph_.AddNode("Conv", node_name, std::move(inputs), ElementType::kFloat32,
                        std::move(shape), std::move(attributes));
}

ValueId Layers::Convolution(ValueId x, const std::string& name, const std::string& node_name,
                            int filters, Window window, bool has_bias) {
  std::string kernel = name + "/kernel";
  Shape shape{window.kernel, window.kernel, channels(x), filters};
  std::vector<ValueId> inputs{
      x, Shared(kernel, [&] { return OutputMajor(variables_.Read(kernel, shape)); })};
  if (has_bias) inputs.push_back(Bias(name, node_name, filters));
  return ConvNode(x, node_name, std::move(inputs), filters, window, 1);
}

ValueId Layers::DepthwiseConvolution(ValueId x, const std::string& name,
                                     const std::string& node_name, Window window) {
  std::string kernel = name + "/depthwise_kernel";
  Shape shape{window.kernel, window.kernel, channels(x), 1};
  ValueId weights = Shared(kernel, [&] { return ChannelMajor(variables_.Read(kernel, shape)); });
  return ConvNode(x, node_name, {x, weights}, channels(x), window, channels(x));
}

ValueId Layers::SeparableConvolution(ValueId x, const std::string& name,
                                     const std::string& node_name, int filters, bool has_bias) {
  ValueId spread = DepthwiseConvolution(x, name, node_name + "/depthwise", {3, 1});
  std::string kernel = name + "/pointwise_kernel";
  Shape shape{1, 1, channels(x), filters};
  std::vector<ValueId> inputs{
      spread, Shared(kernel, [&] { return OutputMajor(variables_.Read(kernel, shape)); })};
  if (has_bias) inputs.push_back(Bias(name, node_name, filters));
  return ConvNode(spread, node_name + "/pointwise", std::move(inputs), filters, {1, 1}, 1);
}

ValueId Layers::HeadConvolution(ValueId x, const std::string& name, const std::string& node_name,
                                int filters, bool separable, bool has_bias) {
  return separable ? SeparableConvolution(x, name, node_name, filters, has_bias)
                   : Convolution(x, name, node_name, filters, {3, 1}, has_bias);
}

ValueId Layers::BatchNorm(ValueId x, const std::string& name) {
  std::vector<ValueId> inputs{x};
  for (const char* part : {"/gamma", "/beta", "/moving_mean", "/moving_variance"}) {
    std::string variable = name + part;
    inputs.push_back(
        Shared(variable, [&] { return AsIs(variables_.Read(variable, {channels(x)})); }));
  }
  return graph_.AddNode("BatchNormalization", name, std::move(inputs), ElementType::kFloat32,
                        graph_.shape(x), {{"epsilon", kBatchNormEpsilon}});
}

ValueId Layers::Sigmoid(ValueId x, const std::string& node_name) {
  return graph_.AddNode("Sigmoid", node_name, {x}, ElementType::kFloat32, graph_.shape(x));
}

ValueId Layers::Scalar(float value) {
  return Constant("scalar_" + std::to_string(value), graph::FloatTensor({}, {value}));
}

ValueId Layers::Unary(const char* op, ValueId x, const std::string& node_name) {
  return graph_.AddNode(op, node_name, {x}, ElementType::kFloat32, graph_.shape(x));
}

// relu6: min(max(x, 0), 6).
ValueId Layers::Relu6(ValueId x, const std::string& node_name) {
  return graph_.AddNode("Clip", node_name, {x, Scalar(0.F), Scalar(6.F)}, ElementType::kFloat32,
                        graph_.shape(x));
}

// x - log(beta x + 1) / beta for x > 0, else 0. beta is a constant: AutoML makes a variable of it
// that is never saved (20 squared, squared again). max(x, 0) first, so that both cases are one
// formula.
ValueId Layers::SmoothRelu(ValueId x, const std::string& node_name) {
  constexpr float kBeta = 160000.F;
  ValueId positive = Unary("Relu", x, node_name + "/relu");
  ValueId scaled = Multiply(positive, Scalar(kBeta), node_name + "/scaled");
  ValueId shifted = Add(scaled, Scalar(1.F), node_name + "/shifted");
  ValueId log = Unary("Log", shifted, node_name + "/log");
  ValueId part = graph_.AddNode("Div", node_name + "/log_part", {log, Scalar(kBeta)},
                                ElementType::kFloat32, graph_.shape(x));
  constexpr size_t kBeyondHalf = 4;  // beta is over 65504
  for (size_t i = graph_.nodes.size() - kBeyondHalf; i < graph_.nodes.size(); ++i) {
    graph_.nodes[i].needs_float32 = true;
  }
  return graph_.AddNode("Sub", node_name + "/srelu", {positive, part}, ElementType::kFloat32,
                        graph_.shape(x));
}

ValueId Layers::Activate(ValueId x, const std::string& node_name) {
  switch (activation_) {
    case Activation::kSwish:
      return Multiply(x, Sigmoid(x, node_name + "/sigmoid"), node_name + "/swish");
    case Activation::kHardSwish: {  // x * relu6(x + 3) / 6
      ValueId gate = Relu6(Add(x, Scalar(3.F), node_name + "/shifted"), node_name + "/gate");
      ValueId gated = Multiply(x, gate, node_name + "/gated");
      return Multiply(gated, Scalar(1.F / 6.F), node_name + "/hswish");
    }
    case Activation::kRelu:
      return Unary("Relu", x, node_name + "/relu");
    case Activation::kMish: {  // x * tanh(log(1 + e^x))
      ValueId soft = Unary("Softplus", x, node_name + "/softplus");
      return Multiply(x, Unary("Tanh", soft, node_name + "/tanh"), node_name + "/mish");
    }
    case Activation::kSmoothRelu:
      return SmoothRelu(x, node_name);
    case Activation::kRelu6:
      break;
  }
  return Relu6(x, node_name + "/relu6");
}

ValueId Layers::Add(ValueId a, ValueId b, const std::string& node_name) {
  return graph_.AddNode("Add", node_name, {a, b}, ElementType::kFloat32, graph_.shape(a));
}

ValueId Layers::Multiply(ValueId a, ValueId b, const std::string& node_name) {
  return graph_.AddNode("Mul", node_name, {a, b}, ElementType::kFloat32, graph_.shape(a));
}

ValueId Layers::MaxPool(ValueId x, const std::string& node_name, int kernel_h, int kernel_w,
                        int stride_h, int stride_w) {
  Shape shape{graph_.shape(x)[0], channels(x), (height(x) + stride_h - 1) / stride_h,
              (width(x) + stride_w - 1) / stride_w};
  return graph_.AddNode(
      "MaxPool", node_name, {x}, ElementType::kFloat32, std::move(shape),
      {{"kernel_shape", std::vector<int64_t>{kernel_h, kernel_w}},
       {"strides", std::vector<int64_t>{stride_h, stride_w}},
       {"pads", SamePads2d(height(x), width(x), kernel_h, kernel_w, stride_h, stride_w)}});
}

ValueId Layers::ResizeNearest(ValueId x, const std::string& node_name, int64_t target_height,
                              int64_t target_width) {
  if (target_height % height(x) != 0 || target_width % width(x) != 0) {
    x = GatherNearest(x, node_name + "/rows", 2, target_height);
    return GatherNearest(x, node_name + "/columns", 3, target_width);
  }
  const int64_t times_h = target_height / height(x), times_w = target_width / width(x);
  auto scale_h = static_cast<float>(times_h), scale_w = static_cast<float>(times_w);
  ValueId no_roi = Constant("resize_no_roi", graph::FloatTensor({0}, {}));
  ValueId scales = graph_.AddConstant(node_name + "/scales",
                                      graph::FloatTensor({4}, {1.F, 1.F, scale_h, scale_w}));
  return graph_.AddNode("Resize", node_name, {x, no_roi, scales}, ElementType::kFloat32,
                        {graph_.shape(x)[0], channels(x), target_height, target_width},
                        {{"mode", std::string("nearest")},
                         {"nearest_mode", std::string("floor")},
                         {"coordinate_transformation_mode", std::string("asymmetric")}});
}

// Engines round a fractional scale in different ways (3 to 5 is 4 for some). Constant indices leave
// nothing to round, and are TensorFlow's own: the float32 product of the position and in / out, cut
// off.
ValueId Layers::GatherNearest(ValueId x, const std::string& node_name, int64_t axis,
                              int64_t target) {
  Shape shape = graph_.shape(x);
  int64_t& size = shape[static_cast<size_t>(axis)];
  if (size == target) return x;
  float step = static_cast<float>(size) / static_cast<float>(target);
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < target; ++i) {
    indices.push_back(std::min(static_cast<int64_t>(static_cast<float>(i) * step), size - 1));
  }
  size = target;
  ValueId from =
      graph_.AddConstant(node_name + "/indices", graph::Int64Tensor({target}, std::move(indices)));
  return graph_.AddNode("Gather", node_name, {x, from}, ElementType::kFloat32, std::move(shape),
                        {{"axis", axis}});
}

// GlobalAveragePool, not ReduceMean: ONNX Runtime then sums as TensorFlow does and stays within
// 1e-4 of its logits.
ValueId Layers::SpatialMean(ValueId x, const std::string& node_name) {
  return graph_.AddNode("GlobalAveragePool", node_name, {x}, ElementType::kFloat32,
                        {graph_.shape(x)[0], channels(x), 1, 1});
}

ValueId Layers::Reshape(ValueId x, const std::string& node_name, Shape shape) {
  std::vector<int64_t> target = shape;
  // 0 keeps the batch as it is, so that the graph also builds where its batch is made dynamic
  // afterwards.
  if (!target.empty() && !graph_.shape(x).empty() && target[0] == graph_.shape(x)[0]) target[0] = 0;
  Shape target_shape{static_cast<int64_t>(target.size())};
  ValueId to = graph_.AddConstant(node_name + "/shape",
                                  graph::Int64Tensor(std::move(target_shape), std::move(target)));
  return graph_.AddNode("Reshape", node_name, {x, to}, graph_.value(x).type, std::move(shape));
}

ValueId Layers::Transpose(ValueId x, const std::string& node_name,
                          const std::vector<int64_t>& permutation) {
  Shape shape;
  for (int64_t axis : permutation) shape.push_back(graph_.shape(x)[static_cast<size_t>(axis)]);
  return graph_.AddNode("Transpose", node_name, {x}, graph_.value(x).type, std::move(shape),
                        {{"perm", permutation}});
}

ValueId Layers::Concat(const std::vector<ValueId>& parts, const std::string& node_name,
                       int64_t axis) {
  Shape shape = graph_.shape(parts.front());
  int64_t& length = shape[static_cast<size_t>(axis)];
  length = 0;
  for (ValueId part : parts) {
    int64_t own = graph_.shape(part)[static_cast<size_t>(axis)];
    length = own == graph::kDynamic || length == graph::kDynamic ? graph::kDynamic : length + own;
  }
  return graph_.AddNode("Concat", node_name, parts, graph_.value(parts.front()).type,
                        std::move(shape), {{"axis", axis}});
}

}  // namespace edet::efficientdet
