#include "onnx/before_running.h"

#include <fcntl.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <onnx/onnx_pb.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/file.h"
#include "onnx/external_data.h"
#include "onnx/wire.h"

namespace edet::onnx_format {
namespace {

namespace fs = std::filesystem;
namespace format = ::onnx;
using google::protobuf::io::CodedInputStream;

// What lies in another file has a name, a shape and a path here.
constexpr int kLargestDescription = 64 << 10;
// Graphs within graphs. An If within an If takes OpenVINO twice the time, with each step.
constexpr int kDeepest = 10;
constexpr int64_t kNewestOpset = 1000;

class Checker {
 public:
  explicit Checker(fs::path folder) : folder_(std::move(folder)) {}

  // False: no model, or error() says what is wrong with its external data.
  bool Model(CodedInputStream& stream) {
    return ForEachField(stream, [this](int number, CodedInputStream& field) {
      switch (number) {
        case format::ModelProto::kGraphFieldNumber:
          return Graph(field, 0);
        case format::ModelProto::kOpsetImportFieldNumber:
          return Opset(field);
        case format::ModelProto::kFunctionsFieldNumber:
          return Function(field);
        case format::ModelProto::kTrainingInfoFieldNumber:
          return Training(field);
        default:
          return true;
      }
    });
  }
  const Status& status() const { return status_; }

 private:
  bool Refuse(ErrorCode code, const char* what) {
    status_ = Error{code, what, "", "export the model again"};
    return false;
  }

  bool Opset(CodedInputStream& stream) {
    format::OperatorSetIdProto opset;
    if (!ParseField(stream, opset)) return false;
    const bool possible = opset.version() >= 0 && opset.version() <= kNewestOpset;
    return possible || Refuse(ErrorCode::kCorrupt, "imports an opset that there cannot be");
  }

  bool Training(CodedInputStream& stream) {
    return ForEachField(stream, [this](int number, CodedInputStream& field) {
      const bool graph = number == format::TrainingInfoProto::kInitializationFieldNumber ||
                         number == format::TrainingInfoProto::kAlgorithmFieldNumber;
      return !graph || Graph(field, 0);
    });
  }

  bool Function(CodedInputStream& stream) {
    return ForEachField(stream, [this](int number, CodedInputStream& field) {
      return number != format::FunctionProto::kNodeFieldNumber || Node(field, 0);
    });
  }

  bool Graph(CodedInputStream& stream, int depth) {
    if (depth > kDeepest)
      return Refuse(ErrorCode::kLimitExceeded, "graphs within graphs, too deep to run");
    return ForEachField(stream, [this, depth](int number, CodedInputStream& field) {
      switch (number) {
        case format::GraphProto::kInitializerFieldNumber:
          return Tensor(field);
        case format::GraphProto::kSparseInitializerFieldNumber:
          return Sparse(field);
        case format::GraphProto::kNodeFieldNumber:
          return Node(field, depth);
        default:
          return true;
      }
    });
  }

  bool Node(CodedInputStream& stream, int depth) {
    return ForEachField(stream, [this, depth](int number, CodedInputStream& field) {
      return number != format::NodeProto::kAttributeFieldNumber || Attribute(field, depth);
    });
  }

  bool Attribute(CodedInputStream& stream, int depth) {
    return ForEachField(stream, [this, depth](int number, CodedInputStream& field) {
      switch (number) {
        case format::AttributeProto::kTFieldNumber:
        case format::AttributeProto::kTensorsFieldNumber:
          return Tensor(field);
        case format::AttributeProto::kSparseTensorFieldNumber:
        case format::AttributeProto::kSparseTensorsFieldNumber:
          return Sparse(field);
        case format::AttributeProto::kGFieldNumber:
        case format::AttributeProto::kGraphsFieldNumber:
          return Graph(field, depth + 1);
        default:
          return true;
      }
    });
  }

  bool Sparse(CodedInputStream& stream) {
    return ForEachField(stream, [this](int number, CodedInputStream& field) {
      const bool tensor = number == format::SparseTensorProto::kValuesFieldNumber ||
                          number == format::SparseTensorProto::kIndicesFieldNumber;
      return !tensor || Tensor(field);
    });
  }

  bool Tensor(CodedInputStream& stream) {
    if (stream.BytesUntilLimit() > kLargestDescription) return LargeTensor(stream);
    format::TensorProto tensor;
    if (!ParseField(stream, tensor)) return false;
    // Whatever its data_location says: protobuf merges a message that comes in two parts.
    if (tensor.data_location() == format::TensorProto_DataLocation_EXTERNAL ||
        tensor.external_data_size() > 0)
      status_ = CheckExternalData(tensor, folder_);
    return status_.ok();
  }

  // Has its values here; one that has them elsewhere too is no work of an exporter.
  bool LargeTensor(CodedInputStream& stream) {
    return ForEachField(stream, [this](int number, CodedInputStream&) {
      return number != format::TensorProto::kExternalDataFieldNumber ||
             Refuse(ErrorCode::kCorrupt, "a tensor has its values here and in external data");
    });
  }

  fs::path folder_;
  Status status_;
};

}  // namespace

Status CheckBeforeRunning(const fs::path& model) {
  EDET_ASSIGN_OR_RETURN([[maybe_unused]] uint64_t size, FileSizeBytes(model));
  const int fd = open(model.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return Error{ErrorCode::kIo, "cannot read the file: " + std::string(std::strerror(errno)),
                 model.string(), ""};
  google::protobuf::io::FileInputStream file(fd);
  file.SetCloseOnDelete(true);
  CodedInputStream stream(&file);
  stream.SetTotalBytesLimit(std::numeric_limits<int>::max());
  Checker checker(model.parent_path());
  if (checker.Model(stream)) return {};
  if (checker.status().ok()) {
    return Error{ErrorCode::kCorrupt, "is not an ONNX model, or is cut off", model.string(),
                 "export or copy it again"};
  }
  Error error = checker.status().error();
  error.where = model.string() + (error.where.empty() ? "" : ", " + error.where);
  return error;
}

}  // namespace edet::onnx_format
