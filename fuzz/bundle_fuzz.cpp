// Fuzzes the reader of TensorFlow bundles with an index and a data file made from one input.
//
// Input: 4 bytes = length of the index (little-endian, cut to what is there), the index, then the
// data file. With the lowest bit of the first data byte set, the checksums of the index's blocks
// are mended first, so that the fuzzer gets below them.
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "checkpoint/checkpoint.h"
#include "checkpoint/crc32c.h"

namespace {

namespace fs = std::filesystem;
using edet::checkpoint::Checkpoint;

uint64_t Varint(const std::string& bytes, size_t& at) {
  uint64_t value = 0;
  for (unsigned shift = 0; at < bytes.size() && shift < 64; shift += 7) {
    auto byte = static_cast<unsigned char>(bytes[at++]);
    value |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) break;
  }
  return value;
}

void MendBlock(std::string& index, uint64_t offset, uint64_t size) {
  if (index.size() < 5 || size > index.size() - 5 || offset > index.size() - 5 - size) return;
  uint32_t crc =
      edet::checkpoint::MaskCrc32c(edet::checkpoint::Crc32c(index.data() + offset, size + 1));
  std::memcpy(index.data() + offset + size + 1, &crc, sizeof crc);
}

// The data block is taken to lie at the begin, as TensorFlow has it, up to the block that the
// footer names.
void MendChecksums(std::string& index) {
  if (index.size() < 48) return;
  size_t at = index.size() - 48;
  Varint(index, at);
  Varint(index, at);
  uint64_t offset = Varint(index, at);
  uint64_t size = Varint(index, at);
  size_t entry = offset + 3;  // behind the three lengths of the first entry
  if (offset < index.size() - 3 && entry < index.size()) {
    size_t lengths = offset;
    Varint(index, lengths);
    uint64_t key = Varint(index, lengths);
    Varint(index, lengths);
    if (key < index.size() && lengths + key < index.size()) {
      size_t handle = lengths + key;
      uint64_t block = Varint(index, handle);
      uint64_t block_size = Varint(index, handle);
      MendBlock(index, block, block_size);
    }
  }
  MendBlock(index, offset, size);
}

void Write(const fs::path& path, const char* bytes, size_t size) {
  int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0 || write(file, bytes, size) != static_cast<ssize_t>(size) || close(file) != 0)
    std::abort();
}

const fs::path& Prefix() {
  static const fs::path prefix = [] {
    const char* memory =
        fs::exists("/dev/shm") ? "/dev/shm/edet-fuzz-XXXXXX" : "/tmp/edet-fuzz-XXXXXX";
    std::string name = memory;
    if (mkdtemp(name.data()) == nullptr) std::abort();
    return fs::path(name) / "m";
  }();
  return prefix;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  uint32_t length = 0;
  if (size < 5) return 0;
  std::memcpy(&length, bytes, sizeof length);
  size_t index_size = std::min<size_t>(length, size - 4);
  std::string index(reinterpret_cast<const char*>(bytes) + 4, index_size);
  std::string data(reinterpret_cast<const char*>(bytes) + 4 + index_size, size - 4 - index_size);
  if (!data.empty() && (data[0] & 1) != 0) MendChecksums(index);
  Write(Prefix().string() + ".index", index.data(), index.size());
  Write(Prefix().string() + ".data-00000-of-00001", data.data(), data.size());

  edet::checkpoint::Limits limits;
  limits.tensor_bytes = uint64_t{1} << 24;
  edet::Result<Checkpoint> checkpoint = Checkpoint::Open(Prefix(), limits);
  if (!checkpoint.ok()) {
    if (checkpoint.error().ToString().empty()) std::abort();
    return 0;
  }
  (void)checkpoint->Description();
  for (const auto& entry : checkpoint->entries()) {
    auto floats = checkpoint->ReadFloats(entry.name);
    auto integers = checkpoint->ReadIntegers(entry.name);
    if (floats.ok() && integers.ok()) std::abort();
  }
  return 0;
}
