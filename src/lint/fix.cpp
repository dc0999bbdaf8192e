#include "lint/fix.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/file.h"

namespace edet::lint {
namespace {

namespace fs = std::filesystem;

// Each round may uncover faults behind others (a comment behind a misspelt switch).
constexpr int kMostRounds = 5;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

size_t LineAt(const std::string& text, size_t offset) {
  return 1 + static_cast<size_t>(std::count(
                 text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
}

// The lines that an edit touches, before and after.
void NoteChange(const fs::path& file, const std::string& text, const TextEdit& edit,
                std::vector<ChangedLine>& changes) {
  const size_t before_begin = edit.begin == 0 ? 0 : text.rfind('\n', edit.begin - 1) + 1;
  size_t end = edit.end;
  const bool whole = edit.begin == before_begin && end > edit.begin && text[end - 1] == '\n';
  const bool inserted = edit.begin == edit.end && edit.begin == before_begin;
  if (!whole && !inserted) end = std::min(text.find('\n', end), text.size());
  const std::string before = text.substr(before_begin, end - before_begin);
  const std::string after = text.substr(before_begin, edit.begin - before_begin) +
                            edit.replacement + text.substr(edit.end, end - edit.end);
  const std::vector<std::string> old_lines = Lines(before), new_lines = Lines(after);
  const size_t line = LineAt(text, before_begin);
  for (size_t i = 0; i < std::max(old_lines.size(), new_lines.size()); ++i) {
    changes.push_back({file, line + std::min(i, old_lines.empty() ? 0 : old_lines.size() - 1),
                       i < old_lines.size() ? old_lines[i] : "",
                       i < new_lines.size() ? new_lines[i] : ""});
  }
}

std::vector<TextEdit> Chosen(std::vector<TextEdit> edits, size_t size) {
  std::stable_sort(edits.begin(), edits.end(),
                   [](const TextEdit& a, const TextEdit& b) { return a.begin < b.begin; });
  std::vector<TextEdit> chosen;
  size_t free_from = 0;
  for (TextEdit& edit : edits) {
    if (edit.end > size || edit.begin > edit.end || edit.begin < free_from) continue;
    const bool again = !chosen.empty() && chosen.back().begin == edit.begin &&
                       chosen.back().end == edit.end &&
                       chosen.back().replacement == edit.replacement;
    if (again) continue;
    free_from = edit.end;
    chosen.push_back(std::move(edit));
  }
  return chosen;
}

using EditsByFile = std::map<fs::path, std::vector<TextEdit>>;

// A link is followed: what it points to is mended, and the link stays.
fs::path Target(const fs::path& path) {
  std::error_code error;
  fs::path canonical = fs::canonical(path, error);
  return error ? path : canonical;
}

EditsByFile EditsOf(const LintResult& result) {
  EditsByFile edits;
  for (const Diagnostic& diagnostic : result.diagnostics) {
    for (const TextEdit& edit : diagnostic.edits) edits[Target(edit.file)].push_back(edit);
  }
  return edits;
}

Status MendOnce(const EditsByFile& edits, std::vector<ChangedLine>& changes) {
  OutputFiles output;
  std::map<fs::path, fs::perms> permissions;
  for (const auto& [path, list] : edits) {
    EDET_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
    size_t done = 0;
    const std::string mended = ApplyEdits(text, list, done);
    for (const TextEdit& edit : Chosen(list, text.size()))
      NoteChange(list.front().file, text, edit, changes);
    std::error_code ignored;
    permissions[path] = fs::status(path, ignored).permissions();
    EDET_RETURN_IF_ERROR(output.Stage(path, mended));
  }
  EDET_RETURN_IF_ERROR(output.Commit());
  std::error_code ignored;
  for (const auto& [path, bits] : permissions) fs::permissions(path, bits, ignored);
  return {};
}

}  // namespace

std::string ApplyEdits(const std::string& text, std::vector<TextEdit> edits, size_t& done) {
  std::string result;
  size_t from = 0;
  done = 0;
  for (const TextEdit& edit : Chosen(std::move(edits), text.size())) {
    result += text.substr(from, edit.begin - from) + edit.replacement;
    from = edit.end;
    ++done;
  }
  return result + text.substr(from);
}

Result<FixResult> Fix(const std::vector<fs::path>& files, const LintOptions& options) {
  FixResult result;
  for (int round = 0;; ++round) {
    EDET_ASSIGN_OR_RETURN(result.left, Lint(files, options));
    const EditsByFile edits = EditsOf(result.left);
    if (edits.empty() || round == kMostRounds) return result;
    EDET_RETURN_IF_ERROR(MendOnce(edits, result.changes));
  }
}

}  // namespace edet::lint
