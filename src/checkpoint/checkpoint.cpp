#include "checkpoint/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <type_traits>
#include <unordered_set>

#include "base/checked_math.h"
#include "base/file.h"
#include "checkpoint/archive.h"
#include "checkpoint/bundle_index.h"
#include "checkpoint/crc32c.h"
#include "checkpoint/data_file.h"
#include "checkpoint/graph_constants.h"
#include "checkpoint/index_table.h"
#include "checkpoint/keras_h5.h"
#include "checkpoint/loaded_tensors.h"
#include "checkpoint/locate.h"
#include "checkpoint/object_graph.h"

namespace edet::checkpoint {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kEmaSuffix = "/ExponentialMovingAverage";
constexpr std::string_view kVariableValueSuffix = "/.ATTRIBUTES/VARIABLE_VALUE";
constexpr uint64_t kMostIndexBytes = uint64_t{1} << 30;  // protobuf and LevelDB count in int

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool ByName(const TensorEntry& a, const TensorEntry& b) { return a.name < b.name; }

float FromHalf(uint16_t half) {
  uint32_t sign = uint32_t{half & 0x8000u} << 16;
  uint32_t exponent = half >> 10 & 0x1f;
  uint32_t fraction = half & 0x3ff;
  if (exponent == 0) {  // zero or subnormal: fraction * 2^-24, exact in float
    float value = static_cast<float>(fraction) * 0x1p-24f;
    return sign != 0 ? -value : value;
  }
  uint32_t bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | fraction << 13;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

float FromBFloat16(uint16_t stored) {
  uint32_t bits = uint32_t{stored} << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

bool IsBookkeeping(const TensorEntry& entry) {
  static const std::unordered_set<std::string_view> names = {
      "global_step", "save_counter", "beta1_power", "beta2_power", kObjectGraphKey};
  std::string_view key = entry.checkpoint_key;
  return names.count(entry.name) != 0 || key.substr(0, 13) == "save_counter/" ||
         key.substr(0, 10) == "optimizer/" || Contains(key, "/optimizer/") ||
         Contains(key, "/.ATTRIBUTES/OBJECT_CONFIG_JSON");
}

TensorEntry* FindIn(std::vector<TensorEntry>& entries, std::string_view name) {
  auto at = std::lower_bound(
      entries.begin(), entries.end(), name,
      [](const TensorEntry& entry, std::string_view wanted) { return entry.name < wanted; });
  return at != entries.end() && at->name == name ? &*at : nullptr;
}

// A variable's name is never the folder of another variable of the model: what lies below one
// belongs to an optimizer.
TensorRole RoleByName(std::vector<TensorEntry>& entries, const TensorEntry& entry) {
  if (EndsWith(entry.name, kEmaSuffix)) return TensorRole::kEma;
  if (IsBookkeeping(entry)) return TensorRole::kBookkeeping;
  size_t slash = entry.name.rfind('/');
  if (slash != std::string::npos &&
      FindIn(entries, std::string_view(entry.name).substr(0, slash)) != nullptr) {
    return TensorRole::kOptimizerSlot;
  }
  return TensorRole::kVariable;
}

const char* KindForPeople(CheckpointKind kind) {
  switch (kind) {
    case CheckpointKind::kTensorFlow1Bundle:
      return "TensorFlow 1 bundle";
    case CheckpointKind::kKerasObjectCheckpoint:
      return "Keras object checkpoint";
    case CheckpointKind::kSavedModel:
      return "SavedModel";
    case CheckpointKind::kFrozenGraph:
      return "frozen graph";
    case CheckpointKind::kKerasHdf5:
      break;
  }
  return "Keras HDF5 file";
}

// Where one piece goes in the whole tensor, row by row of its last dimension.
template <typename T>
void PlacePiece(const TensorPiece& piece, const std::vector<T>& values,
                const std::vector<int64_t>& shape, std::vector<T>& whole) {
  if (values.empty()) return;
  size_t rank = shape.size();
  auto row = static_cast<size_t>(piece.extent[rank - 1]);
  std::vector<int64_t> at(rank, 0);
  for (size_t begin = 0; begin < values.size(); begin += row) {
    int64_t place = 0;
    for (size_t d = 0; d < rank; ++d) place = place * shape[d] + piece.start[d] + at[d];
    std::copy_n(values.begin() + static_cast<ptrdiff_t>(begin), row, whole.begin() + place);
    for (size_t d = rank - 1; d-- > 0;) {
      if (++at[d] < piece.extent[d]) break;
      at[d] = 0;
    }
  }
}

}  // namespace

struct Checkpoint::State {
  Limits limits;
  CheckpointSummary summary;
  std::vector<TensorEntry> entries;
  std::vector<std::optional<DataFile>> shards;

  using OpenShard = std::function<Result<DataFile>(const fs::path&)>;
  Status OpenAt(const Location& location);
  Status OpenBundle(const std::string& index_bytes, const OpenShard& open_shard);
  Status OpenArchive(const fs::path& path);
  Status TakeOver(Result<LoadedTensors> loaded, CheckpointKind kind, const fs::path& path);
  Status OpenShards(uint32_t count, const OpenShard& open_shard);
  Status CheckRanges() const;
  Status CheckRange(const TensorEntry& entry, const TensorPiece& piece) const;
  Status MapNames();
  void Rename(const ObjectGraph& graph);
  void SetRoles(const std::unordered_set<std::string>& slot_keys);
  Status ReadGlobalStep();
  Result<const DataFile*> Shard(const TensorEntry& entry, const TensorPiece& piece) const;
  Status ReadPiece(const TensorEntry& entry, const TensorPiece& piece, void* destination) const;
  Result<std::string> ReadString(const TensorEntry& entry) const;
  template <typename Stored, typename Kept, typename Convert>
  Result<std::vector<Kept>> ReadPieceAs(const TensorEntry& entry, const TensorPiece& piece,
                                        Convert convert) const;
  template <typename Stored, typename Kept, typename Convert>
  Result<std::vector<Kept>> ReadAs(const TensorEntry& entry, Convert convert) const;
  std::unordered_set<std::string> slot_keys;
  bool in_saved_model = false;
};

Status Checkpoint::State::OpenAt(const Location& location) {
  switch (location.form) {
    case Form::kGraph:
      return TakeOver(ReadGraphConstants(location.place, GraphFile::kGraphDef, limits),
                      CheckpointKind::kFrozenGraph, location.place);
    case Form::kSavedModelGraph:
      return TakeOver(ReadGraphConstants(location.place, GraphFile::kSavedModel, limits),
                      CheckpointKind::kSavedModel, location.place);
    case Form::kHdf5:
      return TakeOver(ReadKerasH5(location.place, limits), CheckpointKind::kKerasHdf5,
                      location.place);
    case Form::kArchive:
      return OpenArchive(location.place);
    case Form::kBundle:
    case Form::kSavedModel:
      break;
  }
  summary.prefix = location.place;
  in_saved_model = location.form == Form::kSavedModel;
  EDET_ASSIGN_OR_RETURN(
      std::string index_bytes,
      ReadFile(summary.prefix.string() + ".index", std::min(limits.index_bytes, kMostIndexBytes)));
  return OpenBundle(index_bytes, DataFile::Open);
}

Status Checkpoint::State::OpenBundle(const std::string& index_bytes, const OpenShard& open_shard) {
  std::string index_path = summary.prefix.string() + ".index";
  EDET_ASSIGN_OR_RETURN(std::vector<IndexRecord> records,
                        ReadIndexTable(index_bytes, index_path, limits));
  EDET_ASSIGN_OR_RETURN(BundleIndex index, ParseBundleIndex(records, index_path, limits));
  entries = std::move(index.entries);
  EDET_RETURN_IF_ERROR(OpenShards(index.shards, open_shard));
  EDET_RETURN_IF_ERROR(CheckRanges());
  EDET_RETURN_IF_ERROR(MapNames());
  if (in_saved_model) summary.kind = CheckpointKind::kSavedModel;
  SetRoles(slot_keys);
  return ReadGlobalStep();
}

Status Checkpoint::State::OpenArchive(const fs::path& path) {
  EDET_ASSIGN_OR_RETURN(ArchivedCheckpoint archived, ReadArchive(path, limits));
  summary.prefix = archived.prefix;
  summary.from_archive = true;
  in_saved_model = archived.saved_model;
  std::string index_path = summary.prefix.string() + ".index";
  const std::string& index_bytes = archived.files[index_path];
  if (index_bytes.size() > std::min(limits.index_bytes, kMostIndexBytes))
    return Error{ErrorCode::kLimitExceeded, "the index is over the size limit", index_path, ""};
  return OpenBundle(index_bytes, [&archived](const fs::path& shard) -> Result<DataFile> {
    auto found = archived.files.find(shard.string());
    if (found == archived.files.end())
      return Error{ErrorCode::kNotFound, "is not in the archive", shard.string(), ""};
    return DataFile::InMemory(shard, std::move(found->second));
  });
}

Status Checkpoint::State::TakeOver(Result<LoadedTensors> loaded, CheckpointKind kind,
                                   const fs::path& path) {
  if (!loaded.ok()) return loaded.error();
  summary.kind = kind;
  summary.prefix = path;
  summary.data_files.push_back(path);
  entries = std::move(loaded->entries);
  shards.emplace_back(DataFile::InMemory(path, std::move(loaded->bytes)));
  SetRoles({});
  return {};
}

Status Checkpoint::State::OpenShards(uint32_t count, const OpenShard& open_shard) {
  for (uint32_t i = 0; i < count; ++i) {
    fs::path path = ShardPath(summary.prefix, i, count);
    summary.data_files.push_back(path);
    Result<DataFile> file = open_shard(path);
    if (file.ok()) {
      shards.emplace_back(std::move(*file));
      continue;
    }
    if (file.error().code != ErrorCode::kNotFound) return file.error();
    shards.emplace_back(std::nullopt);
    summary.missing_data_files.push_back(path);
  }
  return {};
}

Status Checkpoint::State::CheckRange(const TensorEntry& entry, const TensorPiece& piece) const {
  const std::optional<DataFile>& file = shards[piece.shard];
  if (!file || RangeFits(piece.offset_bytes, piece.size_bytes, file->size_bytes())) return {};
  return Error{
      ErrorCode::kCorrupt,
      fmt::format("tensor '{}' lies at byte {} and takes {} bytes, but its data file has {} bytes",
                  entry.name, piece.offset_bytes, piece.size_bytes, file->size_bytes()),
      file->path().string(), "the data file is cut off or of another save; copy it again"};
}

Status Checkpoint::State::CheckRanges() const {
  for (const TensorEntry& entry : entries) {
    for (const TensorPiece& piece : entry.pieces) EDET_RETURN_IF_ERROR(CheckRange(entry, piece));
  }
  return {};
}

Result<const DataFile*> Checkpoint::State::Shard(const TensorEntry& entry,
                                                 const TensorPiece& piece) const {
  if (shards[piece.shard]) return &*shards[piece.shard];
  return Error{ErrorCode::kNotFound,
               "the data file that holds tensor '" + entry.name + "' is missing",
               summary.data_files[piece.shard].string(), "copy it beside the .index file"};
}

Status Checkpoint::State::ReadPiece(const TensorEntry& entry, const TensorPiece& piece,
                                    void* destination) const {
  EDET_ASSIGN_OR_RETURN(const DataFile* file, Shard(entry, piece));
  EDET_RETURN_IF_ERROR(file->ReadAt(piece.offset_bytes, destination, piece.size_bytes));
  if (MaskCrc32c(Crc32c(destination, piece.size_bytes)) == piece.masked_crc32c) return {};
  return Error{ErrorCode::kCorrupt, "checksum of tensor '" + entry.name + "' does not match",
               fmt::format("{}, byte {}", file->path().string(), piece.offset_bytes),
               "the data file is damaged or of another save; copy it again"};
}

Result<std::string> Checkpoint::State::ReadString(const TensorEntry& entry) const {
  const TensorPiece& piece = entry.pieces[0];
  EDET_ASSIGN_OR_RETURN(const DataFile* file, Shard(entry, piece));
  if (piece.size_bytes > limits.index_bytes) {
    return Error{ErrorCode::kLimitExceeded, "string tensor '" + entry.name + "' is over the limit",
                 file->path().string(), ""};
  }
  EDET_RETURN_IF_ERROR(CheckRange(entry, piece));
  std::string stored(piece.size_bytes, '\0');
  EDET_RETURN_IF_ERROR(file->ReadAt(piece.offset_bytes, stored.data(), stored.size()));
  return DecodeStringScalar(stored, piece.masked_crc32c, file->path().string() + ", " + entry.name);
}

// `Convert` is applied to every element; std::nullptr_t: stored and kept types are the same.
template <typename Stored, typename Kept, typename Convert>
Result<std::vector<Kept>> Checkpoint::State::ReadPieceAs(const TensorEntry& entry,
                                                         const TensorPiece& piece,
                                                         Convert convert) const {
  EDET_RETURN_IF_ERROR(Shard(entry, piece).ok() ? CheckRange(entry, piece)
                                                : Status(Shard(entry, piece).error()));
  std::vector<Stored> stored(piece.size_bytes / sizeof(Stored));
  EDET_RETURN_IF_ERROR(ReadPiece(entry, piece, stored.data()));
  if constexpr (std::is_same_v<Convert, std::nullptr_t>) {
    return stored;
  } else {
    std::vector<Kept> kept(stored.size());
    std::transform(stored.begin(), stored.end(), kept.begin(), convert);
    return kept;
  }
}

template <typename Stored, typename Kept, typename Convert>
Result<std::vector<Kept>> Checkpoint::State::ReadAs(const TensorEntry& entry,
                                                    Convert convert) const {
  if (entry.pieces.size() == 1 && entry.pieces[0].start.empty()) {
    return ReadPieceAs<Stored, Kept>(entry, entry.pieces[0], convert);
  }
  for (const TensorPiece& piece :
       entry.pieces) {  // all bytes must be there before room is made for the whole
    EDET_ASSIGN_OR_RETURN([[maybe_unused]] const DataFile* file, Shard(entry, piece));
    EDET_RETURN_IF_ERROR(CheckRange(entry, piece));
  }
  std::vector<Kept> whole(*ElementCount(entry.shape));
  for (const TensorPiece& piece : entry.pieces) {
    EDET_ASSIGN_OR_RETURN(std::vector<Kept> values,
                          (ReadPieceAs<Stored, Kept>(entry, piece, convert)));
    PlacePiece(piece, values, entry.shape, whole);
  }
  return whole;
}

// A Keras checkpoint goes by paths through its objects; its object graph knows the names of
// TensorFlow 1.
Status Checkpoint::State::MapNames() {
  TensorEntry* graph_entry = FindIn(entries, kObjectGraphKey);
  if (graph_entry == nullptr) return {};
  summary.kind = CheckpointKind::kKerasObjectCheckpoint;
  summary.names_mapped = false;
  ObjectGraph graph;
  if (graph_entry->dtype != DType::kString || !graph_entry->shape.empty() ||
      graph_entry->pieces.size() != 1) {
    return Error{ErrorCode::kCorrupt, "the object graph is no single string",
                 summary.prefix.string() + ".index", ""};
  }
  if (shards[graph_entry->pieces[0].shard]) {
    EDET_ASSIGN_OR_RETURN(std::string serialized, ReadString(*graph_entry));
    EDET_ASSIGN_OR_RETURN(graph, ParseObjectGraph(serialized, summary.prefix.string()));
  }
  Rename(graph);
  slot_keys = std::move(graph.slot_keys);
  return {};
}

// A full name that two keys claim, or that is a key itself, is no name: those entries keep their
// paths.
void Checkpoint::State::Rename(const ObjectGraph& graph) {
  std::unordered_set<std::string> taken;
  for (TensorEntry& entry : entries) {
    if (!EndsWith(entry.checkpoint_key, kVariableValueSuffix)) taken.insert(entry.name);
  }
  for (TensorEntry& entry : entries) {
    if (!EndsWith(entry.checkpoint_key, kVariableValueSuffix)) continue;
    auto found = graph.full_names.find(entry.checkpoint_key);
    if (found != graph.full_names.end() && taken.insert(found->second).second) {
      entry.name = found->second;
      summary.names_mapped = true;
      continue;
    }
    std::string path = entry.name.substr(0, entry.name.size() - kVariableValueSuffix.size());
    if (taken.insert(path).second) entry.name = path;
  }
  std::sort(entries.begin(), entries.end(), ByName);
}

void Checkpoint::State::SetRoles(const std::unordered_set<std::string>& slots) {
  for (TensorEntry& entry : entries) {
    bool is_slot = slots.count(entry.checkpoint_key) != 0 ||
                   Contains(entry.checkpoint_key, "/.OPTIMIZER_SLOT/");
    entry.role = is_slot ? TensorRole::kOptimizerSlot : RoleByName(entries, entry);
    // Exporting loads the averages into the variables; what was left in the shadows is never run.
    if (summary.kind == CheckpointKind::kSavedModel && entry.role == TensorRole::kEma)
      entry.role = TensorRole::kBookkeeping;
    summary.base_variables += entry.role == TensorRole::kVariable;
    summary.ema_shadows += entry.role == TensorRole::kEma;
    summary.optimizer_slots += entry.role == TensorRole::kOptimizerSlot;
  }
}

Status Checkpoint::State::ReadGlobalStep() {
  const TensorEntry* entry = FindIn(entries, "global_step");
  if (entry == nullptr || entry->dtype != DType::kInt64 || !entry->shape.empty()) return {};
  if (entry->pieces.size() != 1 || !shards[entry->pieces[0].shard]) return {};
  EDET_ASSIGN_OR_RETURN(std::vector<int64_t> step, (ReadAs<int64_t, int64_t>(*entry, nullptr)));
  summary.global_step = step.at(0);
  return {};
}

std::string_view CheckpointKindName(CheckpointKind kind) {
  switch (kind) {
    case CheckpointKind::kTensorFlow1Bundle:
      return "tf1-bundle";
    case CheckpointKind::kKerasObjectCheckpoint:
      return "keras-object-checkpoint";
    case CheckpointKind::kSavedModel:
      return "saved-model";
    case CheckpointKind::kFrozenGraph:
      return "frozen-graph";
    case CheckpointKind::kKerasHdf5:
      break;
  }
  return "keras-h5";
}

Checkpoint::Checkpoint(std::unique_ptr<State> state) : state_(std::move(state)) {}
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;
Checkpoint::~Checkpoint() = default;

Result<Checkpoint> Checkpoint::Open(const fs::path& path, const Limits& limits) {
  auto state = std::make_unique<State>();
  state->limits = limits;
  EDET_ASSIGN_OR_RETURN(Location location, Locate(path, limits));
  EDET_RETURN_IF_ERROR(state->OpenAt(location));
  return Checkpoint(std::move(state));
}

const std::vector<TensorEntry>& Checkpoint::entries() const { return state_->entries; }

const CheckpointSummary& Checkpoint::summary() const { return state_->summary; }

std::string Checkpoint::Description() const {
  const CheckpointSummary& s = state_->summary;
  std::string text =
      fmt::format("{}{}: {} variables, {} EMA shadows, {} optimizer slots, {}, {} data file(s)",
                  KindForPeople(s.kind), s.from_archive ? " in an archive" : "", s.base_variables,
                  s.ema_shadows, s.optimizer_slots,
                  s.global_step ? fmt::format("global_step {}", *s.global_step) : "no global_step",
                  s.data_files.size());
  if (!s.missing_data_files.empty())
    text += fmt::format(", {} of them missing", s.missing_data_files.size());
  if (s.kind == CheckpointKind::kSavedModel || s.kind == CheckpointKind::kFrozenGraph)
    text += "; values as exported, which are the moving averages where training kept them";
  return text;
}

bool Checkpoint::HasEma(std::string_view name) const {
  const TensorEntry* entry = Find(EmaName(name));
  return entry != nullptr && entry->role == TensorRole::kEma;
}

const TensorEntry* Checkpoint::Find(std::string_view name) const {
  return FindIn(state_->entries, name);
}

std::vector<std::string> Checkpoint::BaseVariables() const {
  std::vector<std::string> names;
  for (const TensorEntry& entry : entries()) {
    if (entry.role == TensorRole::kVariable) names.push_back(entry.name);
  }
  return names;
}

std::string Checkpoint::EmaName(std::string_view name) {
  return std::string(name).append(kEmaSuffix);
}

namespace {

Error NoSuchTensor(std::string_view name, const fs::path& prefix) {
  return {ErrorCode::kNotFound, fmt::format("the checkpoint has no tensor '{}'", name),
          prefix.string(), ""};
}

Error WrongType(const TensorEntry& entry, const char* wanted, const fs::path& prefix) {
  return {ErrorCode::kUnsupported,
          fmt::format("tensor '{}' holds {}, not {}", entry.name, DTypeName(entry.dtype), wanted),
          prefix.string(), ""};
}

}  // namespace

Result<std::vector<float>> Checkpoint::ReadFloats(std::string_view name) const {
  const TensorEntry* entry = Find(name);
  if (entry == nullptr) return NoSuchTensor(name, state_->summary.prefix);
  switch (entry->dtype) {
    case DType::kFloat32:
      return state_->ReadAs<float, float>(*entry, nullptr);
    case DType::kFloat64:
      return state_->ReadAs<double, float>(*entry,
                                           [](double value) { return static_cast<float>(value); });
    case DType::kFloat16:
      return state_->ReadAs<uint16_t, float>(*entry, FromHalf);
    case DType::kBFloat16:
      return state_->ReadAs<uint16_t, float>(*entry, FromBFloat16);
    default:
      return WrongType(*entry, "floating-point numbers", state_->summary.prefix);
  }
}

Result<std::vector<int64_t>> Checkpoint::ReadIntegers(std::string_view name) const {
  const TensorEntry* entry = Find(name);
  if (entry == nullptr) return NoSuchTensor(name, state_->summary.prefix);
  if (entry->dtype == DType::kInt64) return state_->ReadAs<int64_t, int64_t>(*entry, nullptr);
  if (entry->dtype != DType::kInt32) return WrongType(*entry, "integers", state_->summary.prefix);
  return state_->ReadAs<int32_t, int64_t>(*entry, [](int32_t value) { return int64_t{value}; });
}

}  // namespace edet::checkpoint
