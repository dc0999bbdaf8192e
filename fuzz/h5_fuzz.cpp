// Fuzzes the reader of Keras' .h5 files.
#include <cstdint>
#include <cstdlib>

#include "fuzz_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  edet::fuzz::OpenAndReadAll(edet::fuzz::WriteFile("weights.h5", bytes, size));
  return 0;
}
