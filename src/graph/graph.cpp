#include "graph/graph.h"

#include <set>
#include <utility>

namespace edet::graph {

TensorPtr FloatTensor(Shape shape, std::vector<float> values) {
  return std::make_shared<Tensor>(
      Tensor{ElementType::kFloat32, std::move(shape), std::move(values), {}});
}

TensorPtr Int64Tensor(Shape shape, std::vector<int64_t> values) {
  return std::make_shared<Tensor>(
      Tensor{ElementType::kInt64, std::move(shape), {}, std::move(values)});
}

bool HoldsIntegers(ElementType type) {
  switch (type) {
    case ElementType::kInt32:
    case ElementType::kInt64:
    case ElementType::kBool:
    case ElementType::kUint8:
    case ElementType::kInt8:
    case ElementType::kUint16:
    case ElementType::kInt16:
    case ElementType::kUint32:
      return true;
    default:
      return false;
  }
}

namespace {

template <typename T>
T AttributeOr(const Node& node, const std::string& name, T fallback) {
  auto found = node.attributes.find(name);
  if (found == node.attributes.end()) return fallback;
  const T* value = std::get_if<T>(&found->second);
  return value != nullptr ? *value : fallback;
}

}  // namespace

int64_t IntAttribute(const Node& node, const std::string& name, int64_t fallback) {
  return AttributeOr(node, name, fallback);
}
float FloatAttribute(const Node& node, const std::string& name, float fallback) {
  return AttributeOr(node, name, fallback);
}
std::string StringAttribute(const Node& node, const std::string& name, std::string fallback) {
  return AttributeOr(node, name, std::move(fallback));
}
std::vector<int64_t> IntsAttribute(const Node& node, const std::string& name,
                                   std::vector<int64_t> fallback) {
  return AttributeOr(node, name, std::move(fallback));
}

ValueId Graph::AddValue(Value value) {
  values.push_back(std::move(value));
  return static_cast<ValueId>(values.size() - 1);
}

ValueId Graph::AddInput(std::string input_name, ElementType type, Shape shape) {
  ValueId id = AddValue({std::move(input_name), type, std::move(shape), nullptr});
  inputs.push_back(id);
  return id;
}

ValueId Graph::AddConstant(std::string constant_name, TensorPtr tensor) {
  ElementType type = tensor->type;
  Shape shape = tensor->shape;
  return AddValue({std::move(constant_name), type, std::move(shape), std::move(tensor)});
}

ValueId Graph::AddNode(std::string op, std::string node_name, std::vector<ValueId> node_inputs,
                       ElementType type, Shape shape, std::map<std::string, Attribute> attributes) {
  ValueId output = AddValue({node_name, type, std::move(shape), nullptr});
  nodes.push_back({std::move(op),
                   std::move(node_name),
                   std::move(node_inputs),
                   {output},
                   std::move(attributes)});
  return output;
}

ValueId Graph::AddOutputToLastNode(std::string output_name, ElementType type, Shape shape) {
  ValueId output = AddValue({std::move(output_name), type, std::move(shape), nullptr});
  nodes.back().outputs.push_back(output);
  return output;
}

void Graph::MarkOutput(ValueId id, std::string output_name) {
  value(id).name = std::move(output_name);
  outputs.push_back(id);
}

uint64_t ParameterCount(const Graph& graph) {
  std::set<const Tensor*> seen;
  uint64_t count = 0;
  for (const Node& node : graph.nodes) {
    for (ValueId input : node.inputs) {
      const TensorPtr tensor = graph.constant(input);
      bool counts = tensor && (tensor->type == ElementType::kFloat32 ||
                               tensor->type == ElementType::kFloat16);
      if (!counts || !seen.insert(tensor.get()).second) continue;
      uint64_t elements = 1;
      for (int64_t dimension : tensor->shape) elements *= static_cast<uint64_t>(dimension);
      count += elements;
    }
  }
  return count;
}

}  // namespace edet::graph
