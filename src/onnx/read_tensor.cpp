#include "onnx/read_tensor.h"

#include <cstring>
#include <memory>
#include <utility>

#include "base/checked_math.h"
#include "onnx/external_data.h"
#include "onnx/types.h"

namespace edet::onnx_format {
namespace format = ::onnx;
using graph::ElementType;
using graph::Tensor;
namespace {

Error Bad(ErrorCode code, std::string what, const format::TensorProto& proto) {
  return {code, std::move(what), "tensor " + proto.name(), ""};
}

template <typename T>
void Widen(const std::string& raw, std::vector<int64_t>& values) {
  values.resize(raw.size() / sizeof(T));
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, raw.data() + i * sizeof(T), sizeof(T));
    values[i] = static_cast<int64_t>(value);
  }
}

void FromRaw(std::string raw, Tensor& tensor) {
  switch (tensor.type) {
    case ElementType::kFloat32:
      tensor.floats.resize(raw.size() / sizeof(float));
      if (!raw.empty()) std::memcpy(tensor.floats.data(), raw.data(), raw.size());
      return;
    case ElementType::kFloat16:
      tensor.halves.resize(raw.size() / sizeof(uint16_t));
      if (!raw.empty()) std::memcpy(tensor.halves.data(), raw.data(), raw.size());
      return;
    case ElementType::kInt64:
      return Widen<int64_t>(raw, tensor.integers);
    case ElementType::kInt32:
      return Widen<int32_t>(raw, tensor.integers);
    case ElementType::kUint32:
      return Widen<uint32_t>(raw, tensor.integers);
    case ElementType::kInt16:
      return Widen<int16_t>(raw, tensor.integers);
    case ElementType::kUint16:
      return Widen<uint16_t>(raw, tensor.integers);
    case ElementType::kInt8:
      return Widen<int8_t>(raw, tensor.integers);
    case ElementType::kUint8:
    case ElementType::kBool:
      return Widen<uint8_t>(raw, tensor.integers);
    default:
      tensor.raw = std::move(raw);
  }
}

template <typename T, typename Field>
void Append(const Field& field, std::string& raw) {
  for (auto value : field) {
    auto narrow = static_cast<T>(value);
    raw.append(reinterpret_cast<const char*>(&narrow), sizeof narrow);
  }
}

// The typed fields as the raw data that they stand for.
std::string TypedAsRaw(const format::TensorProto& proto, ElementType type) {
  std::string raw;
  switch (type) {
    case ElementType::kFloat32:
      Append<float>(proto.float_data(), raw);
      break;
    case ElementType::kFloat64:
      Append<double>(proto.double_data(), raw);
      break;
    case ElementType::kInt64:
      Append<int64_t>(proto.int64_data(), raw);
      break;
    case ElementType::kUint64:
      Append<uint64_t>(proto.uint64_data(), raw);
      break;
    case ElementType::kUint32:
      Append<uint32_t>(proto.uint64_data(), raw);
      break;
    case ElementType::kInt32:
      Append<int32_t>(proto.int32_data(), raw);
      break;
    case ElementType::kInt8:
    case ElementType::kUint8:
    case ElementType::kBool:
      Append<uint8_t>(proto.int32_data(), raw);
      break;
    default:
      Append<uint16_t>(proto.int32_data(), raw);
  }
  return raw;
}

Result<std::string> RawValues(format::TensorProto& proto, ElementType type, uint64_t bytes,
                              const std::filesystem::path& folder) {
  if (proto.data_location() == format::TensorProto_DataLocation_EXTERNAL)
    return ReadExternalData(proto, folder, bytes);
  bool typed = proto.float_data_size() + proto.int32_data_size() + proto.int64_data_size() +
                   proto.double_data_size() + proto.uint64_data_size() >
               0;
  if (proto.has_raw_data() && typed)
    return Bad(ErrorCode::kCorrupt, "has raw and typed values at once", proto);
  std::string raw;
  if (proto.has_raw_data()) {
    raw = std::move(*proto.mutable_raw_data());
    proto.clear_raw_data();
  } else {
    raw = TypedAsRaw(proto, type);
  }
  if (raw.size() != bytes)
    return Bad(ErrorCode::kCorrupt, "the values do not fit the shape", proto);
  return raw;
}

// Strings stay as they are: no operator that is computed here takes them.
Result<graph::TensorPtr> Strings(const format::TensorProto& proto, Tensor tensor, uint64_t count) {
  if (static_cast<uint64_t>(proto.string_data_size()) != count)
    return Bad(ErrorCode::kCorrupt, "the values do not fit the shape", proto);
  tensor.raw = proto.SerializeAsString();
  return std::make_shared<const Tensor>(std::move(tensor));
}

}  // namespace

Result<graph::TensorPtr> ReadTensor(format::TensorProto& proto, const std::filesystem::path& folder,
                                    const ReadLimits& limits) {
  Tensor tensor;
  tensor.type = TypeFromOnnx(proto.data_type());
  tensor.shape.assign(proto.dims().begin(), proto.dims().end());
  if (tensor.type == ElementType::kUnknown)
    return Bad(ErrorCode::kUnsupported, "has an element type that is not known here", proto);
  if (proto.has_segment()) return Bad(ErrorCode::kUnsupported, "is stored in segments", proto);
  if (tensor.shape.size() > limits.rank)
    return Bad(ErrorCode::kLimitExceeded, "has too many dimensions", proto);
  std::optional<uint64_t> count = ElementCount(tensor.shape);
  if (!count) return Bad(ErrorCode::kCorrupt, "has an impossible shape", proto);
  if (tensor.type == ElementType::kString) return Strings(proto, std::move(tensor), *count);
  std::optional<uint64_t> bytes = CheckedMultiply(*count, ElementBytes(tensor.type));
  if (!bytes || *bytes > limits.tensor_bytes)
    return Bad(ErrorCode::kLimitExceeded, "is larger than a tensor may be", proto);
  EDET_ASSIGN_OR_RETURN(std::string raw, RawValues(proto, tensor.type, *bytes, folder));
  FromRaw(std::move(raw), tensor);
  return std::make_shared<const Tensor>(std::move(tensor));
}

void WriteTensor(const Tensor& tensor, const std::string& name, format::TensorProto* proto) {
  if (tensor.type == ElementType::kString) {
    proto->ParseFromString(tensor.raw);
    proto->set_name(name);
    return;
  }
  proto->set_name(name);
  proto->set_data_type(TypeToOnnx(tensor.type));
  for (int64_t dimension : tensor.shape) proto->add_dims(dimension);
  std::string* raw = proto->mutable_raw_data();
  auto bytes_of = [&](const auto& values) {
    raw->assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof values[0]);
  };
  switch (tensor.type) {
    case ElementType::kFloat32:
      return bytes_of(tensor.floats);
    case ElementType::kFloat16:
      return bytes_of(tensor.halves);
    case ElementType::kInt64:
      return bytes_of(tensor.integers);
    case ElementType::kInt32:
    case ElementType::kUint32:
      return Append<uint32_t>(tensor.integers, *raw);
    case ElementType::kInt16:
    case ElementType::kUint16:
      return Append<uint16_t>(tensor.integers, *raw);
    case ElementType::kInt8:
    case ElementType::kUint8:
    case ElementType::kBool:
      return Append<uint8_t>(tensor.integers, *raw);
    default:
      *raw = tensor.raw;
  }
}

}  // namespace edet::onnx_format
