#include "cli/source_argument.h"

#include <filesystem>

namespace edet::cli {

Result<deepstream::SourceFacts> SourceArgument(const std::string& text) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::is_regular_file(text, error)) {
    return deepstream::SourceFromText(fs::absolute(text, error).lexically_normal().string());
  }
  return deepstream::SourceFromText(text);
}

}  // namespace edet::cli
