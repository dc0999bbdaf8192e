#include "base/result.h"

#include "base/printable.h"

namespace edet {

std::string Error::ToString() const {
  std::string text = what;
  if (!where.empty()) text += " (" + where + ")";
  if (!hint.empty()) text += ": " + hint;
  return Printable(text);  // one line, no control codes from bad input
}

int ExitCode(ErrorCode code) {
  switch (code) {
    case ErrorCode::kFindings:
      return 1;
    case ErrorCode::kInvalidArgument:
      return 2;
    case ErrorCode::kNotFound:
    case ErrorCode::kIo:
    case ErrorCode::kCorrupt:
    case ErrorCode::kUnsupported:
    case ErrorCode::kLimitExceeded:
      return 3;
    case ErrorCode::kEnvironment:
      return 4;
    case ErrorCode::kInternal:
      break;
  }
  return 70;
}

}  // namespace edet
