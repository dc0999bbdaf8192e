#include "onnx/probe.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <unordered_set>
#include <utility>

#include "base/checked_math.h"
#include "onnx/external_data.h"
#include "onnx/read.h"
#include "onnx/types.h"

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

bool IsExternal(const format::TensorProto& tensor) {
  return tensor.data_location() == format::TensorProto_DataLocation_EXTERNAL;
}

// The copy lies in another folder, and whoever runs it would follow any path: what lies outside of
// the file comes in, by the rules of ReadExternalData.
Status TakeIn(format::TensorProto& tensor, const std::filesystem::path& folder) {
  std::optional<uint64_t> elements = ElementCount({tensor.dims().begin(), tensor.dims().end()});
  auto bytes = elements ? CheckedMultiply(*elements, ElementBytes(TypeFromOnnx(tensor.data_type())))
                        : std::nullopt;
  if (!bytes || *bytes > kProtobufLimitBytes)
    return Error{ErrorCode::kLimitExceeded, "external data is too large", "tensor " + tensor.name(),
                 ""};
  EDET_ASSIGN_OR_RETURN(std::string data, ReadExternalData(tensor, folder, *bytes));
  tensor.clear_external_data();
  tensor.clear_data_location();
  tensor.set_raw_data(std::move(data));
  return {};
}

// In graphs within graphs too; protobuf's own limit bounds the depth.
Status TakeInAll(format::GraphProto& graph, const std::filesystem::path& folder) {
  for (auto& tensor : *graph.mutable_initializer())
    if (IsExternal(tensor)) EDET_RETURN_IF_ERROR(TakeIn(tensor, folder));
  for (auto& node : *graph.mutable_node()) {
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_t() && IsExternal(attribute.t()))
        EDET_RETURN_IF_ERROR(TakeIn(*attribute.mutable_t(), folder));
      for (auto& tensor : *attribute.mutable_tensors())
        if (IsExternal(tensor)) EDET_RETURN_IF_ERROR(TakeIn(tensor, folder));
      if (attribute.has_g()) EDET_RETURN_IF_ERROR(TakeInAll(*attribute.mutable_g(), folder));
      for (auto& body : *attribute.mutable_graphs()) EDET_RETURN_IF_ERROR(TakeInAll(body, folder));
    }
  }
  return {};
}

}  // namespace

Status WriteProbe(const std::filesystem::path& model, const Probe& probe,
                  const std::filesystem::path& path) {
  EDET_ASSIGN_OR_RETURN(ModelFile file, ReadModel(model));
  format::GraphProto& graph = *file.model.mutable_graph();
  if (file.model.functions_size() > 0)
    return Error{ErrorCode::kUnsupported, "has functions of its own", model.string(),
                 "export it with its functions inlined"};
  EDET_RETURN_IF_ERROR(TakeInAll(graph, model.parent_path()));
  FixInput(graph, probe);
  EDET_RETURN_IF_ERROR(AddOutputs(graph, probe));
  std::ofstream out(path, std::ios::binary);
  if (!file.model.SerializeToOstream(&out) || !out.flush())
    return Error{ErrorCode::kIo, "cannot write a temporary file", path.string(), ""};
  return {};
}

}  // namespace edet::onnx_format
