#include "onnx/upgrade.h"

#include <cmath>
#include <limits>
#include <string>
#include <unordered_set>
#include <utility>

#include "onnx/upgrade_bodies.h"

namespace edet::onnx_format {
using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::Shape;
using graph::TensorPtr;
using graph::ValueId;
namespace {

Error CannotSay(const Node& node, const std::string& what) {
  return {ErrorCode::kUnsupported, node.op + " " + what, "node " + node.name,
          "export the model with opset 13"};
}

class Upgrade {
 public:
  Upgrade(Graph& graph, int64_t opset) : graph_(graph), opset_(opset) {}

  Status Apply(Node& node) {
    const std::string& op = node.op;
    if (opset_ < 13 && (op == "Squeeze" || op == "Unsqueeze" || op == "ReduceSum"))
      ListToInput(node, "axes", 1);
    if (opset_ < 13 && op == "Split") ListToInput(node, "split", 1);
    if (opset_ < 13 && (op == "Softmax" || op == "LogSoftmax" || op == "Hardmax"))
      return LastAxis(node);
    if (opset_ < 11 && op == "Clip") ClipBounds(node);
    if (opset_ < 11 && op == "Pad") PadLists(node);
    if (opset_ < 10 && op == "Slice") SliceLists(node);
    if (opset_ < 10 && op == "TopK") NumberToInput(node, "k", 1);
    if (op == "BatchNormalization") node.attributes.erase("spatial");
    if (opset_ >= 18) return FromEighteen(node);
    return {};
  }

 private:
  ValueId List(const Node& node, const std::string& what, std::vector<int64_t> values) {
    Shape shape{static_cast<int64_t>(values.size())};
    return graph_.AddConstant(node.name + "/" + what,
                              graph::Int64Tensor(std::move(shape), std::move(values)));
  }
  static void SetInput(Node& node, size_t place, ValueId id) {
    if (node.inputs.size() <= place) node.inputs.resize(place + 1, kNoValue);
    node.inputs[place] = id;
  }
  void ListToInput(Node& node, const std::string& name, size_t place) {
    if (node.attributes.count(name) == 0) return;
    SetInput(node, place, List(node, name, IntsAttribute(node, name)));
    node.attributes.erase(name);
  }
  void NumberToInput(Node& node, const std::string& name, size_t place) {
    if (node.attributes.count(name) == 0) return;
    SetInput(node, place, List(node, name, {IntAttribute(node, name, 0)}));
    node.attributes.erase(name);
  }
  void SliceLists(Node& node) {
    ListToInput(node, "starts", 1);
    ListToInput(node, "ends", 2);
    ListToInput(node, "axes", 3);
  }
  void FloatToInput(Node& node, const std::string& name, size_t place) {
    if (node.attributes.count(name) == 0) return;
    float value = FloatAttribute(node, name, 0.F);
    SetInput(node, place,
             graph_.AddConstant(node.name + "/" + name, graph::FloatTensor({}, {value})));
    node.attributes.erase(name);
  }
  void ClipBounds(Node& node) {
    FloatToInput(node, "min", 1);
    FloatToInput(node, "max", 2);
  }
  void PadLists(Node& node) {
    ListToInput(node, "pads", 1);
    FloatToInput(node, "value", 2);
  }

  // Before opset 13 these worked over all axes from `axis` on at once.
  Status LastAxis(Node& node) {
    const graph::Value& x = graph_.value(node.inputs.at(0));
    int64_t axis = IntAttribute(node, "axis", 1);
    auto rank = static_cast<int64_t>(x.shape.size());
    if (!x.shape_known && axis != -1) return CannotSay(node, "of a shape that is not stated");
    if (axis != -1 && axis != rank - 1) return CannotSay(node, "over several axes");
    node.attributes["axis"] = int64_t{-1};
    return {};
  }

  Status FromEighteen(Node& node) {
    static const std::unordered_set<std::string> reductions = {
        "ReduceMax", "ReduceMin",    "ReduceMean",      "ReduceProd",     "ReduceL1",
        "ReduceL2",  "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"};
    if (reductions.count(node.op) == 1) return AxesToAttribute(node);
    if (node.op == "Split") return SplitSizes(node);
    if (node.op == "Pad") return PadAllAxes(node);
    if (node.op == "Resize") return PlainResize(node);
    return {};
  }

  Status AxesToAttribute(Node& node) {
    if (node.inputs.size() < 2 || node.inputs[1] == kNoValue) {
      bool nothing = IntAttribute(node, "noop_with_empty_axes", 0) != 0;
      node.attributes.erase("noop_with_empty_axes");
      if (nothing) return CannotSay(node, "without axes that does nothing");
      node.inputs.resize(1);
      return {};
    }
    TensorPtr axes = graph_.constant(node.inputs[1]);
    if (!axes) return CannotSay(node, "over axes that are computed");
    node.attributes.erase("noop_with_empty_axes");
    node.attributes["axes"] = axes->integers;
    node.inputs.resize(1);
    return {};
  }

  Status SplitSizes(Node& node) {
    bool given = node.inputs.size() > 1 && node.inputs[1] != kNoValue;
    node.attributes.erase("num_outputs");
    if (given) return {};
    const graph::Value& x = graph_.value(node.inputs.at(0));
    auto rank = static_cast<int64_t>(x.shape.size()), axis = IntAttribute(node, "axis", 0);
    if (axis < 0) axis += rank;
    bool known = x.shape_known && axis >= 0 && axis < rank && x.shape[size_t(axis)] >= 0;
    if (!known) return {};
    auto parts = static_cast<int64_t>(node.outputs.size());
    int64_t left = x.shape[static_cast<size_t>(axis)], each = (left + parts - 1) / parts;
    std::vector<int64_t> sizes;
    for (int64_t i = 0; i < parts; ++i) {
      sizes.push_back(std::min(each, left));
      left -= sizes.back();
    }
    SetInput(node, 1, List(node, "split", std::move(sizes)));
    return {};
  }

  Status PadAllAxes(Node& node) {
    if (node.inputs.size() < 4 || node.inputs[3] == kNoValue) return {};
    TensorPtr axes = graph_.constant(node.inputs[3]), pads = graph_.constant(node.inputs[1]);
    const graph::Value& x = graph_.value(node.inputs[0]);
    size_t rank = x.shape.size();
    if (!axes || !pads || !x.shape_known || pads->integers.size() != 2 * axes->integers.size())
      return CannotSay(node, "of some axes only");
    std::vector<int64_t> all(2 * rank, 0);
    for (size_t i = 0; i < axes->integers.size(); ++i) {
      int64_t axis = axes->integers[i] + (axes->integers[i] < 0 ? static_cast<int64_t>(rank) : 0);
      if (axis < 0 || axis >= static_cast<int64_t>(rank)) return CannotSay(node, "of a wrong axis");
      all[static_cast<size_t>(axis)] = pads->integers[i];
      all[static_cast<size_t>(axis) + rank] = pads->integers[i + axes->integers.size()];
    }
    SetInput(node, 1, List(node, "pads", std::move(all)));
    node.inputs.resize(3);
    if (node.inputs[2] == kNoValue) node.inputs.resize(2);
    return {};
  }

  static Status PlainResize(Node& node) {
    bool antialias = IntAttribute(node, "antialias", 0) != 0;
    std::string policy = StringAttribute(node, "keep_aspect_ratio_policy", "stretch");
    if (antialias || policy != "stretch" || node.attributes.count("axes") == 1)
      return CannotSay(node, "in a form of opset 18");
    node.attributes.erase("antialias");
    node.attributes.erase("keep_aspect_ratio_policy");
    return {};
  }

  Graph& graph_;
  int64_t opset_;
};

// Before opset 13 region and scales had to be there, if only empty.
void FillResize(Graph& graph, Node& node) {
  for (size_t place = 1; place < node.inputs.size() && place < 3; ++place) {
    if (node.inputs[place] == kNoValue)
      node.inputs[place] = graph.AddConstant(node.name + "/none_" + std::to_string(place),
                                             graph::FloatTensor({0}, {}));
  }
}

Status InputToList(const Graph& graph, Node& node, const char* name) {
  if (node.inputs.size() < 2 || node.inputs[1] == kNoValue) {
    node.inputs.resize(std::min<size_t>(node.inputs.size(), 1));
    return {};
  }
  TensorPtr values = graph.constant(node.inputs[1]);
  if (!values) {
    return Error{ErrorCode::kUnsupported,
                 node.op + "'s " + name + " are computed, which opset 13 brought",
                 "node " + node.name, "--opset 13"};
  }
  node.attributes[name] = values->integers;
  node.inputs.resize(1);
  return {};
}

using BodyChange = Status (*)(std::string& attribute, int64_t opset, const std::string& owner);

// Attributes of If, Loop and Scan that hold bodies.
Status ForEachBody(Graph& graph, int64_t opset, BodyChange change) {
  for (Node& node : graph.nodes)
    for (auto& [name, attribute] : node.attributes)
      if (auto* opaque = std::get_if<graph::OpaqueAttribute>(&attribute))
        EDET_RETURN_IF_ERROR(change(opaque->bytes, opset, node.name));
  return {};
}

}  // namespace

Status UpgradeOperators(Graph& graph, int64_t from_opset) {
  Upgrade upgrade(graph, from_opset);
  for (Node& node : graph.nodes) {
    bool takes = node.domain.empty() && !node.inputs.empty() && node.inputs[0] != kNoValue;
    if (takes) EDET_RETURN_IF_ERROR(upgrade.Apply(node));
  }
  if (from_opset >= 13 && from_opset < 18) return {};
  return ForEachBody(graph, from_opset, UpgradeBodies);
}

Status DowngradeOperators(Graph& graph, int64_t to_opset) {
  if (to_opset >= 13) return {};
  EDET_RETURN_IF_ERROR(
      ForEachBody(graph, to_opset, [](std::string& body, int64_t opset, const std::string& owner) {
        return CheckBodiesForOpset(body, opset, owner);
      }));
  for (Node& node : graph.nodes) {
    if (!node.domain.empty()) continue;
    if (node.op == "Squeeze" || node.op == "Unsqueeze" || node.op == "ReduceSum")
      EDET_RETURN_IF_ERROR(InputToList(graph, node, "axes"));
    if (node.op == "Split") EDET_RETURN_IF_ERROR(InputToList(graph, node, "split"));
    if (node.op == "Resize") FillResize(graph, node);
  }
  return {};
}

}  // namespace edet::onnx_format
