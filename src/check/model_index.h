#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
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

  const ::onnx::ModelProto& model_;
  std::vector<const ::onnx::NodeProto*> nodes_;
  std::vector<const ::onnx::TensorProto*> initializers_;
  std::vector<const ::onnx::ValueInfoProto*> inputs_;
  std::unordered_map<std::string, Source> sources_;
  std::unordered_map<std::string, std::vector<const ::onnx::NodeProto*>> readers_;
  std::unordered_set<std::string> functions_;
  int64_t opset_ = 0;
};

// A node's name, or the tensor that it makes.
std::string NameOf(const ::onnx::NodeProto& node);
const ::onnx::AttributeProto* FindAttribute(const ::onnx::NodeProto& node, const std::string& name);
int64_t IntOf(const ::onnx::NodeProto& node, const std::string& name, int64_t absent);
std::string TextOf(const ::onnx::NodeProto& node, const std::string& name, std::string absent);

}  // namespace edet::check
