#include "parser/library/tensor.h"

#include <algorithm>
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

template <typename T>
T Load(const unsigned char* bytes, size_t i) {
  T value;
  std::memcpy(&value, bytes + i * sizeof(T), sizeof value);
  return value;
}

}  // namespace

const abi::LayerInfo* OnlyOutput(const Layers& layers) {
  return layers.size() == 1 ? &layers[0] : nullptr;
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

constexpr int64_t IntegerView::kNotWhole;  // C++14 wants it where its address is taken

IntegerView::IntegerView(const abi::LayerInfo& layer, bool half_is_int16)
    : type_(layer.data_type), size_(layer.dims.num_elements) {
  if (BytesOfType(type_) != 0) bytes_ = static_cast<const unsigned char*>(layer.buffer);
  if (type_ == abi::kHalf && half_is_int16) type_ = kInt16;
}

int64_t IntegerView::operator[](size_t i) const {
  switch (type_) {
    case abi::kFloat:
      return Whole(Load<float>(bytes_, i));
    case abi::kHalf:
      return Whole(HalfToFloat(Load<uint16_t>(bytes_, i)));
    case kInt16:
      return Load<int16_t>(bytes_, i);
    case abi::kInt8:
      return Load<int8_t>(bytes_, i);
    case abi::kInt32:
      return Load<int32_t>(bytes_, i);
    case abi::kInt64: {  // no class or count is beyond this, and a base may be taken off it
      const auto value = Load<int64_t>(bytes_, i);
      return value < kNotWhole ? kNotWhole : value;
    }
    case abi::kUint8:
      return bytes_[i];
    default:
      return kNotWhole;
  }
}

}  // namespace parser
}  // namespace edet
