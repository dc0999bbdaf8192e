#include "onnx/probe.h"

#include <algorithm>
#include <fstream>
#include <unordered_set>
#include <utility>

#include "onnx/read.h"

namespace edet::onnx_format {
namespace format = ::onnx;
namespace {

void FixInput(format::GraphProto& graph, const Probe& probe) {
  for (auto& input : *graph.mutable_input()) {
    if (input.name() != probe.input || probe.input_shape.empty()) continue;
    auto* shape = input.mutable_type()->mutable_tensor_type()->mutable_shape();
    shape->clear_dim();
    for (int64_t dimension : probe.input_shape) shape->add_dim()->set_dim_value(dimension);
  }
}

// Keeps what leads to the outputs. Nodes stand in topological order in any file that runs.
void DropUnneeded(format::GraphProto& graph) {
  std::unordered_set<std::string> needed;
  for (const auto& output : graph.output()) needed.insert(output.name());
  std::vector<format::NodeProto> kept;
  for (int i = graph.node_size() - 1; i >= 0; --i) {
    auto& node = *graph.mutable_node(i);
    bool wanted = std::any_of(node.output().begin(), node.output().end(),
                              [&](const std::string& name) { return needed.count(name) == 1; });
    if (!wanted) continue;
    needed.insert(node.input().begin(), node.input().end());
    kept.push_back(std::move(node));
  }
  graph.clear_node();
  for (auto node = kept.rbegin(); node != kept.rend(); ++node) *graph.add_node() = std::move(*node);
}

Status AddOutputs(format::GraphProto& graph, const Probe& probe) {
  std::unordered_set<std::string> made, marked;
  for (const auto& node : graph.node()) made.insert(node.output().begin(), node.output().end());
  if (probe.only_these) graph.clear_output();
  for (const auto& output : graph.output()) marked.insert(output.name());
  for (const std::string& name : probe.outputs) {
    if (made.count(name) == 0)
      return Error{ErrorCode::kNotFound, "the model has no tensor '" + name + "'", "", ""};
    if (!marked.insert(name).second) continue;
    auto* output = graph.add_output();
    output->set_name(name);
    output->mutable_type()->mutable_tensor_type()->set_elem_type(
        format::TensorProto_DataType_FLOAT);
  }
  if (probe.only_these) DropUnneeded(graph);
  return {};
}

}  // namespace

Status WriteProbe(const std::filesystem::path& model, const Probe& probe,
                  const std::filesystem::path& path) {
  EDET_ASSIGN_OR_RETURN(ModelFile file, ReadModel(model));
  format::GraphProto& graph = *file.model.mutable_graph();
  FixInput(graph, probe);
  EDET_RETURN_IF_ERROR(AddOutputs(graph, probe));
  std::ofstream out(path, std::ios::binary);
  if (!file.model.SerializeToOstream(&out) || !out.flush())
    return Error{ErrorCode::kIo, "cannot write a temporary file", path.string(), ""};
  return {};
}

}  // namespace edet::onnx_format
