#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace edet::graph {

// The first five are what the converter writes; the others occur in graphs from elsewhere.
enum class ElementType {
  kFloat32,
  kFloat16,
  kInt32,
  kInt64,
  kBool,
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kUint64,
  kFloat64,
  kBfloat16,
  kString,
  kUnknown
};

// Dimensions, outermost first; kDynamic where only the run tells (the batch; in graphs from
// elsewhere any).
using Shape = std::vector<int64_t>;
inline constexpr int64_t kDynamic = -1;

// A constant: row-major values in the vector of its type (kFloat32: floats; kFloat16: halves, the
// bits of IEEE 754's binary16; kBool and the integer types but kUint64: integers; the rest: raw, as
// the file had them, kString as a serialized TensorProto). A constant whose values were never read
// (a plan of a graph) has a shape and no values.
struct Tensor {
  ElementType type = ElementType::kFloat32;
  Shape shape;
  std::vector<float> floats;
  std::vector<int64_t> integers;
  std::vector<uint16_t> halves = {};
  std::string raw = {};
};
// Shared by the values that use it; never changed once made.
using TensorPtr = std::shared_ptr<const Tensor>;

TensorPtr FloatTensor(Shape shape, std::vector<float> values);
TensorPtr Int64Tensor(Shape shape, std::vector<int64_t> values);

// True for the types whose values are in Tensor::integers.
bool HoldsIntegers(ElementType type);

// Index into Graph::values.
using ValueId = int32_t;
// In Node::inputs and outputs: an optional one that is not there.
inline constexpr ValueId kNoValue = -1;

// An edge of the graph: an input, a node's output or a constant.
struct Value {
  std::string name;  // unique in the graph
  ElementType type = ElementType::kFloat32;
  Shape shape;
  TensorPtr constant;  // null unless a constant
  // False in graphs from elsewhere where neither the file nor inference tells even the rank.
  bool shape_known = true;
};

// An attribute that only its reader and writer look into (the subgraph of a Loop): a serialized
// AttributeProto.
struct OpaqueAttribute {
  std::string bytes;
};
using Attribute = std::variant<int64_t, float, std::string, std::vector<int64_t>,
                               std::vector<float>, TensorPtr, OpaqueAttribute>;

// One ONNX operator. Operators of the default domain, and TensorRT plugins, which carry no domain
// either.
struct Node {
  std::string op;
  std::string name;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::map<std::string, Attribute> attributes;
  // Computes beyond the range of half precision: ToHalfPrecision leaves it in float32.
  bool needs_float32 = false;
  std::string domain = {};  // empty: ONNX's own
  // What its subgraphs read by name: these values keep their names, and are used by it.
  std::vector<ValueId> captures = {};
};

// An attribute's value, or `fallback` where the node has none of that name and type.
int64_t IntAttribute(const Node& node, const std::string& name, int64_t fallback);
float FloatAttribute(const Node& node, const std::string& name, float fallback);
std::string StringAttribute(const Node& node, const std::string& name, std::string fallback);
std::vector<int64_t> IntsAttribute(const Node& node, const std::string& name,
                                   std::vector<int64_t> fallback = {});

// Nodes are in topological order: a node's inputs are constants, graph inputs or outputs of earlier
// nodes. One thread.
struct Graph {
  std::string name;
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;

  const Value& value(ValueId id) const { return values[static_cast<size_t>(id)]; }
  Value& value(ValueId id) { return values[static_cast<size_t>(id)]; }
  const Shape& shape(ValueId id) const { return value(id).shape; }
  // The constant of an input that may be absent or computed: null then.
  TensorPtr constant(ValueId id) const { return id == kNoValue ? nullptr : value(id).constant; }

  ValueId AddInput(std::string name, ElementType type, Shape shape);
  ValueId AddConstant(std::string name, TensorPtr tensor);
  // Adds an operator of one output, which takes the node's name.
  ValueId AddNode(std::string op, std::string name, std::vector<ValueId> inputs, ElementType type,
                  Shape shape, std::map<std::string, Attribute> attributes = {});
  // Adds a further output to the last node (operators of several outputs).
  ValueId AddOutputToLastNode(std::string name, ElementType type, Shape shape);
  // Makes a value an output of the graph under this name.
  void MarkOutput(ValueId id, std::string name);

 private:
  ValueId AddValue(Value value);
};

// Number of values in all constants that some node uses, each tensor once.
uint64_t ParameterCount(const Graph& graph);

}  // namespace edet::graph
