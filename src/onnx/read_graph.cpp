#include "onnx/read_graph.h"

#include <onnx/defs/schema.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/printable.h"
#include "graph/rewrite.h"
#include "onnx/check_nodes.h"
#include "onnx/read.h"
#include "onnx/read_tensor.h"
#include "onnx/types.h"
#include "onnx/upgrade.h"

namespace edet::onnx_format {
namespace fs = std::filesystem;
namespace format = ::onnx;
using graph::ElementType;
using graph::kNoValue;
using graph::ValueId;
namespace {

Error Corrupt(std::string what, std::string where) {
  return {ErrorCode::kCorrupt, std::move(what), std::move(where), "export it again"};
}

// A name as errors show it.
std::string Printable(const std::string& name) { return edet::Printable(name, 200); }

std::string Where(const format::NodeProto& node) {
  std::string name = node.name();
  if (name.empty() && node.output_size() > 0) name = node.output(0);
  return "node " + Printable(name);
}

// Counts over all graphs, subgraphs too, before anything is made of them.
struct Totals {
  uint64_t nodes = 0, tensors = 0;
};

Status CheckNames(const format::NodeProto& node, const ReadLimits& limits) {
  auto too_long = [&](const std::string& name) { return name.size() > limits.name_bytes; };
  bool bad = too_long(node.name()) || too_long(node.op_type()) ||
             std::any_of(node.input().begin(), node.input().end(), too_long) ||
             std::any_of(node.output().begin(), node.output().end(), too_long);
  if (bad) return Error{ErrorCode::kLimitExceeded, "a name is too long", Where(node), ""};
  return {};
}

// Whoever works on a graph relies on the inputs that an operator of ONNX cannot be without.
Status CheckInputs(const format::NodeProto& node, int64_t opset) {
  bool own = node.domain().empty() || node.domain() == "ai.onnx";
  const format::OpSchema* schema =
      own ? format::OpSchemaRegistry::Schema(node.op_type(), static_cast<int>(opset), "") : nullptr;
  for (int i = 0; schema != nullptr && i < schema->min_input(); ++i) {
    size_t place = std::min(static_cast<size_t>(i), schema->inputs().size() - 1);
    bool needed = schema->inputs()[place].GetOption() != format::OpSchema::Optional;
    bool there = i < node.input_size() && !node.input(i).empty();
    if (needed && !there)
      return Corrupt(Printable(node.op_type()) + " lacks an input that it needs", Where(node));
  }
  return {};
}

Status CountAll(const format::GraphProto& graph, int64_t opset, const ReadLimits& limits,
                Totals& totals) {
  totals.nodes += static_cast<uint64_t>(graph.node_size());
  totals.tensors += static_cast<uint64_t>(graph.initializer_size());
  if (totals.nodes > limits.nodes)
    return Error{ErrorCode::kLimitExceeded, "has too many nodes", "", ""};
  if (totals.tensors > limits.tensors)
    return Error{ErrorCode::kLimitExceeded, "has too many constants", "", ""};
  for (const auto& node : graph.node()) {
    EDET_RETURN_IF_ERROR(CheckNames(node, limits));
    EDET_RETURN_IF_ERROR(CheckInputs(node, opset));
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) EDET_RETURN_IF_ERROR(CountAll(attribute.g(), opset, limits, totals));
      for (const auto& inner : attribute.graphs())
        EDET_RETURN_IF_ERROR(CountAll(inner, opset, limits, totals));
    }
  }
  return {};
}

using NameSet = std::unordered_set<std::string>;

// What a subgraph reads by name and does not make itself. protobuf's own depth limit bounds this.
void CollectCaptures(const format::GraphProto& graph, NameSet& captured) {
  NameSet read, made;
  for (const auto& value : graph.input()) made.insert(value.name());
  for (const auto& tensor : graph.initializer()) made.insert(tensor.name());
  for (const auto& node : graph.node()) {
    for (const std::string& name : node.input()) read.insert(name);
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) CollectCaptures(attribute.g(), read);
      for (const auto& inner : attribute.graphs()) CollectCaptures(inner, read);
    }
    for (const std::string& name : node.output()) made.insert(name);
  }
  for (const auto& value : graph.output()) read.insert(value.name());
  for (const std::string& name : read)
    if (!name.empty() && made.count(name) == 0) captured.insert(name);
}

bool IsConstant(const format::NodeProto& node) {
  return node.op_type() == "Constant" && (node.domain().empty() || node.domain() == "ai.onnx");
}

class Reader {
 public:
  Reader(const fs::path& folder, const ReadLimits& limits) : folder_(folder), limits_(limits) {}

  Result<graph::Graph> Read(format::GraphProto& proto) {
    graph_.name = proto.name();
    for (auto& tensor : *proto.mutable_initializer()) EDET_RETURN_IF_ERROR(AddInitializer(tensor));
    if (proto.sparse_initializer_size() > 0)
      return Error{ErrorCode::kUnsupported, "has sparse constants", "", "export it dense"};
    for (const auto& value : proto.input()) EDET_RETURN_IF_ERROR(AddInput(value));
    for (auto& node : *proto.mutable_node()) EDET_RETURN_IF_ERROR(DeclareOutputs(node));
    for (const auto& value : proto.value_info()) Describe(value);
    for (const auto& value : proto.output()) Describe(value);
    for (auto& node : *proto.mutable_node())
      if (!IsConstant(node)) EDET_RETURN_IF_ERROR(AddNode(node));
    for (const auto& value : proto.output()) EDET_RETURN_IF_ERROR(AddOutput(value.name()));
    return std::move(graph_);
  }

 private:
  Result<ValueId> Declare(const std::string& name, graph::Value value) {
    if (name.size() > limits_.name_bytes)
      return Error{ErrorCode::kLimitExceeded, "a name is too long", Printable(name), ""};
    value.name = name;
    graph_.values.push_back(std::move(value));
    auto id = static_cast<ValueId>(graph_.values.size() - 1);
    if (!ids_.emplace(name, id).second)
      return Corrupt("two things make the same value", "'" + Printable(name) + "'");
    return id;
  }

  static graph::Value Unknown() {
    graph::Value value;
    value.type = ElementType::kUnknown;
    value.shape_known = false;
    return value;
  }

  Status AddInitializer(format::TensorProto& tensor) {
    EDET_ASSIGN_OR_RETURN(graph::TensorPtr constant, ReadTensor(tensor, folder_, limits_));
    return DeclareConstant(tensor.name(), std::move(constant));
  }

  Status DeclareConstant(const std::string& name, graph::TensorPtr constant) {
    graph::Value value;
    value.type = constant->type;
    value.shape = constant->shape;
    value.constant = std::move(constant);
    EDET_ASSIGN_OR_RETURN([[maybe_unused]] ValueId id, Declare(name, std::move(value)));
    return {};
  }

  // Old files list their constants among the inputs as well.
  Status AddInput(const format::ValueInfoProto& proto) {
    if (ids_.count(proto.name()) == 1) return {};
    EDET_ASSIGN_OR_RETURN(ValueId id, Declare(proto.name(), Unknown()));
    Describe(proto);
    const graph::Value& value = graph_.value(id);
    bool impossible = std::any_of(value.shape.begin(), value.shape.end(),
                                  [](int64_t d) { return d < 0 && d != graph::kDynamic; });
    if (impossible || value.shape.size() > limits_.rank)
      return Corrupt("an input has an impossible shape", "'" + Printable(proto.name()) + "'");
    graph_.inputs.push_back(id);
    return {};
  }

  void Describe(const format::ValueInfoProto& proto) {
    auto found = ids_.find(proto.name());
    if (found == ids_.end() || !proto.type().has_tensor_type()) return;
    graph::Value& value = graph_.value(found->second);
    if (value.constant) return;
    const auto& tensor = proto.type().tensor_type();
    value.type = TypeFromOnnx(tensor.elem_type());
    value.shape_known = tensor.has_shape();
    value.shape.clear();
    for (const auto& dimension : tensor.shape().dim()) {
      value.shape.push_back(dimension.has_dim_value() ? dimension.dim_value() : graph::kDynamic);
    }
  }

  Status DeclareOutputs(format::NodeProto& node) {
    if (IsConstant(node)) return AddConstantNode(node);
    for (const std::string& name : node.output()) {
      if (name.empty()) continue;
      EDET_ASSIGN_OR_RETURN([[maybe_unused]] ValueId id, Declare(name, Unknown()));
    }
    return {};
  }

  Status AddConstantNode(format::NodeProto& node) {
    if (node.output_size() != 1 || node.attribute_size() != 1)
      return Corrupt("a Constant has one value and one output", Where(node));
    auto& attribute = *node.mutable_attribute(0);
    const std::string& name = node.output(0);
    if (attribute.name() == "value") {
      attribute.mutable_t()->set_name(name);
      EDET_ASSIGN_OR_RETURN(graph::TensorPtr constant,
                            ReadTensor(*attribute.mutable_t(), folder_, limits_));
      return DeclareConstant(name, std::move(constant));
    }
    graph::Shape list_of_floats{attribute.floats_size()}, list_of_ints{attribute.ints_size()};
    if (attribute.name() == "value_float")
      return DeclareConstant(name, graph::FloatTensor({}, {attribute.f()}));
    if (attribute.name() == "value_int")
      return DeclareConstant(name, graph::Int64Tensor({}, {attribute.i()}));
    if (attribute.name() == "value_floats")
      return DeclareConstant(name, graph::FloatTensor(list_of_floats, {attribute.floats().begin(),
                                                                       attribute.floats().end()}));
    if (attribute.name() == "value_ints")
      return DeclareConstant(name, graph::Int64Tensor(list_of_ints, {attribute.ints().begin(),
                                                                     attribute.ints().end()}));
    return Error{ErrorCode::kUnsupported, "a Constant of an unknown form", Where(node), ""};
  }

  Result<ValueId> Find(const std::string& name, const format::NodeProto& node) const {
    if (name.empty()) return ValueId{kNoValue};
    auto found = ids_.find(name);
    if (found == ids_.end()) return Corrupt("nothing makes '" + Printable(name) + "'", Where(node));
    return ValueId{found->second};
  }

  Status AddNode(format::NodeProto& proto) {
    graph::Node node;
    node.op = proto.op_type();
    node.name = proto.name();
    node.domain = proto.domain() == "ai.onnx" ? "" : proto.domain();
    for (const std::string& name : proto.input()) {
      EDET_ASSIGN_OR_RETURN(ValueId id, Find(name, proto));
      node.inputs.push_back(id);
    }
    for (const std::string& name : proto.output()) {
      EDET_ASSIGN_OR_RETURN(ValueId id, Find(name, proto));
      node.outputs.push_back(id);
    }
    if (node.op.empty() || node.outputs.empty())
      return Corrupt("a node has no operator or no output", Where(proto));
    for (auto& attribute : *proto.mutable_attribute())
      EDET_RETURN_IF_ERROR(AddAttribute(attribute, proto, node));
    graph_.nodes.push_back(std::move(node));
    return {};
  }

  Status AddAttribute(format::AttributeProto& proto, const format::NodeProto& owner,
                      graph::Node& node) {
    EDET_RETURN_IF_ERROR(AddCaptures(proto, owner, node));
    graph::Attribute& attribute = node.attributes[proto.name()];
    switch (proto.type()) {
      case format::AttributeProto_AttributeType_INT:
        attribute = proto.i();
        return {};
      case format::AttributeProto_AttributeType_FLOAT:
        attribute = proto.f();
        return {};
      case format::AttributeProto_AttributeType_STRING:
        attribute = proto.s();
        return {};
      case format::AttributeProto_AttributeType_INTS:
        attribute = std::vector<int64_t>(proto.ints().begin(), proto.ints().end());
        return {};
      case format::AttributeProto_AttributeType_FLOATS:
        attribute = std::vector<float>(proto.floats().begin(), proto.floats().end());
        return {};
      case format::AttributeProto_AttributeType_TENSOR: {
        EDET_ASSIGN_OR_RETURN(graph::TensorPtr tensor,
                              ReadTensor(*proto.mutable_t(), folder_, limits_));
        attribute = std::move(tensor);
        return {};
      }
      default:
        attribute = graph::OpaqueAttribute{proto.SerializeAsString()};
        return {};
    }
  }

  Status AddCaptures(const format::AttributeProto& proto, const format::NodeProto& owner,
                     graph::Node& node) {
    NameSet captured;
    if (proto.has_g()) CollectCaptures(proto.g(), captured);
    for (const auto& inner : proto.graphs()) CollectCaptures(inner, captured);
    for (const std::string& name : captured) {
      EDET_ASSIGN_OR_RETURN(ValueId id, Find(name, owner));
      node.captures.push_back(id);
    }
    std::sort(node.captures.begin(), node.captures.end());
    return {};
  }

  Status AddOutput(const std::string& name) {
    auto found = ids_.find(name);
    if (found == ids_.end())
      return Corrupt("nothing makes the output '" + Printable(name) + "'", "");
    graph_.outputs.push_back(found->second);
    return {};
  }

  const fs::path& folder_;
  const ReadLimits& limits_;
  graph::Graph graph_;
  std::unordered_map<std::string, ValueId> ids_;
};

// Some node of each cycle that is left once all that can be sorted is sorted.
Status Sort(ForeignModel& model) {
  std::vector<std::string> before, after;
  for (const graph::Node& node : model.graph.nodes) before.push_back(node.name);
  if (!graph::SortNodes(model.graph)) {
    return Corrupt(
        "nodes wait for each other in a circle: " + Printable(graph::NodeInCycle(model.graph)), "");
  }
  for (const graph::Node& node : model.graph.nodes) after.push_back(node.name);
  model.sorted = before == after;
  return {};
}

size_t RepeatedNames(const graph::Graph& graph) {
  NameSet seen;
  size_t repeated = 0;
  for (const graph::Node& node : graph.nodes)
    if (node.name.empty() || !seen.insert(node.name).second) ++repeated;
  return repeated;
}

Result<int64_t> OwnOpset(const std::map<std::string, int64_t>& opsets) {
  auto own = opsets.find("");
  int64_t opset = own != opsets.end() ? own->second : 0;
  if (opset < kOldestOpset || opset > kNewestOpset) {
    return Error{ErrorCode::kUnsupported, "opset " + std::to_string(opset) + " is not read", "",
                 "export the model with an opset from 9 to 18"};
  }
  return opset;
}

Result<ForeignModel> ReadModelGraph(const fs::path& path, const ReadLimits& limits) {
  EDET_ASSIGN_OR_RETURN(ModelFile file, ReadModel(path, limits.file_bytes));
  if (file.model.functions_size() > 0)
    return Error{ErrorCode::kUnsupported, "has functions of its own", "",
                 "export it with its functions inlined"};
  ModelSummary summary = Summarize(file);
  ForeignModel model;
  model.opsets = summary.opsets;
  if (auto own = model.opsets.find("ai.onnx"); own != model.opsets.end())
    model.opsets.emplace("", own->second);
  model.producer = summary.producer;
  EDET_ASSIGN_OR_RETURN(int64_t opset, OwnOpset(model.opsets));
  EDET_RETURN_IF_ERROR(CheckNodes(file.model));
  Totals totals;
  EDET_RETURN_IF_ERROR(CountAll(file.model.graph(), opset, limits, totals));
  EDET_ASSIGN_OR_RETURN(model.graph,
                        Reader(path.parent_path(), limits).Read(*file.model.mutable_graph()));
  model.repeated_names = RepeatedNames(model.graph);
  EDET_RETURN_IF_ERROR(Sort(model));
  EDET_RETURN_IF_ERROR(UpgradeOperators(model.graph, opset));
  return model;
}

}  // namespace

Result<ForeignModel> ReadGraph(const fs::path& path, const ReadLimits& limits) {
  Result<ForeignModel> model = ReadModelGraph(path, limits);
  if (model.ok()) return model;
  Error error = model.error();
  bool located = error.where.find(path.string()) != std::string::npos;
  if (!located) error.where = path.string() + (error.where.empty() ? "" : ", " + error.where);
  return error;
}

}  // namespace edet::onnx_format
