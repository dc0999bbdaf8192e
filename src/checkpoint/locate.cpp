#include "checkpoint/locate.h"

#include <fmt/format.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <vector>

#include "base/file.h"
#include "checkpoint/archive.h"
#include "checkpoint/data_file.h"
#include "checkpoint/index_table.h"
#include "proto/checkpoint_state.pb.h"

namespace edet::checkpoint {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kStateFileLimitBytes = uint64_t{16} << 20;

bool EndsWith(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool Exists(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool IsFolder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

fs::path WithSuffix(const fs::path& path, const char* suffix) {
  fs::path result = path;
  return result += suffix;
}

// Keeps protobuf's text parser from writing to standard error; remembers the first complaint.
class FirstComplaint : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber, const std::string& message) override {
    if (text_.empty()) text_ = fmt::format("line {}: {}", line + 1, message);
  }
  void AddWarning(int, google::protobuf::io::ColumnNumber, const std::string&) override {}
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

bool LeavesFolder(const fs::path& stated) {
  if (stated.is_absolute()) return true;
  fs::path normal = stated.lexically_normal();
  return !normal.empty() && *normal.begin() == "..";
}

// The folder of the state file is the only one that its path may lead into. TensorFlow writes
// absolute paths, of the machine that trained: a checkpoint of that name beside the state file is
// the one.
Result<fs::path> FollowStateFile(const fs::path& state_file, const Limits& limits) {
  EDET_ASSIGN_OR_RETURN(std::string bytes, ReadFile(state_file, kStateFileLimitBytes));
  EDET_ASSIGN_OR_RETURN(fs::path stated, ParseStateFile(bytes, state_file.string()));
  std::string text = stated.string();
  fs::path folder = state_file.parent_path();
  if (LeavesFolder(stated) && !limits.follow_outside) {
    fs::path beside = folder / stated.filename();
    bool is_beside = Exists(WithSuffix(beside, ".index"));
    if (is_beside && stated.is_absolute()) return beside;
    std::string hint = is_beside ? "give " + beside.string() + " instead"
                                 : "give the prefix of the checkpoint itself";
    return Error{ErrorCode::kUnsupported,
                 "the state file points outside its folder, to '" + text + "'", state_file.string(),
                 hint};
  }
  fs::path prefix = folder / stated;
  if (Exists(WithSuffix(prefix, ".index"))) return prefix;
  return Error{ErrorCode::kNotFound,
               "the state file names '" + text + "', which has no .index file", state_file.string(),
               "copy " + prefix.filename().string() + ".index and its data files here"};
}

std::vector<fs::path> Indexes(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code failed;
  for (fs::directory_iterator i(folder, failed), end; !failed && i != end; i.increment(failed)) {
    if (i->path().extension() == ".index") found.push_back(i->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// The bundle in a SavedModel's `variables` has a `saved_model.pb` above it.
Location AtPrefix(const fs::path& prefix) {
  std::error_code ignored;
  fs::path folder = fs::absolute(prefix, ignored).parent_path();
  bool in_saved_model =
      folder.filename() == "variables" && Exists(folder.parent_path() / "saved_model.pb");
  return {in_saved_model ? Form::kSavedModel : Form::kBundle, prefix};
}

// A model that was frozen before it was saved has no variables: its graph holds the values.
Location AtSavedModel(const fs::path& folder) {
  fs::path prefix = folder / "variables" / "variables";
  if (Exists(WithSuffix(prefix, ".index"))) return {Form::kSavedModel, prefix};
  return {Form::kSavedModelGraph, folder / "saved_model.pb"};
}

Result<Location> SearchFolder(const fs::path& folder, const Limits& limits) {
  if (Exists(folder / "checkpoint") && !IsFolder(folder / "checkpoint")) {
    EDET_ASSIGN_OR_RETURN(fs::path prefix, FollowStateFile(folder / "checkpoint", limits));
    return AtPrefix(prefix);
  }
  std::vector<fs::path> indexes = Indexes(folder);
  if (indexes.size() == 1) return AtPrefix(fs::path(indexes[0]).replace_extension());
  if (indexes.size() > 1) {
    return Error{
        ErrorCode::kUnsupported,
        fmt::format("the folder holds {} checkpoints and no `checkpoint` file", indexes.size()),
        folder.string(),
        "give one of them: " + fs::path(indexes.back()).replace_extension().string()};
  }
  if (Exists(folder / "saved_model.pb")) return AtSavedModel(folder);
  return Error{ErrorCode::kNotFound, "no checkpoint in this folder", folder.string(),
               "a checkpoint is a .index file with its .data-00000-of-00001 file"};
}

struct OtherKind {
  const char* what;
  const char* hint;
};

constexpr const char* kGivePrefix =
    "give the folder, the prefix or the .index file of a checkpoint";

// What a regular file is that is no part of a V2 checkpoint, from its first bytes and its name.
OtherKind Recognise(const fs::path& path, const std::string& head, bool ends_like_table) {
  auto begins = [&head](std::string_view magic) {
    return head.compare(0, magic.size(), magic) == 0;
  };
  std::string name = path.filename().string();
  if (ends_like_table) {
    return {"this is a V1 checkpoint (one file without .index), which is not supported",
            "restore it in TensorFlow and save it with tf.compat.v1.train.Saver(write_version=V2)"};
  }
  if (begins("PK\x03\x04"))
    return {"this is a ZIP archive (a .keras file?)", "unpack it, or save it as a checkpoint"};
  if (EndsWith(name, ".meta"))
    return {"this is the graph of a checkpoint (.meta), without weights", kGivePrefix};
  if (EndsWith(name, ".onnx")) return {"this is an ONNX model, not a checkpoint", kGivePrefix};
  return {"this is not a TensorFlow checkpoint", kGivePrefix};
}

// A regular file that is no part of a bundle.
Result<Location> AtFile(const fs::path& path) {
  EDET_ASSIGN_OR_RETURN(DataFile file, DataFile::Open(path));
  std::string head(std::min<uint64_t>(file.size_bytes(), 16), '\0');
  std::string tail(std::min<uint64_t>(file.size_bytes(), 48), '\0');
  EDET_RETURN_IF_ERROR(file.ReadAt(0, head.data(), head.size()));
  EDET_RETURN_IF_ERROR(file.ReadAt(file.size_bytes() - tail.size(), tail.data(), tail.size()));
  if (head.compare(0, 8, "\x89HDF\r\n\x1a\n") == 0) return Location{Form::kHdf5, path};
  if (LooksLikeArchive(path, head)) return Location{Form::kArchive, path};
  if (path.filename() == "saved_model.pb") return AtSavedModel(path.parent_path());
  if (path.extension() == ".pb") return Location{Form::kGraph, path};
  OtherKind kind = Recognise(path, head, EndsLikeIndexTable(tail));
  return Error{ErrorCode::kUnsupported, kind.what, path.string(), kind.hint};
}

Result<Location> PrefixWithIndex(const fs::path& prefix) {
  if (Exists(WithSuffix(prefix, ".index"))) return AtPrefix(prefix);
  bool has_graph = Exists(WithSuffix(prefix, ".meta"));
  bool has_data = Exists(WithSuffix(prefix, ".data-00000-of-00001"));
  return Error{ErrorCode::kNotFound, "there is no such checkpoint: its .index file is missing",
               WithSuffix(prefix, ".index").string(),
               has_graph || has_data ? "copy the .index file that belongs to the files beside it"
                                     : kGivePrefix};
}

}  // namespace

std::string WithoutShard(const std::string& path) {
  const std::string_view form = ".data-#####-of-#####";  // #: a digit
  if (path.size() <= form.size()) return "";
  size_t begin = path.size() - form.size();
  for (size_t i = 0; i < form.size(); ++i) {
    char c = path[begin + i];
    if (form[i] == '#' ? c < '0' || c > '9' : c != form[i]) return "";
  }
  return path.substr(0, begin);
}

Result<fs::path> ParseStateFile(const std::string& text, const std::string& where) {
  google::protobuf::TextFormat::Parser parser;
  FirstComplaint complaint;
  parser.RecordErrorsTo(&complaint);
  proto::CheckpointState state;
  if (!parser.ParseFromString(text, &state)) {
    return Error{ErrorCode::kCorrupt, "not a checkpoint state file: " + complaint.text(), where,
                 "give the prefix of the checkpoint itself"};
  }
  if (state.model_checkpoint_path().empty()) {
    return Error{ErrorCode::kCorrupt, "the state file names no model_checkpoint_path", where,
                 "give the prefix of the checkpoint itself"};
  }
  return fs::path(state.model_checkpoint_path());
}

Result<Location> Locate(const fs::path& path, const Limits& limits) {
  std::string text = path.string();
  if (text.size() > 4096) return Error{ErrorCode::kInvalidArgument, "the path is too long", "", ""};
  if (EndsWith(text, ".index")) return PrefixWithIndex(text.substr(0, text.size() - 6));
  std::string without_shard = WithoutShard(text);
  if (!without_shard.empty()) return PrefixWithIndex(without_shard);
  if (Exists(WithSuffix(path, ".index"))) return AtPrefix(path);
  if (IsFolder(path)) return SearchFolder(path, limits);
  if (path.filename() == "checkpoint" && Exists(path)) {
    EDET_ASSIGN_OR_RETURN(fs::path prefix, FollowStateFile(path, limits));
    return AtPrefix(prefix);
  }
  if (Exists(path)) return AtFile(path);
  return PrefixWithIndex(path);
}

fs::path ShardPath(const fs::path& prefix, uint64_t shard, uint64_t shards) {
  return WithSuffix(prefix, fmt::format(".data-{:05}-of-{:05}", shard, shards).c_str());
}

}  // namespace edet::checkpoint
