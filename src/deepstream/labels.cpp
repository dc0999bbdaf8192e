#include "base/file.h"
#include "deepstream/nvinfer_config.h"

namespace edet::deepstream {
namespace {

constexpr uint64_t kLabelsLimitBytes = uint64_t{16} << 20;

// Calls `visit(line)` as std::getline would hand the lines out.
template <typename F>
void ForEachLine(std::string_view text, F visit) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    visit(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

Result<std::vector<std::string>> ReadLabels(const std::filesystem::path& path) {
  EDET_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kLabelsLimitBytes));
  std::vector<std::string> labels;
  ForEachLine(text, [&labels](std::string_view line) {
    if (!line.empty()) labels.emplace_back(line.substr(0, line.find(';')));
  });
  return labels;
}

}  // namespace edet::deepstream
