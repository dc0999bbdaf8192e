// Fuzzes the readers of frozen graphs and of SavedModels without variables. The first byte chooses
// which; the rest is the file.
#include <cstdint>
#include <cstdlib>

#include "fuzz_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 1) return 0;
  const char* name = (bytes[0] & 1) != 0 ? "saved_model.pb" : "graph.pb";
  edet::fuzz::OpenAndReadAll(edet::fuzz::WriteFile(name, bytes + 1, size - 1));
  return 0;
}
