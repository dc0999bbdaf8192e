#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace edet::check {

// What a tensor's values depend on.
enum class Source { kConstant, kShape, kData };

// A network with the ways between its tensors. The model must outlive it.
class ModelIndex {
 public:
  explicit ModelIndex(const ::onnx::ModelProto& model);

  const ::onnx::ModelProto& model() const { return model_; }
  // Of all graphs, those within others too.
  const std::vector<const ::onnx::NodeProto*>& nodes() const { return nodes_; }
  const std::vector<const ::onnx::TensorProto*>& initializers() const { return initializers_; }
  // Null where no initializer has that name.
  const ::onnx::TensorProto* FindInitializer(const std::string& name) const;
  // The bodies of the local functions that the network calls, directly or through others. Their
  // tensors are not looked into: what they hold depends on the call.
  const std::vector<const ::onnx::NodeProto*>& function_nodes() const { return function_nodes_; }
  // Of the outer graph, without those that an initializer fills.
  const std::vector<const ::onnx::ValueInfoProto*>& inputs() const { return inputs_; }
  // kData for what nothing makes.
  Source SourceOf(const std::string& tensor) const;
  // The nodes that read a tensor.
  const std::vector<const ::onnx::NodeProto*>& ReadersOf(const std::string& tensor) const;
  // Of ONNX's own domain; 0: the file does not say.
  int64_t opset() const { return opset_; }
  bool HasFunction(const ::onnx::NodeProto& node) const;

 private:
  void AddGraph(const ::onnx::GraphProto& graph, int depth);
  void AddNode(const ::onnx::NodeProto& node);
  void AddCalledFunctions();

  const ::onnx::ModelProto& model_;
  std::vector<const ::onnx::NodeProto*> nodes_;
  std::vector<const ::onnx::NodeProto*> function_nodes_;
  std::vector<const ::onnx::TensorProto*> initializers_;
  std::unordered_map<std::string, const ::onnx::TensorProto*> initializer_by_name_;
  std::vector<const ::onnx::ValueInfoProto*> inputs_;
  std::unordered_map<std::string, Source> sources_;
  std::unordered_map<std::string, std::vector<const ::onnx::NodeProto*>> readers_;
  std::unordered_map<std::string, const ::onnx::FunctionProto*> functions_;  // "domain::Name"
  int64_t opset_ = 0;
};

// A node's name, or the tensor that it makes.
std::string NameOf(const ::onnx::NodeProto& node);
const ::onnx::AttributeProto* FindAttribute(const ::onnx::NodeProto& node, const std::string& name);
int64_t IntOf(const ::onnx::NodeProto& node, const std::string& name, int64_t absent);
std::string TextOf(const ::onnx::NodeProto& node, const std::string& name,
                   const std::string& absent);

}  // namespace edet::check
