#include "checkpoint/bundle_index.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>

#include "base/checked_math.h"
#include "checkpoint/tensorflow_dtype.h"
#include "proto/tensor_bundle.pb.h"

namespace edet::checkpoint {
namespace {

constexpr int kNewestFormat = 1;  // BundleHeader.version.min_consumer that we understand
constexpr size_t kMaxSlices = 1000;

using RecordMap = std::unordered_map<std::string, const std::string*>;

// OrderedCode's signed number: a byte of 6 bits and sign where that is enough, else a unary length
// in the leading bits.
std::string OrderedSigned(int64_t value) {
  uint64_t magnitude = static_cast<uint64_t>(value < 0 ? ~value : value);
  size_t bytes = 1;
  while (bytes < 10 && (bytes * 7 - 1) < 64 && (magnitude >> (bytes * 7 - 1)) != 0) ++bytes;
  std::string code(bytes, value < 0 ? '\xff' : '\0');
  for (size_t i = 0; i < std::min<size_t>(bytes, 8); ++i) {
    code[bytes - 1 - i] = static_cast<char>(static_cast<uint64_t>(value) >> (8 * i) & 0xff);
  }
  for (size_t bit = 0; bit < bytes; ++bit) {
    code[bit / 8] =
        static_cast<char>(static_cast<unsigned char>(code[bit / 8]) ^ (0x80u >> bit % 8));
  }
  return code;
}

// OrderedCode's unsigned number: how many bytes, then those, big end first.
std::string OrderedUnsigned(uint64_t value) {
  std::string digits;
  for (; value != 0; value >>= 8) digits.insert(digits.begin(), static_cast<char>(value & 0xff));
  return static_cast<char>(digits.size()) + digits;
}

// OrderedCode's string: 0x00 and 0xff escaped, 0x00 0x01 at the end.
std::string OrderedString(const std::string& text) {
  std::string code;
  for (char c : text) {
    code += c;
    if (c == '\0') code += '\xff';
    if (c == '\xff') code += '\0';
  }
  return code + std::string("\0\1", 2);
}

class Parser {
 public:
  Parser(const std::string& where, const Limits& limits) : where_(where), limits_(limits) {}

  Result<BundleIndex> Run(const std::vector<IndexRecord>& records) {
    if (records.empty() || !records[0].key.empty()) return Corrupt("the bundle has no header", "");
    EDET_RETURN_IF_ERROR(ParseHeader(records[0].value));
    RecordMap by_key;
    for (const IndexRecord& record : records) by_key.emplace(record.key, &record.value);
    for (size_t i = 1; i < records.size(); ++i) {
      if (records[i].key[0] == '\0')
        continue;  // a part of a partitioned variable: taken up with the variable
      EDET_ASSIGN_OR_RETURN(TensorEntry entry, ParseEntry(records[i], by_key));
      index_.entries.push_back(std::move(entry));
    }
    return std::move(index_);
  }

 private:
  Error Corrupt(const std::string& what, const std::string& name) const {
    return {ErrorCode::kCorrupt, name.empty() ? what : "tensor '" + name + "': " + what, where_,
            "the index is damaged; copy it again"};
  }

  Status ParseHeader(const std::string& value) {
    proto::BundleHeader header;
    if (!header.ParseFromString(value)) return Corrupt("the bundle's header cannot be parsed", "");
    if (header.endianness() != 0) {
      return Error{ErrorCode::kUnsupported, "the checkpoint was written on a big-endian machine",
                   where_, "save it again on a little-endian machine (x86, ARM)"};
    }
    if (header.version().min_consumer() > kNewestFormat) {
      return Error{ErrorCode::kUnsupported,
                   fmt::format("the bundle's format needs a reader of version {}",
                               header.version().min_consumer()),
                   where_, ""};
    }
    if (header.num_shards() < 1 || static_cast<uint64_t>(header.num_shards()) > limits_.shards) {
      return Corrupt(fmt::format("impossible number of data files: {}", header.num_shards()), "");
    }
    index_.shards = static_cast<uint32_t>(header.num_shards());
    return {};
  }

  Result<TensorEntry> ParseEntry(const IndexRecord& record, const RecordMap& by_key) const {
    proto::BundleEntry stored;
    if (!stored.ParseFromString(record.value))
      return Corrupt("its record cannot be parsed", record.key);
    TensorEntry entry;
    entry.name = record.key;
    entry.checkpoint_key = record.key;
    if (stored.dtype() <= 0) return Corrupt("it has no type", record.key);
    entry.dtype = FromTensorFlow(stored.dtype());
    EDET_ASSIGN_OR_RETURN(entry.shape, ParseShape(stored.shape(), record.key));
    if (stored.slices_size() > 0) {
      EDET_RETURN_IF_ERROR(ParseSlices(stored, by_key, entry));
    } else {
      EDET_ASSIGN_OR_RETURN(TensorPiece piece,
                            ParsePiece(stored, entry.dtype, entry.shape, record.key));
      entry.pieces.push_back(std::move(piece));
    }
    return entry;
  }

  Result<std::vector<int64_t>> ParseShape(const proto::TensorShape& stored,
                                          const std::string& name) const {
    if (stored.unknown_rank()) return Corrupt("its shape is unknown", name);
    if (static_cast<size_t>(stored.dim_size()) > limits_.rank) {
      return Error{ErrorCode::kLimitExceeded,
                   fmt::format("tensor '{}' has {} dimensions", name, stored.dim_size()), where_,
                   ""};
    }
    std::vector<int64_t> shape;
    for (const auto& dim : stored.dim()) shape.push_back(dim.size());
    if (!ElementCount(shape))
      return Corrupt(fmt::format("impossible shape [{}]", fmt::join(shape, ", ")), name);
    return shape;
  }

  // One contiguous run of elements: the whole tensor or one part of it.
  Result<TensorPiece> ParsePiece(const proto::BundleEntry& stored, DType dtype,
                                 const std::vector<int64_t>& shape, const std::string& name) const {
    if (stored.shard_id() < 0 || static_cast<uint32_t>(stored.shard_id()) >= index_.shards) {
      return Corrupt(fmt::format("it lies in data file {} of {}", stored.shard_id(), index_.shards),
                     name);
    }
    if (stored.offset() < 0 || stored.size() < 0) return Corrupt("negative offset or size", name);
    TensorPiece piece;
    piece.extent = shape;
    piece.shard = static_cast<uint32_t>(stored.shard_id());
    piece.offset_bytes = static_cast<uint64_t>(stored.offset());
    piece.size_bytes = static_cast<uint64_t>(stored.size());
    piece.masked_crc32c = stored.crc32c();
    EDET_RETURN_IF_ERROR(CheckSize(piece, dtype, name));
    return piece;
  }

  Status CheckSize(const TensorPiece& piece, DType dtype, const std::string& name) const {
    uint64_t element_bytes = DTypeBytes(dtype);
    std::optional<uint64_t> expected = CheckedMultiply(*ElementCount(piece.extent), element_bytes);
    if (element_bytes != 0 && (!expected || *expected != piece.size_bytes)) {
      return Corrupt(fmt::format("{} bytes are stored, its shape [{}] of {} needs {}",
                                 piece.size_bytes, fmt::join(piece.extent, ", "), DTypeName(dtype),
                                 expected ? std::to_string(*expected) : "more than fit in a file"),
                     name);
    }
    if (piece.size_bytes > limits_.tensor_bytes) {
      return Error{ErrorCode::kLimitExceeded,
                   fmt::format("tensor '{}' of {} bytes is over the limit of {}", name,
                               piece.size_bytes, limits_.tensor_bytes),
                   where_, ""};
    }
    return {};
  }

  Status ParseSlices(const proto::BundleEntry& stored, const RecordMap& by_key,
                     TensorEntry& entry) const {
    if (static_cast<size_t>(stored.slices_size()) > kMaxSlices) {
      return Error{
          ErrorCode::kLimitExceeded,
          fmt::format("tensor '{}' is stored in {} parts", entry.name, stored.slices_size()),
          where_, ""};
    }
    for (const proto::TensorSlice& slice : stored.slices()) {
      EDET_RETURN_IF_ERROR(ParseSlice(slice, by_key, entry));
    }
    return CheckTiling(entry);
  }

  Status ParseSlice(const proto::TensorSlice& slice, const RecordMap& by_key,
                    TensorEntry& entry) const {
    if (static_cast<size_t>(slice.extent_size()) != entry.shape.size()) {
      return Corrupt("a part has another number of dimensions", entry.name);
    }
    std::vector<SliceExtent> extents;
    std::vector<int64_t> start, shape;
    for (int i = 0; i < slice.extent_size(); ++i) {
      const auto& extent = slice.extent(i);
      int64_t whole = entry.shape[static_cast<size_t>(i)];
      int64_t length = extent.has_length() ? extent.length() : whole;
      if (extent.start() < 0 || length < 0 || length > whole || extent.start() > whole - length) {
        return Corrupt("a part reaches outside the variable", entry.name);
      }
      start.push_back(extent.start());
      shape.push_back(length);
      extents.push_back(
          {extent.start(), extent.has_length() ? std::optional<int64_t>(length) : std::nullopt});
    }
    auto found = by_key.find(SliceKey(entry.name, extents));
    proto::BundleEntry record;
    if (found == by_key.end() || !record.ParseFromString(*found->second)) {
      return Corrupt(fmt::format("the part from [{}] is missing", fmt::join(start, ", ")),
                     entry.name);
    }
    EDET_ASSIGN_OR_RETURN(std::vector<int64_t> stored_shape,
                          ParseShape(record.shape(), entry.name));
    if (FromTensorFlow(record.dtype()) != entry.dtype || stored_shape != shape) {
      return Corrupt("a part has another type or shape than the variable says", entry.name);
    }
    EDET_ASSIGN_OR_RETURN(TensorPiece piece, ParsePiece(record, entry.dtype, shape, entry.name));
    piece.start = std::move(start);
    entry.pieces.push_back(std::move(piece));
    return {};
  }

  static bool Overlap(const TensorPiece& a, const TensorPiece& b) {
    for (size_t d = 0; d < a.start.size(); ++d) {
      if (a.start[d] >= b.start[d] + b.extent[d] || b.start[d] >= a.start[d] + a.extent[d])
        return false;
    }
    return true;
  }

  // The parts must cover the variable once: as many elements as it has, none of them twice.
  Status CheckTiling(const TensorEntry& entry) const {
    uint64_t covered = 0;
    for (size_t i = 0; i < entry.pieces.size(); ++i) {
      uint64_t count = *ElementCount(entry.pieces[i].extent);
      std::optional<uint64_t> sum = CheckedAdd(covered, count);
      if (!sum) return Corrupt("its parts are larger than itself", entry.name);
      covered = *sum;
      for (size_t j = 0; j < i && count > 0; ++j) {
        if (Overlap(entry.pieces[i], entry.pieces[j]))
          return Corrupt("its parts overlap", entry.name);
      }
    }
    if (covered != *ElementCount(entry.shape)) return Corrupt("its parts leave a gap", entry.name);
    return CheckWholeSize(entry, covered);
  }

  Status CheckWholeSize(const TensorEntry& entry, uint64_t elements) const {
    std::optional<uint64_t> bytes =
        CheckedMultiply(elements, std::max<uint64_t>(DTypeBytes(entry.dtype), 1));
    if (bytes && *bytes <= limits_.tensor_bytes) return {};
    return Error{ErrorCode::kLimitExceeded, "tensor '" + entry.name + "' is over the size limit",
                 where_, ""};
  }

  const std::string& where_;
  const Limits& limits_;
  BundleIndex index_;
};

}  // namespace

Result<BundleIndex> ParseBundleIndex(const std::vector<IndexRecord>& records,
                                     const std::string& where, const Limits& limits) {
  return Parser(where, limits).Run(records);
}

std::string SliceKey(const std::string& name, const std::vector<SliceExtent>& extents) {
  std::string key = OrderedUnsigned(0) + OrderedString(name) + OrderedUnsigned(extents.size());
  for (const SliceExtent& extent : extents) {
    key += OrderedSigned(extent.start) + OrderedSigned(extent.length.value_or(-1));
  }
  return key;
}

}  // namespace edet::checkpoint
