#include "parser/library/tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace edet {
namespace parser {
namespace {

size_t BytesOfType(int type) {
  switch (type) {
    case abi::kFloat:
    case abi::kInt32:
      return 4;
    case abi::kHalf:
      return 2;
    case abi::kInt8:
    case abi::kUint8:
      return 1;
    case abi::kInt64:
      return 8;
    default:
      return 0;
  }
}

const char* NameOfType(int type) {
  static const char* const names[] = {"float", "half", "int8", "int32", "int64", "uint8"};
  return type >= 0 && type < 6 ? names[type] : "unknown type";
}

// Where the comparable part of a tensor name begins and how long it is.
void ComparablePart(const char** name, size_t* length) {
  if (const char* slash = std::strrchr(*name, '/')) *name = slash + 1;
  *length = std::strlen(*name);
  size_t end = *length;
  while (end > 0 && (*name)[end - 1] >= '0' && (*name)[end - 1] <= '9') --end;
  if (end > 0 && end < *length && (*name)[end - 1] == ':') *length = end - 1;
}

bool Matches(const char* tensor_name, const char* wanted) {
  if (tensor_name == nullptr) return false;
  size_t length = 0;
  ComparablePart(&tensor_name, &length);
  return std::strlen(wanted) == length && std::memcmp(tensor_name, wanted, length) == 0;
}

template <typename T>
T Load(const unsigned char* bytes, size_t i) {
  T value;
  std::memcpy(&value, bytes + i * sizeof(T), sizeof value);
  return value;
}

}  // namespace

float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000U) << 16;
  const uint32_t exponent = (half >> 10) & 0x1FU;
  uint32_t mantissa = half & 0x3FFU;
  uint32_t bits = 0;
  if (exponent == 31) {
    bits = sign | 0x7F800000U | (mantissa << 13);
  } else if (exponent != 0) {
    bits = sign | ((exponent + 112) << 23) | (mantissa << 13);
  } else {  // zero, or below the smallest normal half: exact in float
    const float value = static_cast<float>(mantissa) * (1.F / 16777216.F);
    return sign != 0 ? -value : value;
  }
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

const abi::LayerInfo* FindTensor(const Layers& layers, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    for (const abi::LayerInfo& layer : layers) {
      if (Matches(layer.name, name)) return &layer;
    }
  }
  return nullptr;
}

const abi::LayerInfo* FindByLastDim(const Layers& layers, unsigned last_dim) {
  const abi::LayerInfo* found = nullptr;
  for (const abi::LayerInfo& layer : layers) {
    if (LastDim(layer) != last_dim) continue;
    if (found != nullptr) return nullptr;
    found = &layer;
  }
  return found;
}

unsigned LastDim(const abi::LayerInfo& layer) {
  if (layer.dims.num_dims == 0 || layer.dims.num_dims > abi::kMaxDims) return 0;
  return layer.dims.d[layer.dims.num_dims - 1];
}

std::string Describe(const Layers& layers) {
  std::string text;
  // A model of hundreds of outputs would fill the terminal.
  for (size_t i = 0; i < layers.size() && i < 8; ++i) {
    const abi::LayerInfo& layer = layers[i];
    text += i == 0 ? "" : ", ";
    text +=
        layer.name != nullptr ? std::string(layer.name).substr(0, 100) : std::string("(no name)");
    text += std::string(" ") + NameOfType(layer.data_type) + " [";
    for (unsigned d = 0; d < std::min(layer.dims.num_dims, abi::kMaxDims); ++d) {
      text += (d == 0 ? "" : ", ") + std::to_string(layer.dims.d[d]);
    }
    text += "]";
  }
  if (layers.size() > 8) text += ", ...";
  return layers.empty() ? "no tensor" : text;
}

FloatView::FloatView(const abi::LayerInfo& layer) : size_(layer.dims.num_elements) {
  if (layer.data_type == abi::kFloat) floats_ = static_cast<const float*>(layer.buffer);
  if (layer.data_type == abi::kHalf) halves_ = static_cast<const uint16_t*>(layer.buffer);
}

int64_t IntegerView::Whole(float value) {
  // 2^24: beyond it a float no longer holds every whole number.
  if (!(std::fabs(value) <= 16777216.F) || value != std::floor(value)) return kNotWhole;
  return static_cast<int64_t>(value);
}

IntegerView::IntegerView(const abi::LayerInfo& layer)
    : type_(layer.data_type), size_(layer.dims.num_elements) {
  if (BytesOfType(type_) != 0) bytes_ = static_cast<const unsigned char*>(layer.buffer);
}

int64_t IntegerView::operator[](size_t i) const {
  switch (type_) {
    case abi::kFloat:
      return Whole(Load<float>(bytes_, i));
    case abi::kHalf:
      return Whole(HalfToFloat(Load<uint16_t>(bytes_, i)));
    case abi::kInt8:
      return Load<int8_t>(bytes_, i);
    case abi::kInt32:
      return Load<int32_t>(bytes_, i);
    case abi::kInt64:
      return Load<int64_t>(bytes_, i);
    case abi::kUint8:
      return bytes_[i];
    default:
      return kNotWhole;
  }
}

}  // namespace parser
}  // namespace edet
