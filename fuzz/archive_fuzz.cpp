// Fuzzes the reader of checkpoints in archives. Bits of the first byte: 1: the rest is a tar whose
// headers get fitting checksums first (libarchive refuses others at once); 2: it is compressed by
// gzip before it is read. Otherwise the rest is the file as it is.
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "fuzz_file.h"

namespace {

constexpr size_t kBlockBytes = 512, kSizeAt = 124, kSizeDigits = 11, kChecksumAt = 148;

uint64_t Octal(const std::string& tar, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < kSizeDigits && tar[at + i] >= '0' && tar[at + i] <= '7'; ++i)
    value = value * 8 + static_cast<uint64_t>(tar[at + i] - '0');
  return value;
}

void MendHeaders(std::string& tar) {
  for (size_t at = 0; at + kBlockBytes <= tar.size();) {
    std::fill_n(tar.begin() + static_cast<ptrdiff_t>(at + kChecksumAt), 8, ' ');
    unsigned sum = 0;
    for (size_t i = 0; i < kBlockBytes; ++i) sum += static_cast<unsigned char>(tar[at + i]);
    if (sum == 8 * ' ') return;  // the end: blocks of zeros
    std::snprintf(&tar[at + kChecksumAt], 8, "%06o", sum);
    uint64_t blocks = 1 + (Octal(tar, at + kSizeAt) + kBlockBytes - 1) / kBlockBytes;
    at += std::min<uint64_t>(blocks, tar.size()) * kBlockBytes;
  }
}

std::string Gzip(const std::string& plain) {
  z_stream stream{};
  if (deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) std::abort();
  std::string packed(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 1) return 0;
  std::string file(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  if ((bytes[0] & 1) != 0) MendHeaders(file);
  if ((bytes[0] & 2) != 0) file = Gzip(file);
  edet::fuzz::OpenWhatOpens(edet::fuzz::WriteFile(
      "checkpoint.tar", reinterpret_cast<const uint8_t*>(file.data()), file.size()));
  return 0;
}
