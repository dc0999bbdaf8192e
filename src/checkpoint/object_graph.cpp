#include "checkpoint/object_graph.h"

#include <google/protobuf/io/coded_stream.h>

#include "checkpoint/crc32c.h"
#include "proto/object_graph.pb.h"

namespace edet::checkpoint {
namespace {

Error Corrupt(const char* what, const std::string& where) {
  return {ErrorCode::kCorrupt, what, where, "the checkpoint is damaged; copy it again"};
}

void AddSlots(const proto::TrackableObjectGraph& graph,
              const proto::TrackableObjectGraph::TrackableObject& node, ObjectGraph& result) {
  for (const auto& slot : node.slot_variables()) {
    int id = slot.slot_variable_node_id();
    if (id < 0 || id >= graph.nodes_size()) continue;
    for (const auto& tensor : graph.nodes(id).attributes())
      result.slot_keys.insert(tensor.checkpoint_key());
  }
}

}  // namespace

Result<ObjectGraph> ParseObjectGraph(std::string_view serialized, const std::string& where) {
  proto::TrackableObjectGraph graph;
  if (!graph.ParseFromArray(serialized.data(), static_cast<int>(serialized.size()))) {
    return Corrupt("the object graph cannot be parsed", where);
  }
  ObjectGraph result;
  for (const auto& node : graph.nodes()) {
    for (const auto& tensor : node.attributes()) {
      if (!tensor.full_name().empty())
        result.full_names.emplace(tensor.checkpoint_key(), tensor.full_name());
    }
    AddSlots(graph, node, result);
  }
  return result;
}

// The checksum covers the length as 4 bytes (8 if it needs them, which no object graph does), not
// as it is stored.
Result<std::string> DecodeStringScalar(std::string_view stored, uint32_t masked_crc32c,
                                       const std::string& where) {
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(stored.data()),
                                            static_cast<int>(stored.size()));
  uint64_t length = 0;
  uint32_t length_checksum = 0;
  if (!in.ReadVarint64(&length) || !in.ReadLittleEndian32(&length_checksum)) {
    return Corrupt("a string tensor is cut off", where);
  }
  std::string_view text = stored.substr(static_cast<size_t>(in.CurrentPosition()));
  if (length != text.size())
    return Corrupt("a string tensor has another length than it says", where);
  auto length32 = static_cast<uint32_t>(length);
  uint32_t crc = Crc32c(&length32, sizeof length32);
  bool length_matches = MaskCrc32c(crc) == length_checksum;
  crc = Crc32c(text.data(), text.size(), Crc32c(&length_checksum, sizeof length_checksum, crc));
  if (!length_matches || MaskCrc32c(crc) != masked_crc32c) {
    return Corrupt("checksum of a string tensor does not match", where);
  }
  return std::string(text);
}

}  // namespace edet::checkpoint
