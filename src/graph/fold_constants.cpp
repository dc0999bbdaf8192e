#include "graph/fold_constants.h"

#include <algorithm>
#include <limits>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "graph/evaluate.h"
#include "graph/half_precision.h"
#include "graph/infer_shapes.h"

namespace edet::graph {
namespace {

// In the values of a shape of which only a part is known.
constexpr int64_t kUnknownValue = std::numeric_limits<int64_t>::min();

bool MovesOnly(const std::string& op) {
  return op == "Slice" || op == "Gather" || op == "Squeeze" || op == "Unsqueeze" ||
         op == "Concat" || op == "Identity" || op == "Reshape";
}

class Folder {
 public:
  explicit Folder(Graph& graph) : graph_(graph), output_(graph.values.size(), false) {
    for (ValueId id : graph.outputs) output_[static_cast<size_t>(id)] = true;
  }

  int Run() {
    std::vector<Node> kept;
    kept.reserve(graph_.nodes.size());
    int folded = 0;
    for (Node& node : graph_.nodes) {
      InferNode(graph_, node);
      if (Fold(node)) {
        ++folded;
      } else {
        kept.push_back(std::move(node));
      }
    }
    graph_.nodes = std::move(kept);
    return folded;
  }

 private:
  bool Fold(const Node& node) {
    for (ValueId id : node.outputs)
      if (id != kNoValue && output_[static_cast<size_t>(id)]) return false;
    return FoldShape(node) || FoldWidening(node) || FoldConstant(node) || FoldPartOfShape(node);
  }

  bool MakeConstant(ValueId id, TensorPtr tensor) {
    Value& value = graph_.value(id);
    value.type = tensor->type;
    value.shape = tensor->shape;
    value.shape_known = true;
    value.constant = std::move(tensor);
    return true;
  }

  bool FoldShape(const Node& node) {
    bool reads_shape = node.domain.empty() && (node.op == "Shape" || node.op == "Size") &&
                       node.attributes.empty() && node.inputs.size() == 1 &&
                       node.inputs[0] != kNoValue && node.outputs.size() == 1;
    if (!reads_shape || !graph_.value(node.inputs[0]).shape_known) return false;
    const Value& input = graph_.value(node.inputs[0]);
    if (!IsStatic(input)) {
      if (node.op == "Shape") RememberPart(node.outputs[0], input.shape);
      return false;
    }
    int64_t size = 1;
    for (int64_t dimension : input.shape)
      if (__builtin_mul_overflow(size, dimension, &size)) return false;
    Shape rank{static_cast<int64_t>(input.shape.size())};
    return MakeConstant(node.outputs[0], node.op == "Size"
                                             ? Int64Tensor({}, {size})
                                             : Int64Tensor(std::move(rank), input.shape));
  }

  void RememberPart(ValueId id, Shape values) {
    std::replace(values.begin(), values.end(), kDynamic, kUnknownValue);
    Shape rank{static_cast<int64_t>(values.size())};
    parts_[id] = Int64Tensor(std::move(rank), std::move(values));
  }

  static size_t Elements(const Tensor& tensor) {
    return std::max(tensor.floats.size(), tensor.integers.size());
  }

  // Weights that are stored in half precision and computed with in float32.
  bool FoldWidening(const Node& node) {
    constexpr int64_t kFloat = 1;  // ONNX's number
    const bool widens = node.op == "Cast" && node.domain.empty() && node.inputs.size() == 1 &&
                        node.outputs.size() == 1 && IntAttribute(node, "to", 0) == kFloat;
    const TensorPtr half = widens ? graph_.constant(node.inputs[0]) : nullptr;
    if (!half || half->type != ElementType::kFloat16) return false;
    std::vector<float> values;
    values.reserve(half->halves.size());
    for (uint16_t bits : half->halves) values.push_back(HalfValue(bits));
    return MakeConstant(node.outputs[0], FloatTensor(half->shape, std::move(values)));
  }

  bool FoldConstant(const Node& node) {
    if (!node.captures.empty()) return false;
    constexpr size_t kSmall = 65536;
    size_t read = 0;
    std::vector<TensorPtr> inputs;
    for (ValueId id : node.inputs) {
      inputs.push_back(graph_.constant(id));
      if (!inputs.back() && id != kNoValue) return false;
      if (inputs.back()) read += Elements(*inputs.back());
    }
    std::vector<TensorPtr> outputs = Evaluate(node, inputs, std::max(kSmall, 2 * read));
    if (outputs.size() < node.outputs.size() || outputs.empty()) return false;
    for (size_t i = 0; i < node.outputs.size(); ++i)
      if (node.outputs[i] != kNoValue) MakeConstant(node.outputs[i], outputs[i]);
    return true;
  }

  // Arithmetic on a shape of which a part is free folds where it only touches the rest.
  bool FoldPartOfShape(const Node& node) {
    bool cast = node.op == "Cast" && (IntAttribute(node, "to", 0) == 6 ||  // int32
                                      IntAttribute(node, "to", 0) == 7);   // int64
    if (!node.domain.empty() || !(cast || MovesOnly(node.op)) || node.outputs.size() != 1)
      return false;
    std::vector<TensorPtr> inputs;
    bool partial = false;
    for (ValueId id : node.inputs) {
      auto part = parts_.find(id);
      partial = partial || part != parts_.end();
      inputs.push_back(part != parts_.end() ? part->second : graph_.constant(id));
      if (!inputs.back() && id != kNoValue) return false;
    }
    bool data_only = node.op == "Concat" || parts_.count(node.inputs[0]) == 1;
    if (!partial || !data_only) return false;
    if (cast) return KeepPart(node.outputs[0], inputs[0]);
    std::vector<TensorPtr> outputs = Evaluate(node, inputs);
    return !outputs.empty() && KeepPart(node.outputs[0], outputs[0]);
  }

  // True if nothing of it is unknown any more.
  bool KeepPart(ValueId id, TensorPtr tensor) {
    const std::vector<int64_t>& values = tensor->integers;
    if (std::find(values.begin(), values.end(), kUnknownValue) != values.end()) {
      parts_[id] = std::move(tensor);
      return false;
    }
    Tensor typed = *tensor;
    typed.type = graph_.value(id).type;
    if (!HoldsIntegers(typed.type)) return false;
    return MakeConstant(id, std::make_shared<const Tensor>(std::move(typed)));
  }

  Graph& graph_;
  std::vector<bool> output_;  // by value: the graph gives it away
  std::unordered_map<ValueId, TensorPtr> parts_;
};

}  // namespace

int FoldConstants(Graph& graph) { return Folder(graph).Run(); }

}  // namespace edet::graph
