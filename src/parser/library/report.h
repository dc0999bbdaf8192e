// C++14.
#pragma once

#include <string>

namespace edet {
namespace parser {

// Why a frame or a row yields nothing. One line on standard error for each cause: the first time,
// then the 100th, the 10,000th and so on, because a wrong model would else print at every frame.
enum class Cause {
  kWrongLayout,
  kUnknownType,
  kNullBuffer,
  kBadCount,
  kBadNetworkSize,
  kBadScore,
  kBadBox,
  kEmptyBox,
  kBadClass,
  kNoAnchors,
  kBadOption,
  kException,
  kCauses
};

// True where this occurrence of the cause is one to tell. Threads may call at once.
bool ShouldReport(Cause cause);

// Prints "nvdsinfer_efficientdet: TEXT" and how often it happened. Call it only where
// ShouldReport() said so.
void PrintReport(Cause cause, const char* text);
inline void PrintReport(Cause cause, const std::string& text) { PrintReport(cause, text.c_str()); }

}  // namespace parser
}  // namespace edet
