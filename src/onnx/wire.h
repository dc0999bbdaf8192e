#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message_lite.h>

#include <cstdint>
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

// Counts the messages, texts and unknown fields in a message of that type, to the stream's end or
// until there are more than `most`: two bytes of a file can become hundreds in memory. False: too
// many, or the stream is damaged; weights are passed over.
bool CountParts(google::protobuf::io::CodedInputStream& stream,
                const google::protobuf::Descriptor& type, uint64_t most, uint64_t& parts);

}  // namespace edet::onnx_format
