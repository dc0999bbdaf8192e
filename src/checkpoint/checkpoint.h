#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace edet::checkpoint {

// Element types of TensorFlow, as far as a checkpoint of a detection model may hold them.
enum class DType {
  kFloat32,
  kFloat64,
  kFloat16,
  kBFloat16,
  kInt8,
  kUInt8,
  kInt16,
  kUInt16,
  kInt32,
  kUInt32,
  kInt64,
  kUInt64,
  kBool,
  kString,
  kOther,  // complex, quantised, resource, variant or unknown: listed, never read
};

// "float32", "string", ...; "other".
std::string_view DTypeName(DType dtype);
// Bytes of one element; 0 for kString and kOther.
uint64_t DTypeBytes(DType dtype);

// What a file may claim before it is refused with LimitExceeded. Nothing is allocated beyond what
// the files hold in any case; these bound honest but absurd input.
struct Limits {
  uint64_t index_bytes = uint64_t{64} << 20;
  uint64_t tensor_bytes = uint64_t{2} << 30;
  size_t tensors = 20000;
  size_t rank = 8;
  size_t name_bytes = 1024;
  uint64_t shards = 1000;
  size_t nodes = 100000;                        // of a graph
  uint64_t unpacked_bytes = uint64_t{4} << 30;  // of an archive, a graph or an .h5: held in memory
  uint64_t block_bytes = uint64_t{64} << 20;    // of one compressed block of an index, unpacked
  size_t depth = 32;                            // of groups in an .h5
  // Leave the folder of a `checkpoint` state file when its path says so (absolute or with "..").
  bool follow_outside = false;
};

// One slice of a variable that was saved in parts, or the whole of one that was not.
struct TensorPiece {
  std::vector<int64_t> start;   // in the full shape; empty for a whole tensor
  std::vector<int64_t> extent;  // shape of the piece
  uint32_t shard = 0;           // which data file
  uint64_t offset_bytes = 0;    // in that file
  uint64_t size_bytes = 0;
  uint32_t masked_crc32c = 0;  // of the stored bytes
};

// What a tensor is there for.
enum class TensorRole {
  kVariable,       // of the model
  kEma,            // exponential moving average of the variable that its name begins with
  kOptimizerSlot,  // Momentum, Adam, ... of one variable
  kBookkeeping,    // global_step, save_counter, the object graph, the optimizer's own numbers; EMA
                   // shadows in a SavedModel, which hold no averages
};

// One named tensor of a checkpoint.
struct TensorEntry {
  std::string name;            // as TensorFlow 1 names it: "efficientnet-b0/stem/conv2d/kernel"
  std::string checkpoint_key;  // key in the index; differs from `name` in a Keras object checkpoint
  DType dtype = DType::kOther;
  TensorRole role = TensorRole::kVariable;
  std::vector<int64_t> shape;       // empty: a scalar
  std::vector<TensorPiece> pieces;  // one, or one per part of a partitioned variable
};

enum class CheckpointKind {
  kTensorFlow1Bundle,      // tf.train.Saver: names are keys
  kKerasObjectCheckpoint,  // tf.train.Checkpoint / save_weights: names come from the object graph
  kSavedModel,   // what AutoML exports; variables hold the values that the graph runs with
  kFrozenGraph,  // the same as constants of a graph
  kKerasHdf5,    // Keras' .h5
};

// "tf1-bundle", "keras-object-checkpoint", "saved-model", "frozen-graph", "keras-h5".
std::string_view CheckpointKindName(CheckpointKind kind);

// What is known after opening, for people (`edet inspect`) and for decisions (EMA or not).
struct CheckpointSummary {
  CheckpointKind kind = CheckpointKind::kTensorFlow1Bundle;
  bool from_archive = false;                      // the paths then lead through the archive
  std::filesystem::path prefix;                   // without ".index"; a graph or .h5: the file
  std::vector<std::filesystem::path> data_files;  // one per shard, whether present or not
  std::vector<std::filesystem::path> missing_data_files;
  bool names_mapped =
      true;  // false: a Keras checkpoint whose object graph could not be read (data file missing)
             // or gives no names; entries then go by their path in the object graph
  size_t base_variables = 0;
  size_t ema_shadows = 0;
  size_t optimizer_slots = 0;
  std::optional<int64_t> global_step;  // nothing if absent or if its data file is not there
};

// Weights of a TensorFlow model, read-only, whatever kind of file they come in. Of a V2 checkpoint
// ("tensor bundle") opening reads and checks the whole index (every block CRC, key order, every
// range against the file sizes), but no weights: tensors are read from disk when asked for.
// Archives, graphs and .h5 files are read as a whole and held in memory. Movable. Const calls may
// come from several threads.
class Checkpoint {
 public:
  // `path`: the prefix, its `.index`, one of its `.data-00000-of-00001`, the `checkpoint` state
  // file, or a folder that holds either a `checkpoint` state file or exactly one `.index`; the
  // folder of a SavedModel or its saved_model.pb; a frozen graph (`.pb`); a Keras `.h5`; a `.tar`,
  // `.tar.gz` or `.tgz` with one of the first kinds in it. Missing data files are no error here
  // (see CheckpointSummary), only where a tensor is read from them. In a SavedModel the values that
  // its graph runs with are the variables' own: there are no EMA shadows to choose. Errors:
  // NotFound; Corrupt; Unsupported (another kind of file: the hint names what it is);
  // LimitExceeded.
  static Result<Checkpoint> Open(const std::filesystem::path& path, const Limits& limits = {});

  Checkpoint(Checkpoint&&) noexcept;
  Checkpoint& operator=(Checkpoint&&) noexcept;
  ~Checkpoint();

  // Every tensor, sorted by name, EMA shadows, optimizer slots and global_step included.
  const std::vector<TensorEntry>& entries() const;
  const CheckpointSummary& summary() const;
  // One line: kind, tensors, EMA, slots, global_step.
  std::string Description() const;

  bool Has(std::string_view name) const { return Find(name) != nullptr; }
  // Owned by this object; null if absent.
  const TensorEntry* Find(std::string_view name) const;

  // Names of the model's variables: no EMA shadow, no optimizer slot, no global_step or
  // save_counter. Sorted.
  std::vector<std::string> BaseVariables() const;
  // True if `name` has a shadow of its exponential moving average.
  bool HasEma(std::string_view name) const;
  // "<name>/ExponentialMovingAverage".
  static std::string EmaName(std::string_view name);

  // All elements in row-major order, converted to float32 from float16, bfloat16 or float64. The
  // stored bytes are compared with their CRC32C; a partitioned variable is put together. Errors:
  // NotFound (no such tensor, its data file is missing), Corrupt (CRC, slices that overlap or leave
  // a gap), Unsupported (a type that is no floating-point number), Io, LimitExceeded.
  Result<std::vector<float>> ReadFloats(std::string_view name) const;
  // The same for int32 and int64.
  Result<std::vector<int64_t>> ReadIntegers(std::string_view name) const;

 private:
  struct State;
  explicit Checkpoint(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace edet::checkpoint
