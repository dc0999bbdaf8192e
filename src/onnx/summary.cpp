#include "onnx/summary.h"

#include <fcntl.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <set>
#include <utility>

#include "base/checked_math.h"
#include "base/file.h"
#include "onnx/read.h"
#include "onnx/wire.h"

namespace edet::onnx_format {

namespace format = ::onnx;

std::string TypeName(int32_t type) {
  switch (type) {
    case format::TensorProto_DataType_FLOAT:
      return "float32";
    case format::TensorProto_DataType_DOUBLE:
      return "float64";
    case format::TensorProto_DataType_UNDEFINED:
      return "unknown";
    default:
      break;
  }
  if (!format::TensorProto_DataType_IsValid(type)) return "unknown";
  std::string name =
      format::TensorProto_DataType_Name(static_cast<format::TensorProto_DataType>(type));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return name;
}

namespace {

std::vector<std::string> ShapeOf(const format::TypeProto_Tensor& tensor) {
  std::vector<std::string> shape;
  for (const auto& dim : tensor.shape().dim()) {
    shape.push_back(dim.has_dim_value() ? std::to_string(dim.dim_value())
                    : dim.has_dim_param() && !dim.dim_param().empty() ? dim.dim_param()
                                                                      : "?");
  }
  return shape;
}

}  // namespace

TensorInfo InfoOf(const format::ValueInfoProto& value) {
  const auto& tensor = value.type().tensor_type();
  return {value.name(), TypeName(tensor.elem_type()), ShapeOf(tensor)};
}

std::string OperatorName(const format::NodeProto& node) {
  bool own = node.domain().empty() || node.domain() == "ai.onnx";
  return own ? node.op_type() : node.domain() + "::" + node.op_type();
}

namespace {

void SummarizeGraph(const format::GraphProto& graph, ModelSummary& summary) {
  std::set<std::string> constants;
  for (const auto& initializer : graph.initializer()) {
    constants.insert(initializer.name());
    std::vector<int64_t> shape(initializer.dims().begin(), initializer.dims().end());
    uint64_t elements = ElementCount(shape).value_or(0);
    summary.parameters += elements;
    summary.parameters_by_type[TypeName(initializer.data_type())] += elements;
  }
  summary.initializers = static_cast<size_t>(graph.initializer_size());
  for (const auto& input : graph.input()) {
    if (constants.count(input.name()) == 0) summary.inputs.push_back(InfoOf(input));
  }
  for (const auto& output : graph.output()) summary.outputs.push_back(InfoOf(output));
  for (const auto& node : graph.node()) {
    ++summary.operators[OperatorName(node)];
  }
  summary.nodes = static_cast<size_t>(graph.node_size());
}

using google::protobuf::io::CodedInputStream;

// A network of 100000 nodes has fewer.
constexpr uint64_t kMostParts = 750'000;

Result<bool> ForWholeFile(const std::filesystem::path& path,
                          const std::function<bool(CodedInputStream&)>& read) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Error{ErrorCode::kIo, "cannot open", path.string(), ""};
  google::protobuf::io::FileInputStream input(fd);
  input.SetCloseOnDelete(true);
  CodedInputStream stream(&input);
  stream.SetTotalBytesLimit(static_cast<int>(kProtobufLimitBytes));
  return read(stream);
}

Status CheckParts(const std::filesystem::path& path) {
  uint64_t parts = 0;
  EDET_ASSIGN_OR_RETURN(const bool good, ForWholeFile(path, [&parts](CodedInputStream& stream) {
                          return CountParts(stream, *format::ModelProto::descriptor(), kMostParts,
                                            parts);
                        }));
  if (parts > kMostParts)
    return Error{ErrorCode::kLimitExceeded, "has more parts than a network has", path.string(), ""};
  if (good) return {};
  return Error{ErrorCode::kCorrupt, "is not an ONNX model, or is cut off", path.string(),
               "export or copy it again"};
}

}  // namespace

Result<ModelFile> ReadModel(const std::filesystem::path& path, uint64_t limit_bytes) {
  ModelFile file;
  EDET_ASSIGN_OR_RETURN(file.bytes, FileSizeBytes(path));
  if (file.bytes > limit_bytes) {
    return Error{ErrorCode::kLimitExceeded, "is larger than an ONNX file may be", path.string(),
                 "weights can lie in a file beside it"};
  }
  EDET_RETURN_IF_ERROR(CheckParts(path));
  Result<bool> parsed = ForWholeFile(path, [&file](CodedInputStream& stream) {
    return file.model.ParseFromCodedStream(&stream) && stream.ConsumedEntireMessage();
  });
  if (!parsed.ok()) return parsed.error();
  if (!*parsed || !file.model.has_graph() || file.model.graph().node_size() == 0) {
    return Error{ErrorCode::kCorrupt, "is not an ONNX model, or is cut off", path.string(),
                 "export or copy it again"};
  }
  return file;
}

ModelSummary Summarize(const ModelFile& file) {
  const format::ModelProto& model = file.model;
  ModelSummary summary;
  summary.producer = model.producer_name() +
                     (model.producer_version().empty() ? "" : " " + model.producer_version());
  summary.ir_version = model.ir_version();
  for (const auto& opset : model.opset_import()) summary.opsets[opset.domain()] = opset.version();
  for (const auto& entry : model.metadata_props()) summary.metadata[entry.key()] = entry.value();
  summary.file_bytes = file.bytes;
  SummarizeGraph(model.graph(), summary);
  return summary;
}

Result<ModelSummary> SummarizeModel(const std::filesystem::path& path) {
  EDET_ASSIGN_OR_RETURN(ModelFile file, ReadModel(path));
  return Summarize(file);
}

}  // namespace edet::onnx_format
