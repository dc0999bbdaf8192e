#include "onnx/write.h"

#include <fcntl.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <onnx/onnx_pb.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "onnx/read_tensor.h"
#include "onnx/types.h"
#include "onnx/upgrade.h"

namespace edet::onnx_format {
namespace {

// The names of files and types of the format itself live in namespace ::onnx.
namespace format = ::onnx;

struct AttributeFiller {
  format::AttributeProto* proto;
  void operator()(int64_t value) const {
    proto->set_type(format::AttributeProto_AttributeType_INT);
    proto->set_i(value);
  }
  void operator()(float value) const {
    proto->set_type(format::AttributeProto_AttributeType_FLOAT);
    proto->set_f(value);
  }
  void operator()(const std::string& value) const {
    proto->set_type(format::AttributeProto_AttributeType_STRING);
    proto->set_s(value);
  }
  void operator()(const std::vector<int64_t>& values) const {
    proto->set_type(format::AttributeProto_AttributeType_INTS);
    for (int64_t value : values) proto->add_ints(value);
  }
  void operator()(const std::vector<float>& values) const {
    proto->set_type(format::AttributeProto_AttributeType_FLOATS);
    for (float value : values) proto->add_floats(value);
  }
  void operator()(const graph::TensorPtr& tensor) const {
    proto->set_type(format::AttributeProto_AttributeType_TENSOR);
    WriteTensor(*tensor, "", proto->mutable_t());
  }
  void operator()(const graph::OpaqueAttribute& opaque) const {
    std::string name = proto->name();
    proto->ParseFromString(opaque.bytes);
    proto->set_name(name);
  }
};

void FillValueInfo(const graph::Value& value, format::ValueInfoProto* proto) {
  proto->set_name(value.name);
  auto* tensor = proto->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(TypeToOnnx(value.type));
  if (!value.shape_known) return;
  auto* shape = tensor->mutable_shape();
  for (size_t i = 0; i < value.shape.size(); ++i) {
    auto* dim = shape->add_dim();
    if (value.shape[i] != graph::kDynamic) {
      dim->set_dim_value(value.shape[i]);
    } else if (i == 0) {
      dim->set_dim_param("batch");
    }
  }
}

// Copies a graph into the format, each constant once, and frees the constants.
class GraphCopier {
 public:
  GraphCopier(graph::Graph& graph, format::GraphProto* proto) : graph_(graph), proto_(proto) {}

  void Copy() {
    proto_->set_name(graph_.name);
    for (graph::ValueId id : graph_.inputs) FillValueInfo(graph_.value(id), proto_->add_input());
    for (graph::ValueId id : graph_.outputs) FillValueInfo(graph_.value(id), proto_->add_output());
    for (const graph::Node& node : graph_.nodes) CopyNode(node);
  }

 private:
  void CopyNode(const graph::Node& node) {
    format::NodeProto* copy = proto_->add_node();
    copy->set_op_type(node.op);
    copy->set_name(node.name);
    if (!node.domain.empty()) copy->set_domain(node.domain);
    for (graph::ValueId input : node.inputs) copy->add_input(NameOf(input));
    for (graph::ValueId output : node.outputs)
      copy->add_output(output == graph::kNoValue ? "" : graph_.value(output).name);
    for (graph::ValueId captured : node.captures) NameOf(captured);
    for (const auto& [name, attribute] : node.attributes) {
      format::AttributeProto* to = copy->add_attribute();
      to->set_name(name);
      std::visit(AttributeFiller{to}, attribute);
    }
  }

  // Of an input; writes a constant where it is named first.
  std::string NameOf(graph::ValueId id) {
    if (id == graph::kNoValue) return "";
    graph::Value& value = graph_.value(id);
    if (value.constant) {
      WriteTensor(*value.constant, value.name, proto_->add_initializer());
      value.constant.reset();
    }
    return value.name;
  }

  graph::Graph& graph_;
  format::GraphProto* proto_;
};

// IR version that came with an opset (ONNX's table of versions).
int64_t IrVersion(int64_t opset) { return opset <= 11 ? 6 : opset <= 14 ? 7 : 8; }

// Operators of other domains are written as version 1 of theirs: ONNX's own library has no other
// that a detector would use.
void AddDomains(const graph::Graph& graph, format::ModelProto& model) {
  std::set<std::string> domains;
  for (const graph::Node& node : graph.nodes) domains.insert(node.domain);
  domains.erase("");
  for (const std::string& domain : domains) {
    format::OperatorSetIdProto* opset = model.add_opset_import();
    opset->set_domain(domain);
    opset->set_version(1);
  }
}

Error WriteError(const std::filesystem::path& path, int number) {
  return {ErrorCode::kIo, std::string("cannot write: ") + std::strerror(number), path.string(), ""};
}

Status Serialize(const format::ModelProto& model, const std::filesystem::path& path) {
  constexpr size_t kProtobufLimitBytes = (size_t{1} << 31) - 1;
  if (model.ByteSizeLong() > kProtobufLimitBytes) {
    return Error{ErrorCode::kLimitExceeded,
                 "the model is over 2 GiB, which one ONNX file cannot hold", path.string(), ""};
  }
  int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0) return WriteError(path, errno);
  google::protobuf::io::FileOutputStream file(fd);
  file.SetCloseOnDelete(true);
  bool written = false;
  {
    google::protobuf::io::CodedOutputStream coded(&file);
    coded.SetSerializationDeterministic(true);
    written = model.SerializeToCodedStream(&coded);
  }
  if (!written || !file.Flush() || fsync(fd) != 0)
    return WriteError(path, file.GetErrno() != 0 ? file.GetErrno() : errno);
  return {};
}

}  // namespace

Status WriteModel(graph::Graph graph, const WriteOptions& options,
                  const std::filesystem::path& path) {
  if (options.opset < 11 || options.opset > 17) {
    return Error{ErrorCode::kUnsupported,
                 "opset " + std::to_string(options.opset) + " is not written", "--opset",
                 "11 to 17; every TensorRT since 7.1 reads 11, 8.0 and later read 13"};
  }
  format::ModelProto model;
  model.set_ir_version(IrVersion(options.opset));
  model.set_producer_name("edet");
  model.set_producer_version(options.producer_version);
  format::OperatorSetIdProto* opset = model.add_opset_import();
  opset->set_domain("");
  opset->set_version(options.opset);
  EDET_RETURN_IF_ERROR(DowngradeOperators(graph, options.opset));
  AddDomains(graph, model);
  for (const auto& [key, value] : options.metadata) {
    format::StringStringEntryProto* entry = model.add_metadata_props();
    entry->set_key(key);
    entry->set_value(value);
  }
  GraphCopier(graph, model.mutable_graph()).Copy();
  return Serialize(model, path);
}

}  // namespace edet::onnx_format
