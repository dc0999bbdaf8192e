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

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

class Counter {
 public:
  Counter(CodedInputStream& stream, uint64_t most) : stream_(stream), most_(most) {}
  uint64_t parts() const { return parts_; }

  bool Message(const Descriptor& type, int depth) {
    while (const uint32_t tag = stream_.ReadTag()) {
      const FieldDescriptor* field = type.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
      const bool good =
          WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED
              ? Delimited(field, depth)
              : Scalar(field, tag);
      if (!good) return false;
    }
    return stream_.ConsumedEntireMessage() || stream_.BytesUntilLimit() == 0;
  }

 private:
  bool Delimited(const FieldDescriptor* field, int depth) {
    constexpr int kDeepest = 100;  // protobuf itself goes no deeper
    uint32_t size = 0;
    if (++parts_ > most_ || !stream_.ReadVarint32(&size)) return false;
    if (size > uint32_t{std::numeric_limits<int>::max()}) return false;
    const bool message = field != nullptr && field->type() == FieldDescriptor::TYPE_MESSAGE;
    if (!message) return stream_.Skip(static_cast<int>(size));
    if (depth == kDeepest) return false;
    const CodedInputStream::Limit limit = stream_.PushLimit(static_cast<int>(size));
    if (!Message(*field->message_type(), depth + 1)) return false;
    stream_.PopLimit(limit);
    return true;
  }

  // Numbers take no more memory than they do in the file, or four times that.
  bool Scalar(const FieldDescriptor* field, uint32_t tag) {
    if (field == nullptr && ++parts_ > most_) return false;
    return WireFormatLite::SkipField(&stream_, tag);
  }

  CodedInputStream& stream_;
  uint64_t most_;
  uint64_t parts_ = 0;
};

}  // namespace

bool CountParts(CodedInputStream& stream, const Descriptor& type, uint64_t most, uint64_t& parts) {
  Counter counter(stream, most);
  const bool good = counter.Message(type, 1);
  parts = counter.parts();
  return good;
}

}  // namespace edet::onnx_format
