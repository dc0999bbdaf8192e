#include "deepstream/labels.h"

#include <fmt/format.h>

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

void FindLabelHarm(const std::filesystem::path& path, Findings& findings) {
  Result<std::string> text = ReadFile(path, kLabelsLimitBytes);
  if (!text.ok()) return;
  size_t number = 0, blank = 0, first_blank = 0, returns = 0, joined = 0;
  ForEachLine(*text, [&](std::string_view line) {
    ++number;
    if (line.empty() && ++blank == 1) first_blank = number;
    if (!line.empty() && line.back() == '\r') ++returns;
    if (line.find(';') != std::string_view::npos) ++joined;
  });
  if (blank > 0) {
    findings.Warn(
        "blank-label",
        fmt::format("{} blank lines are skipped: later classes move up by as many", blank),
        fmt::format("{}:{}", path.string(), first_blank), "put a name on each line");
  }
  if (returns > 0) {
    findings.Warn("label-carriage-return", fmt::format("{} labels keep a carriage return", returns),
                  path.string(), "save the file with plain line feeds");
  }
  if (joined > 0) {
    findings.Warn("joined-labels",
                  fmt::format("{} lines hold ';': only what is before it is the label", joined),
                  path.string(), "one label on each line");
  }
}

}  // namespace edet::deepstream
