#include "checkpoint/index_table.h"

#include <google/protobuf/io/coded_stream.h>
#include <leveldb/env.h>
#include <leveldb/iterator.h>
#include <leveldb/options.h>
#include <leveldb/table.h>
#include <snappy.h>

#include <cstring>
#include <functional>
#include <memory>

#include "base/checked_math.h"
#include "checkpoint/crc32c.h"

namespace edet::checkpoint {
namespace {

using google::protobuf::io::CodedInputStream;

constexpr size_t kFooterBytes = 48;
constexpr size_t kTrailerBytes = 5;  // compression type, masked CRC-32C
constexpr uint64_t kTableMagic = 0xdb4775248b80fb57u;
constexpr uint64_t kSnappyMaxExpansion = 32;  // a 3-byte copy makes 64 bytes at most

struct BlockPlace {
  uint64_t offset = 0;
  uint64_t size = 0;
};

uint32_t LittleEndian32(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

uint64_t LittleEndian64(std::string_view bytes, size_t at) {
  return uint64_t{LittleEndian32(bytes, at + 4)} << 32 | LittleEndian32(bytes, at);
}

CodedInputStream Stream(std::string_view bytes) {
  return CodedInputStream(reinterpret_cast<const uint8_t*>(bytes.data()),
                          static_cast<int>(bytes.size()));
}

// Looks through a table before LevelDB does.
class Vetting {
 public:
  Vetting(std::string_view table, const std::string& where, const Limits& limits)
      : table_(table), where_(where), limits_(limits) {}

  Status Run() {
    if (!EndsLikeIndexTable(table_)) return NotATable();
    CodedInputStream footer = Stream(table_.substr(table_.size() - kFooterBytes, 40));
    BlockPlace meta, index;
    if (!ReadHandle(footer, meta) || !ReadHandle(footer, index)) {
      return Corrupt("bad block handle in the footer", table_.size() - kFooterBytes);
    }
    EDET_RETURN_IF_ERROR(VetBlock(index, [this](std::string_view value, uint64_t block_offset) {
      return VetDataBlock(value, block_offset);
    }));
    return VetBlock(meta, [](std::string_view, uint64_t) { return Status(); });
  }

 private:
  using Visitor = std::function<Status(std::string_view value, uint64_t block_offset)>;

  Error NotATable() const {
    return {ErrorCode::kCorrupt,
            "not a TensorFlow bundle index: no LevelDB table footer at its end", where_,
            "the file may be cut off or of another kind; copy it again"};
  }

  Error Corrupt(const std::string& what, uint64_t offset) const {
    return {ErrorCode::kCorrupt, what, where_ + ", byte " + std::to_string(offset),
            "the index is damaged; copy it again"};
  }

  static bool ReadHandle(CodedInputStream& in, BlockPlace& handle) {
    uint64_t offset = 0, size = 0;
    if (!in.ReadVarint64(&offset) || !in.ReadVarint64(&size)) return false;
    handle = {offset, size};
    return true;
  }

  Status VetDataBlock(std::string_view value, uint64_t index_offset) {
    CodedInputStream in = Stream(value);
    BlockPlace handle;
    if (!ReadHandle(in, handle)) return Corrupt("bad block handle", index_offset);
    // In order and apart, so that a small file cannot make the same bytes be read over and over.
    if (handle.offset < data_end_) return Corrupt("data blocks overlap", handle.offset);
    EDET_RETURN_IF_ERROR(VetBlock(handle, [](std::string_view, uint64_t) { return Status(); }));
    data_end_ = handle.offset + handle.size + kTrailerBytes;
    return {};
  }

  Status VetBlock(const BlockPlace& handle, const Visitor& visit) {
    if (!RangeFits(handle.offset, handle.size, table_.size() - kFooterBytes) ||
        !RangeFits(handle.offset + handle.size, kTrailerBytes, table_.size() - kFooterBytes)) {
      return Corrupt(
          "a block of " + std::to_string(handle.size) + " bytes reaches past the end of the file",
          handle.offset);
    }
    std::string_view stored = table_.substr(handle.offset, handle.size);
    size_t trailer = handle.offset + handle.size;
    uint32_t crc = MaskCrc32c(Crc32c(stored.data(), stored.size() + 1));
    if (crc != LittleEndian32(table_, trailer + 1))
      return Corrupt("block checksum does not match", handle.offset);
    unsigned type = static_cast<unsigned char>(table_[trailer]);
    if (type == 0) return VetEntries(stored, handle.offset, visit);
    if (type == 1) return VetCompressed(stored, handle.offset, visit);
    return Error{ErrorCode::kUnsupported,
                 "block compression type " + std::to_string(type) + " is not supported",
                 where_ + ", byte " + std::to_string(trailer),
                 "save the checkpoint with TensorFlow's own writer"};
  }

  Status VetCompressed(std::string_view stored, uint64_t offset, const Visitor& visit) {
    size_t length = 0;
    if (!snappy::GetUncompressedLength(stored.data(), stored.size(), &length)) {
      return Corrupt("bad snappy block", offset);
    }
    if (length > limits_.block_bytes) {
      return Error{ErrorCode::kLimitExceeded,
                   "a compressed block says it holds " + std::to_string(length) + " bytes",
                   where_ + ", byte " + std::to_string(offset), ""};
    }
    if (length / kSnappyMaxExpansion > stored.size())
      return Corrupt("impossible length of a snappy block", offset);
    std::string contents;
    if (!snappy::Uncompress(stored.data(), stored.size(), &contents))
      return Corrupt("bad snappy block", offset);
    return VetEntries(contents, offset, visit);
  }

  // Entries: length shared with the last key, length of the rest, length of the value (varints),
  // rest, value.
  Status VetEntries(std::string_view block, uint64_t offset, const Visitor& visit) {
    EDET_ASSIGN_OR_RETURN(size_t end, EntriesEnd(block, offset));
    CodedInputStream in = Stream(block.substr(0, end));
    uint64_t last_key_bytes = 0;
    while (static_cast<size_t>(in.CurrentPosition()) < end) {
      uint64_t shared = 0, rest = 0, value_bytes = 0;
      if (!in.ReadVarint64(&shared) || !in.ReadVarint64(&rest) || !in.ReadVarint64(&value_bytes)) {
        return Corrupt("bad number in a block of the index", offset);
      }
      size_t at = static_cast<size_t>(in.CurrentPosition());
      if (shared > last_key_bytes || !RangeFits(rest, value_bytes, end - at)) {
        return Corrupt("an entry does not fit into its block", offset);
      }
      EDET_RETURN_IF_ERROR(visit(block.substr(at + rest, value_bytes), offset));
      last_key_bytes = shared + rest;
      in.Skip(static_cast<int>(rest + value_bytes));
    }
    return {};
  }

  // Where the entries of a block end and its restart points begin.
  Result<size_t> EntriesEnd(std::string_view block, uint64_t offset) const {
    if (block.size() < 8) return Corrupt("a block is too small", offset);
    uint64_t restarts = LittleEndian32(block, block.size() - 4);
    if (restarts == 0 || restarts > block.size() / 4 - 1)
      return Corrupt("impossible number of restart points", offset);
    size_t end = block.size() - 4 * (restarts + 1);
    if (LittleEndian32(block, end) != 0)
      return Corrupt("the first restart point is not the block's begin", offset);
    return end;
  }

  std::string_view table_;
  const std::string& where_;
  const Limits& limits_;
  uint64_t data_end_ = 0;
};

// LevelDB's view of bytes in memory.
class MemoryFile : public leveldb::RandomAccessFile {
 public:
  explicit MemoryFile(std::string_view bytes) : bytes_(bytes) {}
  leveldb::Status Read(uint64_t offset, size_t size, leveldb::Slice* result, char*) const override {
    if (!RangeFits(offset, size, bytes_.size()))
      return leveldb::Status::IOError("read past the end");
    *result = leveldb::Slice(bytes_.data() + offset, size);
    return leveldb::Status::OK();
  }

 private:
  std::string_view bytes_;
};

Error Damaged(const leveldb::Status& status, const std::string& where) {
  return {ErrorCode::kCorrupt, "the index cannot be read: " + status.ToString(), where,
          "copy it again"};
}

Status CheckKey(const leveldb::Slice& key, const std::vector<IndexRecord>& records,
                const std::string& where, const Limits& limits) {
  if (key.size() > limits.name_bytes || records.size() > limits.tensors) {
    return Error{ErrorCode::kLimitExceeded,
                 "more than " + std::to_string(limits.tensors) + " tensors or a name longer than " +
                     std::to_string(limits.name_bytes) + " bytes",
                 where, ""};
  }
  if (!records.empty() && key.compare(records.back().key) <= 0) {
    return Error{ErrorCode::kCorrupt,
                 "keys '" + records.back().key + "' and '" + key.ToString() + "' are out of order",
                 where, "the index is damaged; copy it again"};
  }
  return {};
}

}  // namespace

bool EndsLikeIndexTable(std::string_view bytes) {
  return bytes.size() >= kFooterBytes && LittleEndian64(bytes, bytes.size() - 8) == kTableMagic;
}

Result<std::vector<IndexRecord>> ReadIndexTable(const std::string& bytes, const std::string& where,
                                                const Limits& limits) {
  EDET_RETURN_IF_ERROR(Vetting(bytes, where, limits).Run());
  MemoryFile file(bytes);
  leveldb::Options options;
  options.paranoid_checks = true;
  leveldb::Table* opened = nullptr;
  leveldb::Status status = leveldb::Table::Open(options, &file, bytes.size(), &opened);
  std::unique_ptr<leveldb::Table> table(opened);
  if (!status.ok()) return Damaged(status, where);
  leveldb::ReadOptions read;
  read.verify_checksums = true;
  std::unique_ptr<leveldb::Iterator> row(table->NewIterator(read));
  std::vector<IndexRecord> records;
  for (row->SeekToFirst(); row->Valid(); row->Next()) {
    EDET_RETURN_IF_ERROR(CheckKey(row->key(), records, where, limits));
    records.push_back({row->key().ToString(), row->value().ToString()});
  }
  if (!row->status().ok()) return Damaged(row->status(), where);
  return records;
}

}  // namespace edet::checkpoint
