#include "checkpoint/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace edet::checkpoint {

uint32_t Crc32c(const void* data, size_t size, uint32_t previous) {
  constexpr size_t kChunkBytes = size_t{1} << 30;  // ISA-L counts in int
  // ISA-L declares its input writable, but only reads it.
  auto* bytes = const_cast<unsigned char*>(static_cast<const unsigned char*>(data));
  uint32_t crc = ~previous;
  while (size > 0) {
    size_t chunk = std::min(size, kChunkBytes);
    crc = crc32_iscsi(bytes, static_cast<int>(chunk), crc);
    bytes += chunk;
    size -= chunk;
  }
  return ~crc;
}

}  // namespace edet::checkpoint
