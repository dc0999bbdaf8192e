#include "onnx/cost.h"

#include <charconv>
#include <limits>
#include <map>
#include <string>

#include "base/checked_math.h"

namespace edet::onnx_format {
namespace {

using Shape = std::vector<int64_t>;
using Tensors = std::vector<const AnalyzedTensor*>;

// Dimensions as numbers: an open first one is a batch, counted as 1.
std::optional<Shape> ShapeOf(const Tensors& tensors, size_t index) {
  if (index >= tensors.size() || tensors[index] == nullptr || !tensors[index]->shape_known)
    return std::nullopt;
  Shape shape;
  for (const std::string& text : tensors[index]->info.shape) {
    int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    bool number = error == std::errc() && end == text.data() + text.size() && value >= 0;
    if (!number && !shape.empty()) return std::nullopt;
    shape.push_back(number ? value : 1);
  }
  return shape;
}

std::optional<uint64_t> Elements(const Tensors& tensors, size_t index) {
  std::optional<Shape> shape = ShapeOf(tensors, index);
  return shape ? ElementCount(*shape) : std::nullopt;
}

const ::onnx::AttributeProto* Attribute(const ::onnx::NodeProto& node, const char* name) {
  for (const auto& attribute : node.attribute())
    if (attribute.name() == name) return &attribute;
  return nullptr;
}

std::optional<Cost> Products(std::optional<uint64_t> outputs, std::optional<uint64_t> per_output,
                             bool bias) {
  if (!outputs || !per_output) return std::nullopt;
  std::optional<uint64_t> macs = CheckedMultiply(*outputs, *per_output);
  if (!macs || *macs > std::numeric_limits<uint64_t>::max() / 4) return std::nullopt;
  return Cost{*macs, 2 * *macs + (bias ? *outputs : 0)};
}

std::optional<Cost> Steps(std::optional<uint64_t> elements, std::optional<uint64_t> steps) {
  if (!elements || !steps) return std::nullopt;
  std::optional<uint64_t> flops = CheckedMultiply(*elements, *steps);
  if (!flops) return std::nullopt;
  return Cost{0, *flops};
}

// Each output element of a convolution takes the weights of one filter: [M, C/group, k...].
std::optional<Cost> ConvCost(const Tensors& in, const Tensors& out) {
  std::optional<Shape> weights = ShapeOf(in, 1);
  if (!weights || weights->size() < 3) return std::nullopt;
  return Products(Elements(out, 0), ElementCount(Shape(weights->begin() + 1, weights->end())),
                  in.size() > 2);
}

// A transposed one spreads each input element over one filter: weights [C, M/group, k...].
std::optional<Cost> ConvTransposeCost(const Tensors& in) {
  std::optional<Shape> weights = ShapeOf(in, 1);
  if (!weights || weights->size() < 3) return std::nullopt;
  return Products(Elements(in, 0), ElementCount(Shape(weights->begin() + 1, weights->end())),
                  false);
}

std::optional<Cost> MatrixCost(const ::onnx::NodeProto& node, const Tensors& in,
                               const Tensors& out) {
  std::optional<Shape> left = ShapeOf(in, 0);
  if (!left || left->empty()) return std::nullopt;
  const auto* transposed = Attribute(node, "transA");
  bool first = node.op_type() == "Gemm" && transposed != nullptr && transposed->i() != 0;
  return Products(Elements(out, 0), static_cast<uint64_t>(first ? left->front() : left->back()),
                  node.op_type() == "Gemm" && in.size() > 2);
}

std::optional<Cost> PoolCost(const ::onnx::NodeProto& node, const Tensors& out) {
  const auto* kernel = Attribute(node, "kernel_shape");
  if (kernel == nullptr) return std::nullopt;
  return Steps(Elements(out, 0), ElementCount(Shape(kernel->ints().begin(), kernel->ints().end())));
}

// Nearest neighbours are copied; others take a multiply-add per neighbour in the plane: 2 x 2, or
// 4 x 4.
std::optional<Cost> ResizeCost(const ::onnx::NodeProto& node, const Tensors& out) {
  const auto* mode = Attribute(node, "mode");
  if (mode == nullptr || mode->s() == "nearest") return Cost{};
  return Steps(Elements(out, 0), mode->s() == "cubic" ? 32 : 8);
}

enum class Kind { kMoves, kElement, kReduction, kSum, kNormalization, kSoftmax };

const std::map<std::string, Kind>& Kinds() {
  static const auto* kinds = [] {
    auto* map = new std::map<std::string, Kind>;
    for (const char* op : {"Identity",
                           "Reshape",
                           "Transpose",
                           "Concat",
                           "Split",
                           "Slice",
                           "Gather",
                           "GatherND",
                           "Pad",
                           "Squeeze",
                           "Unsqueeze",
                           "Shape",
                           "Size",
                           "Cast",
                           "Constant",
                           "Expand",
                           "Tile",
                           "Flatten",
                           "ConstantOfShape",
                           "Range",
                           "Dropout",
                           "ScatterND",
                           "ScatterElements",
                           "DepthToSpace",
                           "SpaceToDepth",
                           "OneHot",
                           "EyeLike",
                           "GatherElements",
                           "NonZero",
                           "Compress",
                           "CastLike",
                           "If",
                           "Loop",
                           "Scan",
                           "Upsample",
                           "SequenceConstruct",
                           "SequenceAt",
                           "ConcatFromSequence",
                           "SplitToSequence",
                           "DequantizeLinear",
                           "QuantizeLinear"})
      (*map)[op] = Kind::kMoves;
    for (const char* op : {"Add",       "Sub",         "Mul",         "Div",
                           "Relu",      "Sigmoid",     "Tanh",        "Exp",
                           "Log",       "Sqrt",        "Abs",         "Neg",
                           "Pow",       "Clip",        "Elu",         "Selu",
                           "Erf",       "Floor",       "Ceil",        "Round",
                           "Sign",      "Not",         "And",         "Or",
                           "Xor",       "Equal",       "Less",        "Greater",
                           "Where",     "Mod",         "LessOrEqual", "GreaterOrEqual",
                           "LeakyRelu", "PRelu",       "Reciprocal",  "Softplus",
                           "Softsign",  "HardSigmoid", "HardSwish",   "ThresholdedRelu",
                           "IsNaN",     "Sin",         "Cos"})
      (*map)[op] = Kind::kElement;
    for (const char* op :
         {"GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin",
          "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ArgMax", "ArgMin", "CumSum"})
      (*map)[op] = Kind::kReduction;
    for (const char* op : {"Sum", "Max", "Min", "Mean"}) (*map)[op] = Kind::kSum;
    for (const char* op : {"BatchNormalization", "InstanceNormalization", "LayerNormalization"})
      (*map)[op] = Kind::kNormalization;
    for (const char* op : {"Softmax", "LogSoftmax"}) (*map)[op] = Kind::kSoftmax;
    return map;
  }();
  return *kinds;
}

std::optional<Cost> CostOfKind(Kind kind, const Tensors& in, const Tensors& out) {
  switch (kind) {
    case Kind::kMoves:
      return Cost{};
    case Kind::kElement:
      return Steps(Elements(out, 0), 1);
    case Kind::kReduction:
      return Steps(Elements(in, 0), 1);
    case Kind::kSum:
      return Steps(Elements(out, 0), in.empty() ? 0 : in.size() - 1);
    case Kind::kNormalization:
      return Steps(Elements(out, 0), 2);  // folded: one factor, one summand
    case Kind::kSoftmax:
      return Steps(Elements(out, 0), 3);  // exponential, sum, division
  }
  return std::nullopt;
}

}  // namespace

std::optional<Cost> NodeCost(const ::onnx::NodeProto& node, const Tensors& inputs,
                             const Tensors& outputs) {
  if (!node.domain().empty() && node.domain() != "ai.onnx") return std::nullopt;
  const std::string& op = node.op_type();
  if (op == "Conv") return ConvCost(inputs, outputs);
  if (op == "ConvTranspose") return ConvTransposeCost(inputs);
  if (op == "Gemm" || op == "MatMul") return MatrixCost(node, inputs, outputs);
  if (op == "MaxPool" || op == "AveragePool") return PoolCost(node, outputs);
  if (op == "Resize") return ResizeCost(node, outputs);
  auto kind = Kinds().find(op);
  return kind == Kinds().end() ? std::nullopt : CostOfKind(kind->second, inputs, outputs);
}

}  // namespace edet::onnx_format
