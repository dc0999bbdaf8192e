#include "checkpoint/bundle_writer.h"

#include <fmt/format.h>
#include <google/protobuf/text_format.h>
#include <leveldb/env.h>
#include <leveldb/options.h>
#include <leveldb/table_builder.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "base/checked_math.h"
#include "base/file.h"
#include "checkpoint/crc32c.h"
#include "checkpoint/locate.h"
#include "proto/checkpoint_state.pb.h"
#include "proto/tensor_bundle.pb.h"

namespace edet::checkpoint {
namespace fs = std::filesystem;
namespace {

constexpr int kFloat32 = 1;
constexpr int kInt64 = 9;
constexpr size_t kIndexBlockBytes = size_t{256} << 10;  // as TensorFlow's

// Collects what LevelDB writes.
class MemoryOutput : public leveldb::WritableFile {
 public:
  leveldb::Status Append(const leveldb::Slice& data) override {
    bytes_.append(data.data(), data.size());
    return leveldb::Status::OK();
  }
  leveldb::Status Close() override { return leveldb::Status::OK(); }
  leveldb::Status Flush() override { return leveldb::Status::OK(); }
  leveldb::Status Sync() override { return leveldb::Status::OK(); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

Status Check(const std::vector<NamedTensor>& tensors) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    const NamedTensor& tensor = tensors[i];
    std::optional<uint64_t> count = ElementCount(tensor.shape);
    if (!count || *count != tensor.values.size()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("tensor '{}': {} values do not fill its shape", tensor.name,
                               tensor.values.size()),
                   "", ""};
    }
    bool repeated = i > 0 && tensors[i - 1].name == tensor.name;
    if (tensor.name.empty() || tensor.name[0] == '\0' || repeated) {
      return Error{ErrorCode::kInvalidArgument,
                   "empty or repeated tensor name '" + tensor.name + "'", "", ""};
    }
  }
  return {};
}

// Appends the bytes of one tensor to the data file and gives its record.
std::string Append(int dtype, const std::vector<int64_t>& shape, std::string_view bytes,
                   std::string& data) {
  proto::BundleEntry entry;
  entry.set_dtype(dtype);
  entry.mutable_shape();
  for (int64_t dimension : shape) entry.mutable_shape()->add_dim()->set_size(dimension);
  entry.set_offset(static_cast<int64_t>(data.size()));
  entry.set_size(static_cast<int64_t>(bytes.size()));
  entry.set_crc32c(MaskCrc32c(Crc32c(bytes.data(), bytes.size())));
  data.append(bytes);
  return entry.SerializeAsString();
}

std::string Header() {
  proto::BundleHeader header;
  header.set_num_shards(1);
  header.mutable_version()->set_producer(1);
  return header.SerializeAsString();
}

Result<std::string> IndexBytes(const std::map<std::string, std::string>& records) {
  leveldb::Options options;
  options.compression = leveldb::kNoCompression;
  options.block_size = kIndexBlockBytes;
  MemoryOutput output;
  leveldb::TableBuilder builder(options, &output);
  for (const auto& [key, value] : records) builder.Add(key, value);
  leveldb::Status status = builder.Finish();
  if (!status.ok())
    return Error{ErrorCode::kInternal, "cannot build the index: " + status.ToString(), "", ""};
  return output.bytes();
}

Result<std::string> StateText(const fs::path& prefix) {
  proto::CheckpointState state;
  state.set_model_checkpoint_path(prefix.filename().string());
  state.add_all_model_checkpoint_paths(prefix.filename().string());
  std::string text;
  if (!google::protobuf::TextFormat::PrintToString(state, &text)) {
    return Error{ErrorCode::kInternal, "cannot write the state file", prefix.string(), ""};
  }
  return text;
}

template <typename T>
std::string_view Bytes(const T* values, size_t count) {
  return {reinterpret_cast<const char*>(values), count * sizeof(T)};
}

}  // namespace

Status WriteBundle(const fs::path& prefix, std::vector<NamedTensor> tensors,
                   std::optional<int64_t> global_step) {
  std::sort(tensors.begin(), tensors.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  EDET_RETURN_IF_ERROR(Check(tensors));
  std::string data;
  std::map<std::string, std::string> records = {{"", Header()}};
  for (const NamedTensor& tensor : tensors) {
    records[tensor.name] =
        Append(kFloat32, tensor.shape, Bytes(tensor.values.data(), tensor.values.size()), data);
  }
  if (global_step) {
    bool is_new =
        records.emplace("global_step", Append(kInt64, {}, Bytes(&*global_step, 1), data)).second;
    if (!is_new)
      return Error{ErrorCode::kInvalidArgument, "repeated tensor name 'global_step'", "", ""};
  }
  EDET_ASSIGN_OR_RETURN(std::string index, IndexBytes(records));
  EDET_ASSIGN_OR_RETURN(std::string state, StateText(prefix));
  OutputFiles output;  // the state file last: it makes the others known
  EDET_RETURN_IF_ERROR(output.Stage(ShardPath(prefix, 0, 1), data));
  EDET_RETURN_IF_ERROR(output.Stage(prefix.string() + ".index", index));
  EDET_RETURN_IF_ERROR(output.Stage(prefix.parent_path() / "checkpoint", state));
  return output.Commit();
}

}  // namespace edet::checkpoint
