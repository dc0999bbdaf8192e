#include "onnx/upgrade_bodies.h"

#include <onnx/onnx_pb.h>

#include <functional>
#include <unordered_set>
#include <vector>

namespace edet::onnx_format {
namespace format = ::onnx;
namespace {

using Names = std::unordered_set<std::string>;
using Visit = std::function<Status(format::GraphProto&, format::NodeProto&)>;

// Bodies within bodies too; protobuf's own limit bounds the depth.
Status ForEachNode(format::AttributeProto& attribute, const Visit& visit) {
  auto walk = [&visit](format::GraphProto& body) -> Status {
    for (auto& node : *body.mutable_node()) {
      for (auto& inner : *node.mutable_attribute()) EDET_RETURN_IF_ERROR(ForEachNode(inner, visit));
      bool own = node.domain().empty() || node.domain() == "ai.onnx";
      if (own) EDET_RETURN_IF_ERROR(visit(body, node));
    }
    return {};
  };
  if (attribute.has_g()) EDET_RETURN_IF_ERROR(walk(*attribute.mutable_g()));
  for (auto& body : *attribute.mutable_graphs()) EDET_RETURN_IF_ERROR(walk(body));
  return {};
}

Error CannotSay(const format::NodeProto& node, const std::string& owner, const std::string& form) {
  return {ErrorCode::kUnsupported,
          "the body of '" + owner + "' has " + node.op_type() + " in the form of " + form,
          "node " + node.name(), "export the model with opset 13"};
}

class BodyUpgrade {
 public:
  BodyUpgrade(int64_t opset, const std::string& owner) : opset_(opset), owner_(owner) {}

  Status Apply(format::GraphProto& body, format::NodeProto& node) {
    const std::string op = node.op_type();
    if (CannotBeSaid(op, node)) return CannotSay(node, owner_, "opset " + std::to_string(opset_));
    if (opset_ < 13 && (op == "Squeeze" || op == "Unsqueeze" || op == "ReduceSum"))
      ToInput(body, node, "axes", 1);
    if (opset_ < 13 && op == "Split") ToInput(body, node, "split", 1);
    if (opset_ < 11 && op == "Clip") ToInputs(body, node, {"min", "max"});
    if (opset_ < 11 && op == "Pad") ToInputs(body, node, {"pads", "value"});
    if (opset_ < 10 && op == "Slice") ToInputs(body, node, {"starts", "ends", "axes"});
    if (opset_ < 10 && op == "TopK") ToInput(body, node, "k", 1);
    return {};
  }

 private:
  bool CannotBeSaid(const std::string& op, const format::NodeProto& node) const {
    static const Names over_axes = {"Softmax", "LogSoftmax", "Hardmax"};
    static const Names of_eighteen = {
        "ReduceMax", "ReduceMin",    "ReduceMean",      "ReduceProd",      "ReduceL1", "ReduceL2",
        "Split",     "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare", "Resize",   "Pad"};
    if (opset_ < 13 && over_axes.count(op) == 1) return !IsOverLastAxis(node);
    if (opset_ < 11 && (op == "Resize" || op == "Upsample")) return true;
    if (opset_ < 9 && op == "Scan") return true;
    return opset_ >= 18 && of_eighteen.count(op) == 1;
  }

  static bool IsOverLastAxis(const format::NodeProto& node) {
    for (const auto& attribute : node.attribute())
      if (attribute.name() == "axis") return attribute.i() == -1;
    return false;
  }

  void ToInputs(format::GraphProto& body, format::NodeProto& node,
                const std::vector<const char*>& names) {
    for (size_t i = 0; i < names.size(); ++i)
      ToInput(body, node, names[i], static_cast<int>(i) + 1);
  }

  // Makes an attribute a constant of the body, and that the node's input at `place`.
  void ToInput(format::GraphProto& body, format::NodeProto& node, const char* name, int place) {
    for (int i = 0; i < node.attribute_size(); ++i) {
      if (node.attribute(i).name() != name) continue;
      std::string constant = "edet_" + std::to_string(made_++) + "/" + node.output(0) + "/" + name;
      AddConstant(body, node.attribute(i), constant);
      while (node.input_size() <= place) node.add_input("");
      node.set_input(place, constant);
      node.mutable_attribute()->DeleteSubrange(i, 1);
      return;
    }
  }

  static void AddConstant(format::GraphProto& body, const format::AttributeProto& from,
                          const std::string& name) {
    auto* tensor = body.add_initializer();
    tensor->set_name(name);
    bool is_float = from.type() == format::AttributeProto_AttributeType_FLOAT;
    tensor->set_data_type(is_float ? format::TensorProto_DataType_FLOAT
                                   : format::TensorProto_DataType_INT64);
    if (is_float) return tensor->add_float_data(from.f());
    bool single = from.type() == format::AttributeProto_AttributeType_INT;
    tensor->add_dims(single ? 1 : from.ints_size());
    if (single) return tensor->add_int64_data(from.i());
    for (int64_t value : from.ints()) tensor->add_int64_data(value);
  }

  int64_t opset_;
  const std::string& owner_;
  size_t made_ = 0;
};

}  // namespace

Status UpgradeBodies(std::string& attribute, int64_t from_opset, const std::string& owner) {
  format::AttributeProto proto;
  if (!proto.ParseFromString(attribute))
    return Error{ErrorCode::kInternal, "a body cannot be read again", owner, ""};
  BodyUpgrade upgrade(from_opset, owner);
  EDET_RETURN_IF_ERROR(
      ForEachNode(proto, [&upgrade](format::GraphProto& body, format::NodeProto& node) -> Status {
        if (node.output_size() == 0) return {};
        return upgrade.Apply(body, node);
      }));
  attribute = proto.SerializeAsString();
  return {};
}

Status CheckBodiesForOpset(const std::string& attribute, int64_t to_opset,
                           const std::string& owner) {
  static const Names changed = {"Squeeze", "Unsqueeze", "ReduceSum", "Split"};
  format::AttributeProto proto;
  if (to_opset >= 13 || !proto.ParseFromString(attribute)) return {};
  return ForEachNode(proto, [&](format::GraphProto&, format::NodeProto& node) -> Status {
    bool new_form = changed.count(node.op_type()) == 1 && node.input_size() > 1;
    if (!new_form) return {};
    Error error = CannotSay(node, owner, "opset 13");
    error.hint = "--opset 13";
    return error;
  });
}

}  // namespace edet::onnx_format
