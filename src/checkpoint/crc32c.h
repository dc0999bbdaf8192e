#pragma once

#include <cstddef>
#include <cstdint>

namespace edet::checkpoint {

// CRC-32C (Castagnoli) of `size` bytes, continued from `previous` (0 at the start). Uses the CPU's
// instructions.
uint32_t Crc32c(const void* data, size_t size, uint32_t previous = 0);

// The form in which LevelDB and TensorFlow store a CRC, so that a CRC of data with CRCs in it stays
// useful.
inline uint32_t MaskCrc32c(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }

}  // namespace edet::checkpoint
