#pragma once

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message_lite.h>

#include <functional>

namespace edet::onnx_format {

// A message read field by field, for those who want a few and not the weights.
//
// Calls `field(number, stream)` for each length-delimited field up to the stream's limit; false
// from it, or a damaged stream, ends all. What `field` leaves unread is passed over.
bool ForEachField(
    google::protobuf::io::CodedInputStream& stream,
    const std::function<bool(int number, google::protobuf::io::CodedInputStream& field)>& field);

// The message that fills the stream up to its limit.
bool ParseField(google::protobuf::io::CodedInputStream& stream,
                google::protobuf::MessageLite& message);

}  // namespace edet::onnx_format
