#include "parser/library/report.h"

#include <atomic>
#include <cstdio>

namespace edet {
namespace parser {
namespace {

std::atomic<unsigned> occurrences[static_cast<int>(Cause::kCauses)];

}  // namespace

bool ShouldReport(Cause cause) {
  const unsigned count =
      occurrences[static_cast<int>(cause)].fetch_add(1, std::memory_order_relaxed) + 1;
  return count == 1 || count == 100 || count == 10000 || count == 1000000;
}

void PrintReport(Cause cause, const char* text) {
  const unsigned count = occurrences[static_cast<int>(cause)].load(std::memory_order_relaxed);
  if (count <= 1) {
    std::fprintf(stderr, "nvdsinfer_efficientdet: %s\n", text);
  } else {
    std::fprintf(stderr, "nvdsinfer_efficientdet: %s (%u times so far)\n", text, count);
  }
}

}  // namespace parser
}  // namespace edet
