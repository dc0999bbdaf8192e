#include "onnx/types.h"

#include <onnx/onnx_pb.h>

namespace edet::onnx_format {
using graph::ElementType;
namespace {

struct Row {
  ElementType type;
  int32_t number;
  size_t bytes;
};

constexpr Row kRows[] = {{ElementType::kFloat32, ::onnx::TensorProto_DataType_FLOAT, 4},
                         {ElementType::kUint8, ::onnx::TensorProto_DataType_UINT8, 1},
                         {ElementType::kInt8, ::onnx::TensorProto_DataType_INT8, 1},
                         {ElementType::kUint16, ::onnx::TensorProto_DataType_UINT16, 2},
                         {ElementType::kInt16, ::onnx::TensorProto_DataType_INT16, 2},
                         {ElementType::kInt32, ::onnx::TensorProto_DataType_INT32, 4},
                         {ElementType::kInt64, ::onnx::TensorProto_DataType_INT64, 8},
                         {ElementType::kString, ::onnx::TensorProto_DataType_STRING, 0},
                         {ElementType::kBool, ::onnx::TensorProto_DataType_BOOL, 1},
                         {ElementType::kFloat16, ::onnx::TensorProto_DataType_FLOAT16, 2},
                         {ElementType::kFloat64, ::onnx::TensorProto_DataType_DOUBLE, 8},
                         {ElementType::kUint32, ::onnx::TensorProto_DataType_UINT32, 4},
                         {ElementType::kUint64, ::onnx::TensorProto_DataType_UINT64, 8},
                         {ElementType::kBfloat16, ::onnx::TensorProto_DataType_BFLOAT16, 2}};

}  // namespace

ElementType TypeFromOnnx(int64_t number) {
  for (const Row& row : kRows)
    if (row.number == number) return row.type;
  return ElementType::kUnknown;
}

int32_t TypeToOnnx(ElementType type) {
  for (const Row& row : kRows)
    if (row.type == type) return row.number;
  return ::onnx::TensorProto_DataType_UNDEFINED;
}

size_t ElementBytes(ElementType type) {
  for (const Row& row : kRows)
    if (row.type == type) return row.bytes;
  return 0;
}

}  // namespace edet::onnx_format
