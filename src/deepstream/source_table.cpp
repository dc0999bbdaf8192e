#include "deepstream/source_table.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/file.h"
#include "deepstream/yaml_values.h"

namespace edet::deepstream {
namespace {

constexpr uint64_t kTableLimitBytes = uint64_t{64} << 20;

// As std::getline gives them: what follows the last line end is a line only when it holds
// something.
std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines = SplitText(text, '\n');
  if (lines.back().empty()) lines.pop_back();
  return lines;
}

bool IsBlankOrComment(const std::string& line) {
  const size_t begin = line.find_first_not_of(" \t");
  return begin == std::string::npos || line[begin] == '#';
}

std::string Place(const SourceTable& table, size_t index) {
  return fmt::format("{}:{}", table.file.string(), table.first_row_line + index);
}

Error Refuse(const SourceTable& table, size_t index, const std::string& what,
             const std::string& hint) {
  return {ErrorCode::kCorrupt, "deepstream-app refuses the file: " + what, Place(table, index),
          hint};
}

// What deepstream-app does beyond converting.
Status FinishCell(const KeySpec& spec, const PathResolver& resolve, std::string& text) {
  if (spec.max_bytes && text.size() > *spec.max_bytes) text.resize(*spec.max_bytes);
  if (spec.writable_folder && access(text.c_str(), W_OK) != 0)
    return Error{ErrorCode::kNotFound,
                 fmt::format("folder '{}' does not exist or cannot be written to", text), "", ""};
  if (spec.key != "uri") return {};
  EDET_ASSIGN_OR_RETURN(text, resolve(spec, text));
  return {};
}

}  // namespace

Result<SourceTable> ReadSourceTable(const std::filesystem::path& path, const std::string& where,
                                    Findings& findings) {
  SourceTable table;
  table.file = path;
  Result<std::string> text = ReadFile(path, kTableLimitBytes);
  if (!text.ok() && text.error().code == ErrorCode::kLimitExceeded) return text.error();
  if (!text.ok()) {
    findings.Warn("no-source", "the table of sources cannot be read: " + text.error().what, where);
    return table;
  }
  const std::vector<std::string> lines = Lines(*text);
  size_t header = 0;
  while (header < lines.size() && IsBlankOrComment(lines[header])) ++header;
  if (header == lines.size()) return table;
  table.keys = SplitText(lines[header], ',');
  table.first_row_line = header + 2;
  for (size_t i = header + 1; i < lines.size(); ++i) table.rows.push_back(SplitText(lines[i], ','));
  return table;
}

Result<GroupValues> ReadSourceRow(const SourceTable& table, size_t index, const GroupSpec& spec,
                                  const PathResolver& resolve, Findings& findings) {
  const std::vector<std::string>& cells = table.rows[index];
  // deepstream-app reads past the end of its row instead.
  if (cells.size() < table.keys.size()) {
    return Refuse(table, index,
                  fmt::format("the row has {} values, the first line names {} keys", cells.size(),
                              table.keys.size()),
                  "no blank lines or comments below the first line");
  }
  GroupValues values;
  for (size_t i = 0; i < table.keys.size(); ++i) {
    const KeySpec* key = spec.Find(table.keys[i]);
    if (key == nullptr) {
      if (index == 0)
        findings.Warn("unknown-key",
                      fmt::format("deepstream-app ignores the column '{}'", table.keys[i]),
                      Place(table, 0));
      continue;
    }
    Result<KeyFile::Value> taken = TextValue(cells[i], key->form);
    if (!taken.ok())
      return Refuse(table, index, fmt::format("{}: {}", key->key, taken.error().what), "");
    KeyFile::Value value = std::move(taken).value();
    if (std::string* text = std::get_if<std::string>(&value)) {
      const Status status = FinishCell(*key, resolve, *text);
      if (!status.ok()) {
        Error error =
            Refuse(table, index, fmt::format("{}: {}", key->key, status.error().what), "");
        error.code = status.error().code;
        return error;
      }
    }
    values.Set(key->key, std::move(value));
  }
  return values;
}

}  // namespace edet::deepstream
