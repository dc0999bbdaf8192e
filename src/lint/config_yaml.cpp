// The YAML form of the configs: top-level maps are the groups.
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "deepstream/device_path.h"
#include "lint/config_text.h"

namespace edet::lint {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kTableLimitBytes = uint64_t{16} << 20;
// More than DeepStream has; keeps a table of millions of rows from becoming as many groups.
constexpr size_t kMostRows = 1024;
constexpr size_t kDeepest = 64;

bool StandsAt(const std::string& text, size_t offset, const std::string& part) {
  return offset <= text.size() && text.compare(offset, part.size(), part) == 0;
}

std::vector<size_t> BeginsOfLines(const std::string& text) {
  std::vector<size_t> begins{0};
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1))
    begins.push_back(at + 1);
  return begins;
}

// yaml-cpp follows nesting by recursion; no config nests more than a few levels.
bool NestsTooDeep(const std::string& text) {
  size_t depth = 0, deepest = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') deepest = std::max(deepest, ++depth);
    if ((c == ']' || c == '}') && depth > 0) --depth;
  }
  return deepest > kDeepest;
}

// The value as a line of a key file; lists of YAML become ';' lists.
std::string ScalarText(const YAML::Node& value) {
  if (value.IsScalar()) return value.Scalar();
  std::string joined;
  if (!value.IsSequence()) return joined;
  for (const YAML::Node& item : value) {
    if (item.IsScalar()) joined += item.Scalar() + ";";
  }
  return joined;
}

// For GLib, which unescapes it again.
std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\\\";
    } else if (c == '\n') {
      escaped += "\\n";
    } else if (c == ' ' && escaped.empty()) {
      escaped += "\\s";
    } else if (c != '\0' && c != '\r') {
      escaped += c;
    }
  }
  return escaped;
}

// A name that a key file can hold.
std::string PlainName(std::string name) {
  std::replace_if(
      name.begin(), name.end(),
      [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == '[' || c == ']' || c == '=';
      },
      '_');
  return name;
}

std::vector<std::string> Cells(const std::string& line) {
  std::vector<std::string> cells;
  size_t begin = 0;
  while (true) {
    const size_t end = line.find(',', begin);
    cells.push_back(line.substr(begin, end - begin));
    if (end == std::string::npos) return cells;
    begin = end + 1;
  }
}

}  // namespace

void ConfigText::AddYamlEntry(Group& group, const YAML::Node& key, const YAML::Node& value) {
  Entry entry;
  entry.group = group.name;
  entry.key = key.Scalar();
  entry.text = ScalarText(value);
  entry.line = static_cast<size_t>(key.Mark().line) + 1;
  entry.column = static_cast<size_t>(key.Mark().column) + 1;
  entry.value_column = static_cast<size_t>(value.Mark().column) + 1;
  entry.key_begin = entry.key_end = entry.value_begin = entry.value_end = kUnknownOffset;
  entry.line_begin = entry.line_end = kUnknownOffset;
  const size_t begin = entry.line - 1 < line_begins_.size() ? line_begins_[entry.line - 1] : 0;
  // Columns count characters, offsets bytes: only where they agree the line can be edited.
  if (StandsAt(text_, begin + entry.column - 1, entry.key)) {
    entry.key_begin = begin + entry.column - 1;
    entry.key_end = entry.key_begin + entry.key.size();
    entry.line_begin = begin;
    entry.line_end = entry.line < line_begins_.size() ? line_begins_[entry.line] : text_.size();
    group.insert_at = entry.line_end;
    group.indent = text_.substr(begin, entry.column - 1);
  }
  const bool same_line = value.Mark().line == key.Mark().line;
  if (same_line && entry.key_begin != kUnknownOffset &&
      StandsAt(text_, begin + entry.value_column - 1, entry.text)) {
    entry.value_begin = begin + entry.value_column - 1;
    entry.value_end = entry.value_begin + entry.text.size();
  }
  group.entries.push_back(std::move(entry));
}

void ConfigText::ScanYaml() {
  line_begins_ = BeginsOfLines(text_);
  if (NestsTooDeep(text_)) {
    faults_.push_back({SyntaxFault::Kind::kOther, 1, 0, 0, "the file nests too deep"});
    return;
  }
  fs::path table;
  try {
    const YAML::Node root = YAML::Load(text_);
    for (const auto& part : root) {
      if (!part.first.IsScalar()) continue;
      Group group;
      group.name = part.first.Scalar();
      group.line = static_cast<size_t>(part.first.Mark().line) + 1;
      group.column = static_cast<size_t>(part.first.Mark().column) + 1;
      group.header_begin = group.header_end = group.insert_at = kUnknownOffset;
      if (part.second.IsMap()) {
        for (const auto& pair : part.second) {
          if (pair.first.IsScalar()) AddYamlEntry(group, pair.first, pair.second);
        }
      }
      if (group.name == "source") {
        for (const Entry& entry : group.entries) {
          if (entry.key == "csv-file-path") table = entry.text;
        }
        if (!table.empty()) continue;
      }
      groups_.push_back(std::move(group));
    }
  } catch (const YAML::Exception& error) {
    std::string what = error.msg;
    if (text_.find("\n[class-attrs-") != std::string::npos)
      what += "; in YAML a group is written class-attrs-0: and not [class-attrs-0]";
    faults_.push_back({SyntaxFault::Kind::kOther, static_cast<size_t>(error.mark.line + 1), 0, 0,
                       "YAML: " + what});
    return;
  }
  Findings ignored;
  Result<deepstream::KeyFile> keys = deepstream::KeyFile::ParseYaml(text_, path_, ignored);
  if (keys.ok()) yaml_keys_ = std::move(keys).value();
  MarkOverruled();
  if (!table.empty()) ReadTable(table);
  FillKeys();
}

// One source a row, with the names of the keys in the first.
void ConfigText::ReadTable(const fs::path& table) {
  Result<std::string> path = deepstream::ResolveAppPath(path_, table.string());
  Result<std::string> text = ReadFile(path.ok() ? *path : table.string(), kTableLimitBytes);
  if (!text.ok()) {
    faults_.push_back({SyntaxFault::Kind::kNoTable, 1, 0, 0, table.string()});
    return;
  }
  std::vector<std::string> header;
  size_t begin = 0, number = 0, row = 0;
  while (begin < text->size() && row < kMostRows) {
    const size_t end = std::min(text->find('\n', begin), text->size());
    std::string line = text->substr(begin, end - begin);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    begin = end + 1;
    ++number;
    const size_t first = line.find_first_not_of(" \t");
    if (first == std::string::npos || (header.empty() && line[first] == '#')) continue;
    const std::vector<std::string> cells = Cells(line);
    if (header.empty()) {
      header = cells;
      continue;
    }
    Group group;
    group.name = fmt::format("source{}", row++);
    group.csv = path.ok() ? *path : table.string();
    group.line = number;
    group.column = 1;
    size_t column = 1;
    for (size_t i = 0; i < cells.size(); column += cells[i].size() + 1, ++i) {
      if (i >= header.size() || cells[i].empty()) continue;
      Entry entry;
      entry.group = group.name;
      entry.key = header[i];
      entry.text = cells[i];
      entry.line = number;
      entry.column = entry.value_column = column;
      entry.key_begin = entry.key_end = entry.value_begin = entry.value_end = kUnknownOffset;
      entry.line_begin = entry.line_end = kUnknownOffset;
      group.entries.push_back(std::move(entry));
    }
    groups_.push_back(std::move(group));
  }
}

// The same as a key file, which converts the values.
void ConfigText::FillKeys() {
  std::string ini;
  for (const Group& group : groups_) {
    ini += fmt::format("[{}]\n", PlainName(group.name));
    for (const Entry& entry : group.entries)
      ini += fmt::format("{}={}\n", PlainName(entry.key), Escaped(entry.text));
  }
  Findings ignored;
  Result<deepstream::KeyFile> keys = deepstream::KeyFile::Parse(ini, path_, ignored);
  if (keys.ok()) keys_ = std::move(keys).value();
}

}  // namespace edet::lint
