#include "onnx/wire.h"

#include <google/protobuf/wire_format_lite.h>

#include <cstdint>
#include <limits>
#include <string>

namespace edet::onnx_format {
using google::protobuf::MessageLite;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

bool ForEachField(CodedInputStream& stream,
                  const std::function<bool(int number, CodedInputStream& field)>& field) {
  while (const uint32_t tag = stream.ReadTag()) {
    if (WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (!WireFormatLite::SkipField(&stream, tag)) return false;
      continue;
    }
    uint32_t size = 0;
    if (!stream.ReadVarint32(&size) || size > uint32_t{std::numeric_limits<int>::max()})
      return false;
    const CodedInputStream::Limit limit = stream.PushLimit(static_cast<int>(size));
    const bool good = field(WireFormatLite::GetTagFieldNumber(tag), stream);
    const int rest = stream.BytesUntilLimit();
    if (!good || (rest > 0 && !stream.Skip(rest))) return false;
    stream.PopLimit(limit);
  }
  return stream.ConsumedEntireMessage() || stream.BytesUntilLimit() == 0;
}

bool ParseField(CodedInputStream& stream, MessageLite& message) {
  std::string bytes;
  const int size = stream.BytesUntilLimit();
  return stream.ReadString(&bytes, size) && message.ParseFromString(bytes);
}

}  // namespace edet::onnx_format
