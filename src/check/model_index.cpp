#include "check/model_index.h"

#include <algorithm>

namespace edet::check {
namespace {

// Protobuf itself refuses deeper messages.
constexpr int kDeepest = 32;

bool TellsTheShape(const std::string& op) { return op == "Shape" || op == "Size"; }

}  // namespace

ModelIndex::ModelIndex(const ::onnx::ModelProto& model) : model_(model) {
  for (const auto& opset : model.opset_import()) {
    if (opset.domain().empty() || opset.domain() == "ai.onnx") opset_ = opset.version();
  }
  for (const auto& function : model.functions())
    functions_.emplace(function.domain() + "::" + function.name(), &function);
  AddGraph(model.graph(), 0);
  AddCalledFunctions();
  for (const auto& input : model.graph().input()) {
    const auto source = sources_.find(input.name());
    if (source == sources_.end() || source->second != Source::kConstant) inputs_.push_back(&input);
  }
}

void ModelIndex::AddGraph(const ::onnx::GraphProto& graph, int depth) {
  for (const auto& tensor : graph.initializer()) {
    sources_[tensor.name()] = Source::kConstant;
    initializers_.push_back(&tensor);
    initializer_by_name_.emplace(tensor.name(), &tensor);
  }
  for (const auto& node : graph.node()) {
    AddNode(node);
    if (depth == kDeepest) continue;
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) AddGraph(attribute.g(), depth + 1);
      for (const auto& inner : attribute.graphs()) AddGraph(inner, depth + 1);
    }
  }
}

void ModelIndex::AddNode(const ::onnx::NodeProto& node) {
  nodes_.push_back(&node);
  Source source = Source::kConstant;
  for (const std::string& input : node.input()) {
    if (input.empty()) continue;
    readers_[input].push_back(&node);
    source = std::max(source, SourceOf(input));
  }
  if (source == Source::kData && TellsTheShape(node.op_type())) source = Source::kShape;
  if (node.op_type() == "NonZero" || node.op_type() == "NonMaxSuppression" ||
      node.op_type().rfind("Random", 0) == 0)
    source = Source::kData;
  for (const std::string& output : node.output()) {
    if (!output.empty()) sources_[output] = source;
  }
}

// Each body once, however often it is called, so that calls in a circle end.
void ModelIndex::AddCalledFunctions() {
  std::unordered_map<std::string, const ::onnx::FunctionProto*> not_called = functions_;
  const auto add_body = [&](const ::onnx::NodeProto& call) {
    const auto found = not_called.find(call.domain() + "::" + call.op_type());
    if (found == not_called.end()) return;
    for (const auto& node : found->second->node()) function_nodes_.push_back(&node);
    not_called.erase(found);
  };
  for (const auto* node : nodes_) add_body(*node);
  for (size_t i = 0; i < function_nodes_.size(); ++i) add_body(*function_nodes_[i]);
}

const ::onnx::TensorProto* ModelIndex::FindInitializer(const std::string& name) const {
  const auto found = initializer_by_name_.find(name);
  return found == initializer_by_name_.end() ? nullptr : found->second;
}

Source ModelIndex::SourceOf(const std::string& tensor) const {
  const auto found = sources_.find(tensor);
  return found == sources_.end() ? Source::kData : found->second;
}

const std::vector<const ::onnx::NodeProto*>& ModelIndex::ReadersOf(
    const std::string& tensor) const {
  static const std::vector<const ::onnx::NodeProto*> nobody;
  const auto found = readers_.find(tensor);
  return found == readers_.end() ? nobody : found->second;
}

bool ModelIndex::HasFunction(const ::onnx::NodeProto& node) const {
  return functions_.count(node.domain() + "::" + node.op_type()) != 0;
}

std::string NameOf(const ::onnx::NodeProto& node) {
  if (!node.name().empty()) return node.name();
  return node.output_size() > 0 ? node.output(0) : node.op_type();
}

const ::onnx::AttributeProto* FindAttribute(const ::onnx::NodeProto& node,
                                            const std::string& name) {
  for (const auto& attribute : node.attribute()) {
    if (attribute.name() == name) return &attribute;
  }
  return nullptr;
}

int64_t IntOf(const ::onnx::NodeProto& node, const std::string& name, int64_t absent) {
  const ::onnx::AttributeProto* found = FindAttribute(node, name);
  return found == nullptr ? absent : found->i();
}

std::string TextOf(const ::onnx::NodeProto& node, const std::string& name,
                   const std::string& absent) {
  const ::onnx::AttributeProto* found = FindAttribute(node, name);
  return found == nullptr ? absent : found->s();
}

}  // namespace edet::check
