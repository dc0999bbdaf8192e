#pragma once

#include <cstddef>
#include <cstdint>

#include "graph/graph.h"

namespace edet::onnx_format {

// Between the graph's element types and the format's numbers (TensorProto.DataType).
graph::ElementType TypeFromOnnx(int64_t number);  // kUnknown where there is none
int32_t TypeToOnnx(graph::ElementType type);      // 0 for kUnknown

// Bytes of an element in raw data; 0 for strings and what has no fixed size.
size_t ElementBytes(graph::ElementType type);

}  // namespace edet::onnx_format
