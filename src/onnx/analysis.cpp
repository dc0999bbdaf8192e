#include "onnx/analysis.h"

#include <fmt/format.h>
#include <onnx/shape_inference/implementation.h>

#include <exception>
#include <unordered_map>

#include "base/checked_math.h"
#include "onnx/blocks.h"
#include "onnx/check_nodes.h"
#include "onnx/cost.h"
#include "onnx/read.h"

namespace edet::onnx_format {
namespace {

namespace format = ::onnx;

// Inference reads small integer constants (a new shape, say) and never the weights.
void DropWeights(format::GraphProto& graph) {
  constexpr int64_t kMostElements = 4096;
  for (auto& initializer : *graph.mutable_initializer()) {
    std::vector<int64_t> shape(initializer.dims().begin(), initializer.dims().end());
    if (ElementCount(shape).value_or(0) <= kMostElements) continue;
    initializer.clear_raw_data();
    initializer.clear_float_data();
    initializer.clear_int32_data();
    initializer.clear_int64_data();
    initializer.clear_double_data();
    initializer.clear_uint64_data();
  }
}

// Adds what the file does not state; what it states stays. Returns why it stopped early.
std::string InferShapes(format::ModelProto& model) {
  try {
    format::shape_inference::InferShapes(model, format::OpSchemaRegistry::Instance(),
                                         format::ShapeInferenceOptions(false, 0, true));
  } catch (const std::exception& error) {
    std::string why = error.what();
    return why.substr(0, why.find('\n'));
  }
  return {};
}

std::string Shortened(std::string text) {
  constexpr size_t kMost = 120;
  return text.size() > kMost ? text.substr(0, kMost) + "..." : text;
}

template <typename Numbers>
std::string ListText(const Numbers& numbers) {
  constexpr int kMost = 16;
  std::string text;
  for (int i = 0; i < numbers.size() && i < kMost; ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", numbers.Get(i));
  return numbers.size() > kMost ? fmt::format("[{}, ... {} numbers]", text, numbers.size())
                                : "[" + text + "]";
}

std::string AttributeText(const format::AttributeProto& attribute) {
  switch (attribute.type()) {
    case format::AttributeProto_AttributeType_INT:
      return std::to_string(attribute.i());
    case format::AttributeProto_AttributeType_FLOAT:
      return fmt::format("{}", attribute.f());
    case format::AttributeProto_AttributeType_STRING:
      return Shortened(attribute.s());
    case format::AttributeProto_AttributeType_INTS:
      return ListText(attribute.ints());
    case format::AttributeProto_AttributeType_FLOATS:
      return ListText(attribute.floats());
    case format::AttributeProto_AttributeType_TENSOR:
      return fmt::format("{} {}", TypeName(attribute.t().data_type()),
                         ListText(attribute.t().dims()));
    case format::AttributeProto_AttributeType_GRAPH:
      return fmt::format("graph of {} nodes", attribute.g().node_size());
    default:
      return "(not shown)";
  }
}

// Walks a graph and the graphs inside it. Names of an inner graph hide those outside.
class Walk {
 public:
  explicit Walk(ModelAnalysis& analysis) : analysis_(analysis) {}

  void Graph(const format::GraphProto& graph, int depth) {
    scopes_.emplace_back();
    AddValues(graph);
    if (depth == 0) {
      for (const auto& value : graph.input()) {
        size_t tensor = Tensor(value.name());
        if (!analysis_.tensors[tensor].constant) analysis_.inputs.push_back(tensor);
      }
    }
    for (const auto& node : graph.node()) Node(node, depth);
    for (const auto& value : graph.output()) {
      if (depth == 0) analysis_.outputs.push_back(Tensor(value.name()));
    }
    scopes_.pop_back();
  }

 private:
  void AddValues(const format::GraphProto& graph) {
    for (const auto& value : graph.value_info()) Describe(value);
    for (const auto& value : graph.input()) Describe(value);
    for (const auto& value : graph.output()) Describe(value);
    for (const auto& initializer : graph.initializer()) {
      AnalyzedTensor& tensor = analysis_.tensors[Declare(initializer.name())];
      std::vector<int64_t> shape(initializer.dims().begin(), initializer.dims().end());
      tensor.constant = tensor.shape_known = true;
      tensor.elements = ElementCount(shape).value_or(0);
      tensor.info.type = TypeName(initializer.data_type());
      tensor.info.shape.clear();
      for (int64_t dimension : shape) tensor.info.shape.push_back(std::to_string(dimension));
    }
  }

  void Describe(const format::ValueInfoProto& value) {
    AnalyzedTensor& tensor = analysis_.tensors[Declare(value.name())];
    bool is_tensor = value.type().has_tensor_type();
    tensor.info = InfoOf(value);
    tensor.shape_known = is_tensor && value.type().tensor_type().has_shape();
  }

  size_t Declare(const std::string& name) {
    auto [place, added] = scopes_.back().emplace(name, analysis_.tensors.size());
    if (added) {
      analysis_.tensors.emplace_back();
      analysis_.tensors.back().info.name = name;
      counted_.push_back(false);
    }
    return place->second;
  }

  size_t Tensor(const std::string& name) {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      auto found = scope->find(name);
      if (found != scope->end()) return found->second;
    }
    return Declare(name);
  }

  void Node(const format::NodeProto& proto, int depth) {
    AnalyzedNode node;
    node.name = proto.name();
    node.op = OperatorName(proto);
    node.depth = depth;
    for (const auto& attribute : proto.attribute()) {
      node.attributes.emplace_back(attribute.name(), AttributeText(attribute));
      if (attribute.has_g()) Graph(attribute.g(), depth + 1);
      for (const auto& graph : attribute.graphs()) Graph(graph, depth + 1);
    }
    for (const std::string& name : proto.input())
      if (!name.empty()) node.inputs.push_back(Tensor(name));
    for (const std::string& name : proto.output())
      if (!name.empty()) node.outputs.push_back(Declare(name));
    node.parameters = Parameters(node);
    node.cost = NodeCost(proto, Pointers(proto.input()), Pointers(proto.output()));
    analysis_.nodes.push_back(std::move(node));
  }

  // Absent optional inputs keep their place.
  template <typename Names>
  std::vector<const AnalyzedTensor*> Pointers(const Names& names) {
    std::vector<size_t> places;
    for (const std::string& name : names) places.push_back(name.empty() ? SIZE_MAX : Tensor(name));
    std::vector<const AnalyzedTensor*> pointers;
    for (size_t place : places)
      pointers.push_back(place == SIZE_MAX ? nullptr : &analysis_.tensors[place]);
    return pointers;
  }

  uint64_t Parameters(const AnalyzedNode& node) {
    uint64_t sum = 0;
    for (size_t tensor : node.inputs) {
      if (!analysis_.tensors[tensor].constant || counted_[tensor]) continue;
      counted_[tensor] = true;
      sum += analysis_.tensors[tensor].elements;
    }
    return sum;
  }

  ModelAnalysis& analysis_;
  std::vector<std::unordered_map<std::string, size_t>> scopes_;
  std::vector<bool> counted_;  // of each tensor: its elements are in a node's parameters
};

}  // namespace

Result<ModelAnalysis> AnalyzeModel(const std::filesystem::path& path) {
  EDET_ASSIGN_OR_RETURN(ModelFile file, ReadModel(path));
  ModelAnalysis analysis;
  if (Status windows = CheckNodes(file.model); !windows.ok()) {
    Error error = windows.error();
    error.where = path.string() + ", " + error.where;
    return error;
  }
  analysis.summary = Summarize(file);
  DropWeights(*file.model.mutable_graph());
  analysis.shape_note = InferShapes(file.model);
  Walk(analysis).Graph(file.model.graph(), 0);
  GroupIntoBlocks(analysis);
  for (const AnalyzedBlock& block : analysis.blocks) {
    analysis.cost.macs += block.cost.macs;
    analysis.cost.flops += block.cost.flops;
    analysis.uncounted += block.uncounted;
  }
  return analysis;
}

}  // namespace edet::onnx_format
