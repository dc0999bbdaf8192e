// Files that are wrong in one way each. They are made from good ones, with checksums that fit where
// the damage lies below the checksum: a CRC keeps out accidents, not authors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <leveldb/env.h>
#include <leveldb/table_builder.h>
#include <snappy.h>
#include <sys/stat.h>

#include <fstream>
#include <functional>

#include "base/file.h"
#include "checkpoint/bundle_index.h"
#include "checkpoint/bundle_writer.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/crc32c.h"
#include "checkpoint/index_table.h"
#include "proto/tensor_bundle.pb.h"
#include "testing/reference_data.h"
#include "testing/temporary_directory.h"

namespace edet::checkpoint {
namespace fs = std::filesystem;
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

void Write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string Varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

std::string Fixed32(uint32_t value) { return {reinterpret_cast<const char*>(&value), 4}; }

std::string WithTrailer(const std::string& block, char type) {
  std::string bytes = block + type;
  return bytes + Fixed32(MaskCrc32c(Crc32c(bytes.data(), bytes.size())));
}

std::string Footer(const std::string& handles) {
  std::string footer = handles;
  footer.resize(40);
  return footer + std::string("\x57\xfb\x80\x8b\x24\x75\x47\xdb");
}

// One restart point at the block's begin.
std::string Block(const std::string& entries) { return entries + Fixed32(0) + Fixed32(1); }

std::string Entry(uint64_t shared, const std::string& rest, const std::string& value) {
  return Varint(shared) + Varint(rest.size()) + Varint(value.size()) + rest + value;
}

// Ends a table after its data blocks: an empty meta block, the index block, the footer.
std::string Finish(std::string bytes, const std::string& index) {
  const std::string meta = Block("");
  std::string handles = Varint(bytes.size()) + Varint(meta.size());
  bytes += WithTrailer(meta, 0);
  handles += Varint(bytes.size()) + Varint(index.size());
  return bytes + WithTrailer(index, 0) + Footer(handles);
}

// A table of one data block given as it is to be stored.
std::string Table(const std::string& block, char type = 0) {
  return Finish(WithTrailer(block, type), Block(Entry(0, "zzz", Varint(0) + Varint(block.size()))));
}

class MemoryOutput : public leveldb::WritableFile {
 public:
  leveldb::Status Append(const leveldb::Slice& data) override {
    bytes.append(data.data(), data.size());
    return {};
  }
  leveldb::Status Close() override { return {}; }
  leveldb::Status Flush() override { return {}; }
  leveldb::Status Sync() override { return {}; }
  std::string bytes;
};

std::string TableOf(const std::vector<std::pair<std::string, std::string>>& records) {
  leveldb::Options options;
  options.compression = leveldb::kNoCompression;
  MemoryOutput output;
  leveldb::TableBuilder builder(options, &output);
  for (const auto& [key, value] : records) builder.Add(key, value);
  EXPECT_TRUE(builder.Finish().ok());
  return output.bytes;
}

proto::BundleEntry FloatEntry(const std::vector<int64_t>& shape, int64_t size) {
  proto::BundleEntry entry;
  entry.set_dtype(1);
  for (int64_t dimension : shape) entry.mutable_shape()->add_dim()->set_size(dimension);
  entry.set_size(size);
  return entry;
}

proto::BundleHeader GoodHeader() {
  proto::BundleHeader header;
  header.set_num_shards(1);
  return header;
}

class Damaged : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(
        WriteBundle(prefix_, {{"a/kernel", {2}, {1, 2}}, {"b/kernel", {3}, {3, 4, 5}}}, 1).ok());
    index_ = *ReadFile(index_path_);
    data_ = *ReadFile(data_path_);
  }

  Error OpenError(const fs::path& path, const Limits& limits = {}) {
    Result<Checkpoint> checkpoint = Checkpoint::Open(path, limits);
    EXPECT_FALSE(checkpoint.ok()) << "opened " << path;
    return checkpoint.ok() ? Error{} : checkpoint.error();
  }
  Error WithIndex(const std::string& bytes, const Limits& limits = {}) {
    Write(index_path_, bytes);
    return OpenError(prefix_, limits);
  }
  Error WithEntry(const proto::BundleEntry& entry) {
    return WithIndex(
        TableOf({{"", GoodHeader().SerializeAsString()}, {"w", entry.SerializeAsString()}}));
  }
  Error WithHeader(const proto::BundleHeader& header) {
    return WithIndex(TableOf({{"", header.SerializeAsString()}}));
  }

  edet::testing::TemporaryDirectory folder_;
  fs::path prefix_ = folder_ / "m";
  fs::path index_path_ = folder_ / "m.index";
  fs::path data_path_ = folder_ / "m.data-00000-of-00001";
  std::string index_;
  std::string data_;
};

void ExpectError(const Error& error, ErrorCode code, const std::string& part) {
  EXPECT_EQ(error.code, code) << error.ToString();
  EXPECT_THAT(error.ToString(), HasSubstr(part));
}

}  // namespace

TEST_F(Damaged, IndexThatIsNoTable) {
  for (const std::string& bytes :
       {std::string(), std::string("text"), std::string(47, 'x'), std::string(5000, 'x')}) {
    ExpectError(WithIndex(bytes), ErrorCode::kCorrupt, "not a TensorFlow bundle index");
  }
}

TEST_F(Damaged, EveryTruncationAndEveryFlippedByteOfTheIndexIsNoticed) {
  for (size_t size = 0; size < index_.size(); ++size) WithIndex(index_.substr(0, size));
  for (size_t at = 0; at < index_.size(); ++at) {
    std::string bytes = index_;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x41);
    Write(index_path_, bytes);
    Result<Checkpoint> checkpoint = Checkpoint::Open(prefix_);
    // The padding of the footer carries no meaning.
    EXPECT_TRUE(!checkpoint.ok() || at >= index_.size() - 48) << at;
  }
}

TEST_F(Damaged, FooterThatPointsOutside) {
  std::string huge = Varint(~uint64_t{0});
  for (const std::string& handle :
       {Varint(0) + huge, huge + Varint(5), Varint(1) + huge, Varint(0) + Varint(index_.size())}) {
    std::string bytes =
        index_.substr(0, index_.size() - 48) + Footer(Varint(0) + Varint(0) + handle);
    ExpectError(WithIndex(bytes), ErrorCode::kCorrupt, "past the end");
  }
  std::string endless(40, '\xff');
  ExpectError(WithIndex(index_.substr(0, index_.size() - 48) + Footer(endless)),
              ErrorCode::kCorrupt, "bad block handle");
}

TEST_F(Damaged, IndexBlockWhoseHandleIsHuge) {
  std::string index = Block(Entry(0, "z", Varint(0) + Varint(~uint64_t{0} - 4)));
  ExpectError(WithIndex(Finish("", index)), ErrorCode::kCorrupt, "past the end");
}

TEST_F(Damaged, BlocksThatOverlap) {
  std::string block = Block(Entry(0, "", "x"));
  std::string handle = Varint(0) + Varint(block.size());
  std::string index = Block(Entry(0, "a", handle) + Entry(0, "b", handle));
  ExpectError(WithIndex(Finish(WithTrailer(block, 0), index)), ErrorCode::kCorrupt, "overlap");
}

TEST_F(Damaged, BlockWithImpossibleEntries) {
  std::string wraps =
      Varint(0) + Varint(0xffffffffu) + Varint(2) + "abc";  // the sum is 1 in 32 bits
  ExpectError(WithIndex(Table(Block(wraps))), ErrorCode::kCorrupt, "does not fit");
  ExpectError(WithIndex(Table(Block(Entry(0, "ab", "") + Entry(3, "c", "")))), ErrorCode::kCorrupt,
              "does not fit");
  ExpectError(WithIndex(Table(Block(std::string(11, '\xff')))), ErrorCode::kCorrupt, "bad number");
  ExpectError(WithIndex(Table(Block("\x80"))), ErrorCode::kCorrupt, "bad number");
  ExpectError(WithIndex(Table(Fixed32(0) + Fixed32(1000))), ErrorCode::kCorrupt, "restart");
  ExpectError(WithIndex(Table(Fixed32(0) + Fixed32(0))), ErrorCode::kCorrupt, "restart");
  ExpectError(WithIndex(Table(Fixed32(9) + Fixed32(1))), ErrorCode::kCorrupt, "restart");
  ExpectError(WithIndex(Table("")), ErrorCode::kCorrupt, "too small");
}

TEST_F(Damaged, BlockCompression) {
  std::string plain = Block(Entry(0, "", GoodHeader().SerializeAsString()));
  std::string packed;
  snappy::Compress(plain.data(), plain.size(), &packed);
  Write(index_path_, Table(packed, 1));
  EXPECT_TRUE(Checkpoint::Open(prefix_).ok());
  ExpectError(WithIndex(Table(Varint(0xfffffff0u) + "abc", 1)), ErrorCode::kLimitExceeded,
              "compressed block");
  ExpectError(WithIndex(Table(Varint(60u << 20) + "abc", 1)), ErrorCode::kCorrupt,
              "impossible length");
  ExpectError(WithIndex(Table(Varint(60) + "abc", 1)), ErrorCode::kCorrupt, "snappy");
  Limits small;
  small.block_bytes = plain.size() - 1;
  ExpectError(WithIndex(Table(packed, 1), small), ErrorCode::kLimitExceeded, "compressed block");
  ExpectError(WithIndex(Table(plain, 7)), ErrorCode::kUnsupported, "compression type 7");
}

TEST_F(Damaged, KeysOutOfOrder) {
  std::string header = Entry(0, "", GoodHeader().SerializeAsString());
  ExpectError(WithIndex(Table(Block(header + Entry(0, "b", "") + Entry(0, "a", "")))),
              ErrorCode::kCorrupt, "'b' and 'a'");
  ExpectError(WithIndex(Table(Block(header + Entry(0, "a", "") + Entry(0, "a", "")))),
              ErrorCode::kCorrupt, "'a' and 'a'");
}

TEST_F(Damaged, Header) {
  ExpectError(WithIndex(TableOf({})), ErrorCode::kCorrupt, "no header");
  ExpectError(WithIndex(TableOf({{"a", ""}})), ErrorCode::kCorrupt, "no header");
  ExpectError(WithIndex(TableOf({{"", "\xff"}})), ErrorCode::kCorrupt, "header cannot be parsed");
  for (int shards : {0, -1, 1000000000}) {
    proto::BundleHeader header = GoodHeader();
    header.set_num_shards(shards);
    ExpectError(WithHeader(header), ErrorCode::kCorrupt, "number of data files");
  }
  proto::BundleHeader big = GoodHeader();
  big.set_endianness(1);
  ExpectError(WithHeader(big), ErrorCode::kUnsupported, "big-endian");
  proto::BundleHeader newer = GoodHeader();
  newer.mutable_version()->set_min_consumer(9);
  ExpectError(WithHeader(newer), ErrorCode::kUnsupported, "version 9");
}

TEST_F(Damaged, EntryShapes) {
  const int64_t big = int64_t{1} << 32;
  for (const std::vector<int64_t>& shape :
       std::vector<std::vector<int64_t>>{{0, big, big}, {big, 0, big}, {big, big, 0}, {-1}}) {
    ExpectError(WithEntry(FloatEntry(shape, 0)), ErrorCode::kCorrupt,
                "tensor 'w': impossible shape");
  }
  ExpectError(WithEntry(FloatEntry({INT64_MAX}, 8)), ErrorCode::kCorrupt, "tensor 'w'");
  ExpectError(WithEntry(FloatEntry(std::vector<int64_t>(300, 1), 4)), ErrorCode::kLimitExceeded,
              "300 dimensions");
  ExpectError(WithEntry(FloatEntry({2}, 12)), ErrorCode::kCorrupt,
              "12 bytes are stored, its shape [2] of float32 needs 8");
  proto::BundleEntry unknown = FloatEntry({}, 4);
  unknown.mutable_shape()->set_unknown_rank(true);
  ExpectError(WithEntry(unknown), ErrorCode::kCorrupt, "unknown");
}

TEST_F(Damaged, EntryPlaces) {
  for (int shard : {-1, 1, 2147483647}) {
    proto::BundleEntry entry = FloatEntry({}, 4);
    entry.set_shard_id(shard);
    ExpectError(WithEntry(entry), ErrorCode::kCorrupt,
                "data file " + std::to_string(shard) + " of 1");
  }
  proto::BundleEntry negative = FloatEntry({}, 4);
  negative.set_offset(-4);
  ExpectError(WithEntry(negative), ErrorCode::kCorrupt, "negative");
  proto::BundleEntry far = FloatEntry({}, 4);
  far.set_offset(INT64_MAX);
  ExpectError(WithEntry(far), ErrorCode::kCorrupt, "its data file has 28 bytes");
  const int64_t gib3 = int64_t{3} << 30;
  ExpectError(WithEntry(FloatEntry({gib3 / 4}, gib3)), ErrorCode::kLimitExceeded, "over the limit");
  ExpectError(WithEntry(FloatEntry({int64_t{1} << 28}, int64_t{1} << 30)), ErrorCode::kCorrupt,
              "its data file has 28");
  ExpectError(WithEntry(proto::BundleEntry()), ErrorCode::kCorrupt, "no type");
  ExpectError(WithIndex(TableOf({{"", GoodHeader().SerializeAsString()}, {"w", "\xff"}})),
              ErrorCode::kCorrupt, "'w'");
}

TEST_F(Damaged, TypesThatAreNoWeights) {
  for (int type : {7, 8, 20, 21, 9999}) {
    proto::BundleEntry entry = FloatEntry({}, 4);
    entry.set_dtype(type);
    Write(index_path_,
          TableOf({{"", GoodHeader().SerializeAsString()}, {"w", entry.SerializeAsString()}}));
    Result<Checkpoint> checkpoint = Checkpoint::Open(prefix_);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().ToString();
    ExpectError(checkpoint->ReadFloats("w").error(), ErrorCode::kUnsupported, "tensor 'w' holds");
  }
}

TEST_F(Damaged, Limits) {
  Limits few;
  few.tensors = 2;
  ExpectError(WithIndex(index_, few), ErrorCode::kLimitExceeded, "more than 2 tensors");
  Limits short_names;
  short_names.name_bytes = 4;
  ExpectError(WithIndex(index_, short_names), ErrorCode::kLimitExceeded, "longer than 4 bytes");
  Limits small;
  small.index_bytes = 10;
  ExpectError(WithIndex(index_, small), ErrorCode::kLimitExceeded, "limit of 10");
}

TEST_F(Damaged, DataFileCutOff) {
  Write(data_path_, data_.substr(0, 19));
  Error error = OpenError(prefix_);
  ExpectError(
      error, ErrorCode::kCorrupt,
      "tensor 'b/kernel' lies at byte 8 and takes 12 bytes, but its data file has 19 bytes");
  EXPECT_THAT(error.where, HasSubstr("m.data-00000-of-00001"));
}

TEST_F(Damaged, DataFileThatShrinksAfterOpening) {
  Result<Checkpoint> checkpoint = Checkpoint::Open(prefix_);
  ASSERT_TRUE(checkpoint.ok());
  fs::resize_file(data_path_, 10);
  ExpectError(checkpoint->ReadFloats("b/kernel").error(), ErrorCode::kCorrupt, "became shorter");
}

TEST_F(Damaged, EveryFlippedBitOfAWeightIsNoticedByName) {
  for (size_t at = 8; at < 20; ++at) {
    std::string bytes = data_;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    Write(data_path_, bytes);
    Result<Checkpoint> checkpoint = Checkpoint::Open(prefix_);
    ASSERT_TRUE(checkpoint.ok());
    EXPECT_TRUE(checkpoint->ReadFloats("a/kernel").ok());
    ExpectError(checkpoint->ReadFloats("b/kernel").error(), ErrorCode::kCorrupt,
                "checksum of tensor 'b/kernel'");
  }
}

TEST_F(Damaged, DataFileOfAnotherSaveIsNoticed) {
  edet::testing::TemporaryDirectory other;
  ASSERT_TRUE(
      WriteBundle(other / "m", {{"a/kernel", {2}, {1, 2}}, {"b/kernel", {3}, {3, 4, 6}}}, 1).ok());
  fs::copy_file(other / "m.data-00000-of-00001", data_path_, fs::copy_options::overwrite_existing);
  Result<Checkpoint> checkpoint = Checkpoint::Open(prefix_);
  ASSERT_TRUE(checkpoint.ok());
  ExpectError(checkpoint->ReadFloats("b/kernel").error(), ErrorCode::kCorrupt, "of another save");
}

TEST_F(Damaged, DataFileThatIsNone) {
  fs::remove(data_path_);
  ASSERT_EQ(mkfifo(data_path_.c_str(), 0600), 0);
  ExpectError(OpenError(prefix_), ErrorCode::kIo, "not a regular file");
}

TEST_F(Damaged, StateFileThatLeavesItsFolder) {
  Write(folder_ / "checkpoint", "model_checkpoint_path: \"/etc/elsewhere\"\n");
  ExpectError(OpenError(folder_.path()), ErrorCode::kUnsupported, "points outside its folder");
  for (const char* stated : {"../m", "sub/../../m"}) {
    Write(folder_ / "checkpoint", std::string("model_checkpoint_path: \"") + stated + "\"\n");
    ExpectError(OpenError(folder_.path()), ErrorCode::kUnsupported, "points outside its folder");
    EXPECT_THAT(OpenError(folder_ / "checkpoint").hint,
                HasSubstr("give " + prefix_.string() + " instead"));
  }
  Limits follow;
  follow.follow_outside = true;
  fs::create_directory(folder_ / "sub");
  Write(folder_ / "sub" / "checkpoint", "model_checkpoint_path: \"../m\"\n");
  EXPECT_TRUE(Checkpoint::Open(folder_ / "sub", follow).ok());
}

// As tf.train.Saver leaves it: the path on the machine that trained.
TEST_F(Damaged, StateFileWithAnAbsolutePathMeansTheCheckpointBesideIt) {
  for (const std::string& stated : {std::string("/home/trainer/run/m"), prefix_.string()}) {
    Write(folder_ / "checkpoint", "model_checkpoint_path: \"" + stated + "\"\n");
    Result<Checkpoint> checkpoint = Checkpoint::Open(folder_.path());
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().ToString();
    EXPECT_EQ(checkpoint->summary().prefix, prefix_);
  }
}

TEST_F(Damaged, StateFileThatCannotBeFollowed) {
  Write(folder_ / "checkpoint", "model_checkpoint_path: \"gone\"\n");
  ExpectError(OpenError(folder_.path()), ErrorCode::kNotFound, "'gone'");
  Write(folder_ / "checkpoint", "{ this is not it\n");
  ExpectError(OpenError(folder_.path()), ErrorCode::kCorrupt,
              "not a checkpoint state file: line 1");
  Write(folder_ / "checkpoint", "");
  ExpectError(OpenError(folder_.path()), ErrorCode::kCorrupt, "names no model_checkpoint_path");
}

TEST_F(Damaged, OtherKindsOfFileGetTheirHint) {
  struct Case {
    const char* name;
    std::string bytes;
    const char* part;
  };
  for (const Case& other :
       {Case{"v1.ckpt", index_, "V1 checkpoint"}, Case{"model.ckpt.meta", "graph", ".meta"},
        Case{"model.onnx", "graph", "ONNX model"}, Case{"notes.txt", "hello", "not a TensorFlow"},
        Case{"model.keras", "PK\x03\x04", "ZIP"}, Case{"empty", "", "not a TensorFlow"}}) {
    Write(folder_ / other.name, other.bytes);
    ExpectError(OpenError(folder_ / other.name), ErrorCode::kUnsupported, other.part);
  }
}

TEST_F(Damaged, FoldersGetTheirHint) {
  edet::testing::TemporaryDirectory other;
  ExpectError(OpenError(other.path()), ErrorCode::kNotFound, "no checkpoint in this folder");
  Write(other / "saved_model.pb", "graph");
  ExpectError(OpenError(other.path()), ErrorCode::kCorrupt, "not a TensorFlow graph");
  Write(other / "a.index", index_);
  EXPECT_TRUE(Checkpoint::Open(other.path()).ok());
  Write(other / "b.index", index_);
  ExpectError(OpenError(other.path()), ErrorCode::kUnsupported, "2 checkpoints");
  ExpectError(OpenError(other / "absent"), ErrorCode::kNotFound, "absent.index");
  Write(other / "c.meta", "");
  ExpectError(OpenError(other / "c"), ErrorCode::kNotFound, "copy the .index file");
}

// Parts of a variable [4]: [0,2) and, by turns, an overlapping, a distant, an outlying and a
// missing one.
TEST_F(Damaged, PartsThatAreNotExact) {
  auto with_parts = [this](std::vector<std::pair<int64_t, int64_t>> parts, bool stored) {
    std::map<std::string, std::string> records = {{"", GoodHeader().SerializeAsString()}};
    proto::BundleEntry whole = FloatEntry({4}, 0);
    for (auto [start, length] : parts) {
      auto* extent = whole.add_slices()->add_extent();
      extent->set_start(start);
      extent->set_length(length);
      if (stored)
        records[SliceKey("w", {{start, length}})] =
            FloatEntry({length}, 4 * length).SerializeAsString();
    }
    records["w"] = whole.SerializeAsString();
    return WithIndex(TableOf({records.begin(), records.end()}));
  };
  ExpectError(with_parts({{0, 2}, {1, 2}}, true), ErrorCode::kCorrupt, "overlap");
  ExpectError(with_parts({{0, 2}, {3, 1}}, true), ErrorCode::kCorrupt, "gap");
  ExpectError(with_parts({{0, 2}, {3, 2}}, true), ErrorCode::kCorrupt, "outside");
  ExpectError(with_parts({{0, 2}, {-1, 2}}, true), ErrorCode::kCorrupt, "outside");
  ExpectError(with_parts({{0, 2}, {2, 2}}, false), ErrorCode::kCorrupt, "is missing");
  ExpectError(with_parts(std::vector<std::pair<int64_t, int64_t>>(2000, {0, 1}), true),
              ErrorCode::kLimitExceeded, "2000 parts");
}

TEST_F(Damaged, ObjectGraphOfAKerasCheckpoint) {
  EDET_SKIP_WITHOUT("golden/lite0/ckpt_tf2/ckpt-1.index");
  fs::path golden = edet::testing::ReferenceData() / "golden/lite0/ckpt_tf2";
  Result<Checkpoint> good = Checkpoint::Open(golden);
  ASSERT_TRUE(good.ok()) << good.error().ToString();
  const TensorPiece graph = good->Find("_CHECKPOINTABLE_OBJECT_GRAPH")->pieces[0];
  Write(index_path_, *ReadFile(golden / "ckpt-1.index"));
  std::string data = *ReadFile(golden / "ckpt-1.data-00000-of-00001");
  for (uint64_t at : {uint64_t{0}, uint64_t{4}, graph.size_bytes / 2, graph.size_bytes - 1}) {
    std::string bytes = data;
    bytes[graph.offset_bytes + at] = static_cast<char>(bytes[graph.offset_bytes + at] ^ 1);
    Write(data_path_, bytes);
    ExpectError(OpenError(prefix_), ErrorCode::kCorrupt, "string tensor");
  }
}

}  // namespace edet::checkpoint
