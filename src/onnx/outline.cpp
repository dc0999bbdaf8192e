#include "onnx/outline.h"

#include <fcntl.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <onnx/onnx_pb.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>

#include "base/file.h"
#include "onnx/read.h"
#include "onnx/wire.h"

namespace edet::onnx_format {
namespace {

namespace format = ::onnx;
using google::protobuf::io::CodedInputStream;

// A node beyond this holds a tensor as an attribute: its operator alone is of interest then.
constexpr int kLargeNodeBytes = 64 << 10;
constexpr size_t kLongestChain = 32;

// The name of an initializer, found without its data.
bool ReadInitializerName(CodedInputStream& stream, std::string& name) {
  return ForEachField(stream, [&name](int number, CodedInputStream& field) {
    if (number != format::TensorProto::kNameFieldNumber) return true;
    return field.ReadString(&name, field.BytesUntilLimit());
  });
}

struct Step {
  std::string op;
  std::vector<std::string> inputs, outputs;
};

class OutlineReader {
 public:
  Result<ModelOutline> Read(CodedInputStream& stream, const std::string& where) {
    const bool good = ForEachField(stream, [this](int number, CodedInputStream& field) {
      return ReadModelField(number, field);
    });
    if (!good || !has_graph_ || steps_.empty()) {
      return Error{ErrorCode::kCorrupt, "is not an ONNX model, or is cut off", where,
                   "export or copy it again"};
    }
    LeaveOutConstants();
    FindChain();
    return std::move(outline_);
  }

 private:
  bool ReadModelField(int number, CodedInputStream& field) {
    switch (number) {
      case format::ModelProto::kProducerNameFieldNumber:
        return field.ReadString(&outline_.producer, field.BytesUntilLimit());
      case format::ModelProto::kOpsetImportFieldNumber: {
        format::OperatorSetIdProto opset;
        if (!ParseField(field, opset)) return false;
        if (opset.domain().empty() || opset.domain() == "ai.onnx") outline_.opset = opset.version();
        return true;
      }
      case format::ModelProto::kMetadataPropsFieldNumber: {
        format::StringStringEntryProto entry;
        if (!ParseField(field, entry)) return false;
        outline_.metadata[entry.key()] = entry.value();
        return true;
      }
      case format::ModelProto::kGraphFieldNumber:
        has_graph_ = true;
        return ForEachField(field, [this](int part, CodedInputStream& stream) {
          return ReadGraphField(part, stream);
        });
      default:
        return true;
    }
  }

  bool ReadGraphField(int number, CodedInputStream& field) {
    switch (number) {
      case format::GraphProto::kNodeFieldNumber:
        return ReadNode(field);
      case format::GraphProto::kInputFieldNumber:
        return ReadTensor(field, outline_.inputs);
      case format::GraphProto::kOutputFieldNumber:
        return ReadTensor(field, outline_.outputs);
      case format::GraphProto::kInitializerFieldNumber: {
        std::string name;
        if (!ReadInitializerName(field, name)) return false;
        constants_.insert(std::move(name));
        return true;
      }
      default:
        return true;
    }
  }

  static bool ReadTensor(CodedInputStream& field, std::vector<TensorInfo>& tensors) {
    format::ValueInfoProto value;
    if (!ParseField(field, value)) return false;
    tensors.push_back(InfoOf(value));
    return true;
  }

  bool ReadNode(CodedInputStream& field) {
    Step step;
    if (field.BytesUntilLimit() > kLargeNodeBytes) {
      const bool good = ForEachField(field, [&step](int number, CodedInputStream& part) {
        if (number != format::NodeProto::kOpTypeFieldNumber) return true;
        return part.ReadString(&step.op, part.BytesUntilLimit());
      });
      if (!good) return false;
    } else {
      format::NodeProto node;
      if (!ParseField(field, node)) return false;
      step.op = node.op_type();
      step.inputs.assign(node.input().begin(), node.input().end());
      step.outputs.assign(node.output().begin(), node.output().end());
    }
    outline_.operators.insert(step.op);
    steps_.push_back(std::move(step));
    return true;
  }

  void LeaveOutConstants() {
    std::vector<TensorInfo> inputs;
    for (TensorInfo& input : outline_.inputs) {
      if (constants_.count(input.name) == 0) inputs.push_back(std::move(input));
    }
    outline_.inputs = std::move(inputs);
  }

  // The only node that takes the tensor; null where there is none or where it forks.
  const Step* OnlyUser(const std::string& tensor) const {
    const Step* user = nullptr;
    for (const Step& step : steps_) {
      for (const std::string& input : step.inputs) {
        if (input != tensor || step.op == "Shape") continue;
        if (user != nullptr) return nullptr;
        user = &step;
      }
    }
    return user;
  }

  void FindChain() {
    if (outline_.inputs.empty()) return;
    std::vector<std::string> chain;
    std::string tensor = outline_.inputs.front().name;
    while (chain.size() < kLongestChain) {
      const Step* step = OnlyUser(tensor);
      if (step == nullptr || step->outputs.empty()) return;
      if (step->op == "Conv") {
        outline_.begins_with_convolution = chain.empty();
        outline_.before_convolution = std::move(chain);
        return;
      }
      chain.push_back(step->op);
      tensor = step->outputs.front();
    }
  }

  ModelOutline outline_;
  bool has_graph_ = false;
  std::set<std::string> constants_;
  std::vector<Step> steps_;
};

}  // namespace

Result<ModelOutline> ReadOutline(const std::filesystem::path& path) {
  Result<uint64_t> size = FileSizeBytes(path);
  if (!size.ok()) return size.error();
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return Error{ErrorCode::kIo, "cannot read the file: " + std::string(std::strerror(errno)),
                 path.string(), ""};
  google::protobuf::io::FileInputStream file(fd);
  file.SetCloseOnDelete(true);
  CodedInputStream stream(&file);
  stream.SetTotalBytesLimit(std::numeric_limits<int>::max());
  return OutlineReader().Read(stream, path.string());
}

}  // namespace edet::onnx_format
