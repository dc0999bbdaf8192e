#include "checkpoint/graph_constants.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <unordered_set>

#include "base/checked_math.h"
#include "base/file.h"
#include "checkpoint/tensorflow_dtype.h"
#include "proto/graph.pb.h"

namespace edet::checkpoint {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// Length-delimited fields: GraphDef.node, SavedModel.meta_graphs, MetaGraphDef.graph_def.
constexpr uint32_t kNodeTag = 1 << 3 | 2;
constexpr uint32_t kMetaGraphTag = 2 << 3 | 2;
constexpr uint32_t kGraphTag = 2 << 3 | 2;
// A constant may say "this number, everywhere": room for those is not backed by bytes of the file.
constexpr uint64_t kMostRepeatedBytes = uint64_t{64} << 20;

bool IsFloating(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kFloat64 || dtype == DType::kFloat16 ||
         dtype == DType::kBFloat16;
}

// Element `i` of a list that stands for all elements from its end on.
template <typename Kept, typename List>
void Spread(const List& list, uint64_t count, char* out) {
  for (uint64_t i = 0; i < count; ++i) {
    auto at = static_cast<int>(std::min<uint64_t>(i, static_cast<uint64_t>(list.size()) - 1));
    auto value = static_cast<Kept>(list.Get(at));
    std::memcpy(out + i * sizeof value, &value, sizeof value);
  }
}

class GraphReader {
 public:
  GraphReader(const std::string& where, const Limits& limits)
      : where_(where), limits_(limits), tensors_(where, limits) {}

  // Each message is taken apart field by field, so that only one node is held as a message.
  Status ReadGraph(CodedInputStream& in) {
    return ForEachField(in, kNodeTag, [this](CodedInputStream& field) {
      proto::Node node;
      if (!node.MergeFromCodedStream(&field) || !field.ConsumedEntireMessage())
        return Status(NotAGraph());
      return TakeNode(node);
    });
  }

  Status ReadSavedModel(CodedInputStream& in) {
    return ForEachField(in, kMetaGraphTag, [this](CodedInputStream& meta) {
      return ForEachField(meta, kGraphTag,
                          [this](CodedInputStream& graph) { return ReadGraph(graph); });
    });
  }

  Result<LoadedTensors> Finish() {
    auto& entries = tensors_.entries;
    entries.erase(std::remove_if(entries.begin(), entries.end(),
                                 [this](const TensorEntry& entry) {
                                   return identities_.count(entry.name) == 0;
                                 }),
                  entries.end());
    if (entries.empty()) {
      return Error{ErrorCode::kUnsupported, "no constant of this graph was a variable", where_,
                   "give a graph that was frozen by AutoML's model_inspect, or the checkpoint"};
    }
    EDET_RETURN_IF_ERROR(tensors_.Finish());
    return std::move(tensors_);
  }

 private:
  Error NotAGraph() const {
    return {ErrorCode::kCorrupt, "not a TensorFlow graph, or cut off", where_, "copy it again"};
  }

  template <typename Take>
  Status ForEachField(CodedInputStream& in, uint32_t wanted, Take take) {
    while (uint32_t tag = in.ReadTag()) {
      if (tag != wanted) {
        if (!WireFormatLite::SkipField(&in, tag)) return NotAGraph();
        continue;
      }
      int length = 0;
      if (!in.ReadVarintSizeAsInt(&length) || length > in.BytesUntilLimit()) return NotAGraph();
      CodedInputStream::Limit outer = in.PushLimit(length);
      EDET_RETURN_IF_ERROR(take(in));
      in.PopLimit(outer);
    }
    return in.ConsumedEntireMessage() ? Status() : Status(NotAGraph());
  }

  Status TakeNode(const proto::Node& node) {
    if (++nodes_ > limits_.nodes) {
      return Error{ErrorCode::kLimitExceeded,
                   fmt::format("the graph has more than {} nodes", limits_.nodes), where_, ""};
    }
    if (node.op() == "Identity" && node.input_size() > 0) {
      std::string input = node.input(0);
      if (size_t colon = input.rfind(":0"); colon != std::string::npos && colon + 2 == input.size())
        input.resize(colon);
      identities_.insert(std::move(input));
    }
    if (node.op() != "Const") return {};
    for (const proto::Attribute& attribute : node.attr()) {
      if (attribute.key() == "value" && attribute.value().has_tensor())
        return TakeTensor(node.name(), attribute.value().tensor());
    }
    return Error{ErrorCode::kCorrupt, "constant '" + node.name() + "' has no value", where_, ""};
  }

  Status TakeTensor(const std::string& name, const proto::TensorValue& value) {
    DType dtype = FromTensorFlow(value.dtype());
    if (!IsFloating(dtype)) return {};
    std::vector<int64_t> shape;
    for (const auto& dimension : value.tensor_shape().dim()) shape.push_back(dimension.size());
    const std::string& content = value.tensor_content();
    if (!content.empty()) {
      EDET_ASSIGN_OR_RETURN(char* out, tensors_.Add(name, name, dtype, shape, content.size()));
      std::copy(content.begin(), content.end(), out);
      return {};
    }
    return TakeList(name, dtype, shape, value);
  }

  // Values given one by one; the last one stands for all that are left out.
  Status TakeList(const std::string& name, DType dtype, const std::vector<int64_t>& shape,
                  const proto::TensorValue& value) {
    std::optional<uint64_t> count = ElementCount(shape);
    int listed = dtype == DType::kFloat32   ? value.float_val_size()
                 : dtype == DType::kFloat64 ? value.double_val_size()
                                            : value.half_val_size();
    if (!count || static_cast<uint64_t>(listed) > *count || (listed == 0 && *count > 0)) {
      return Error{
          ErrorCode::kCorrupt,
          fmt::format("constant '{}' lists {} values, which do not fit its shape", name, listed),
          where_, ""};
    }
    if (*count > (kMostRepeatedBytes - repeated_bytes_) / DTypeBytes(dtype)) {
      return Error{ErrorCode::kLimitExceeded,
                   fmt::format("constant '{}' repeats one value {} times", name, *count), where_,
                   ""};
    }
    uint64_t size = *count * DTypeBytes(dtype);
    repeated_bytes_ += size;
    EDET_ASSIGN_OR_RETURN(char* out, tensors_.Add(name, name, dtype, shape, size));
    if (dtype == DType::kFloat32)
      Spread<float>(value.float_val(), *count, out);
    else if (dtype == DType::kFloat64)
      Spread<double>(value.double_val(), *count, out);
    else
      Spread<uint16_t>(value.half_val(), *count, out);
    return {};
  }

  const std::string& where_;
  const Limits& limits_;
  LoadedTensors tensors_;
  std::unordered_set<std::string> identities_;  // names of what an Identity reads
  size_t nodes_ = 0;
  uint64_t repeated_bytes_ = 0;
};

}  // namespace

Result<LoadedTensors> ReadGraphConstants(const std::filesystem::path& path, GraphFile form,
                                         const Limits& limits) {
  const std::string where = path.string();
  // protobuf counts in int
  uint64_t most = std::min<uint64_t>(limits.unpacked_bytes, std::numeric_limits<int>::max());
  EDET_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path, most));
  CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  in.PushLimit(static_cast<int>(bytes.size()));
  GraphReader reader(where, limits);
  EDET_RETURN_IF_ERROR(form == GraphFile::kGraphDef ? reader.ReadGraph(in)
                                                    : reader.ReadSavedModel(in));
  return reader.Finish();
}

}  // namespace edet::checkpoint
