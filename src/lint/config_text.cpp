#include "lint/config_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "base/file.h"

namespace edet::lint {
namespace {

using deepstream::KeyFile;
using deepstream::ValueType;

constexpr uint64_t kConfigLimitBytes = uint64_t{64} << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr const char* kBlank = " \t\r\f\v";

// [begin, end) without the blanks at both ends.
std::pair<size_t, size_t> Trim(const std::string& text, size_t begin, size_t end) {
  const auto blank = [](char c) { return std::string_view(kBlank).find(c) != std::string::npos; };
  while (begin < end && blank(text[begin])) ++begin;
  while (end > begin && blank(text[end - 1])) --end;
  return {begin, end};
}

}  // namespace

Result<ConfigText> ConfigText::Load(const std::filesystem::path& path) {
  EDET_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kConfigLimitBytes));
  return Parse(std::move(text), path);
}

ConfigText ConfigText::Parse(std::string text, const std::filesystem::path& path) {
  ConfigText config;
  config.path_ = path;
  config.text_ = std::move(text);
  const std::filesystem::path extension = path.extension();
  config.yaml_ = extension == ".yml" || extension == ".yaml";
  if (config.yaml_) {
    config.ScanYaml();
    return config;
  }
  config.Scan();
  config.MarkOverruled();
  config.AskGlib();
  return config;
}

void ConfigText::Scan() {
  if (text_.find("\r\n") != std::string::npos) line_break_ = "\r\n";
  size_t begin = 0, number = 0;
  if (text_.compare(0, kByteOrderMark.size(), kByteOrderMark) == 0) {
    begin = kByteOrderMark.size();
    faults_.push_back({SyntaxFault::Kind::kByteOrderMark, 1, 0, begin, ""});
  }
  while (begin < text_.size()) {
    const size_t end = std::min(text_.find('\n', begin), text_.size());
    const size_t next = std::min(end + 1, text_.size());
    ScanLine(begin, end, next, ++number);
    begin = next;
  }
}

void ConfigText::ScanLine(size_t line_begin, size_t line_end, size_t next, size_t number) {
  const auto [begin, end] = Trim(text_, line_begin, line_end);
  if (begin == end || text_[begin] == '#') return;
  const auto fault = [&, from = begin, to = end](SyntaxFault::Kind kind) {
    faults_.push_back({kind, number, from, to, ""});
  };
  if (std::find(text_.begin() + static_cast<std::ptrdiff_t>(begin),
                text_.begin() + static_cast<std::ptrdiff_t>(end),
                '\0') != text_.begin() + static_cast<std::ptrdiff_t>(end))
    return fault(SyntaxFault::Kind::kNulByte);
  if (text_[begin] == ';') return fault(SyntaxFault::Kind::kSemicolonComment);
  if (text_[begin] == '[' && text_[end - 1] == ']') return AddGroup(begin, end, next, number);
  const size_t equals = text_.find('=', begin);
  if (equals >= end || equals == begin) return fault(SyntaxFault::Kind::kNotAKey);
  if (current_ == 0) return fault(SyntaxFault::Kind::kOutsideGroup);
  AddEntry(begin, end, next, number, equals);
}

void ConfigText::AddGroup(size_t begin, size_t end, size_t next, size_t number) {
  const std::string name = text_.substr(begin + 1, end - begin - 2);
  for (size_t i = 0; i < groups_.size(); ++i) {
    if (groups_[i].name != name) continue;
    groups_[i].repeated_at.push_back(number);
    groups_[i].insert_at = next;
    current_ = i + 1;
    return;
  }
  Group group;
  group.name = name;
  group.line = number;
  const size_t line_begin = text_.rfind('\n', begin) + 1;  // npos + 1 is 0
  group.column = begin - line_begin + 1;
  group.header_begin = begin;
  group.header_end = end;
  group.insert_at = next;
  groups_.push_back(std::move(group));
  current_ = groups_.size();
}

void ConfigText::AddEntry(size_t begin, size_t end, size_t next, size_t number, size_t equals) {
  Group& group = groups_[current_ - 1];
  Entry entry;
  entry.group = group.name;
  entry.line = number;
  const size_t newline = begin == 0 ? std::string::npos : text_.rfind('\n', begin - 1);
  entry.line_begin = newline == std::string::npos ? 0 : newline + 1;
  entry.line_end = next;
  std::tie(entry.key_begin, entry.key_end) = Trim(text_, begin, equals);
  std::tie(entry.value_begin, entry.value_end) = Trim(text_, equals + 1, end);
  entry.key = text_.substr(entry.key_begin, entry.key_end - entry.key_begin);
  entry.text = text_.substr(entry.value_begin, entry.value_end - entry.value_begin);
  entry.column = entry.key_begin - entry.line_begin + 1;
  entry.value_column = entry.value_begin - entry.line_begin + 1;
  group.insert_at = next;
  group.entries.push_back(std::move(entry));
}

void ConfigText::MarkOverruled() {
  for (Group& group : groups_) {
    std::set<std::string> seen;
    for (auto entry = group.entries.rbegin(); entry != group.entries.rend(); ++entry)
      entry->overruled = !seen.insert(entry->key).second;
  }
}

// GLib has the last word: what the scan let pass and GLib refuses is a fault too.
void ConfigText::AskGlib() {
  std::string cleaned = text_;
  for (const SyntaxFault& fault : faults_) {
    std::fill(cleaned.begin() + static_cast<std::ptrdiff_t>(fault.begin),
              cleaned.begin() + static_cast<std::ptrdiff_t>(fault.end), ' ');
  }
  if (!faults_.empty() && faults_.front().kind == SyntaxFault::Kind::kByteOrderMark)
    cleaned.erase(0, kByteOrderMark.size());
  Findings ignored;
  Result<KeyFile> keys = KeyFile::Parse(cleaned, path_, ignored);
  if (keys.ok()) {
    keys_ = std::move(keys).value();
  } else {
    faults_.push_back({SyntaxFault::Kind::kOther, 0, 0, 0, keys.error().what});
  }
}

const Group* ConfigText::FindGroup(const std::string& name) const {
  for (const Group& group : groups_) {
    if (group.name == name) return &group;
  }
  return nullptr;
}

const Entry* ConfigText::Find(const std::string& name, const std::string& key) const {
  const Group* group = FindGroup(name);
  if (group == nullptr) return nullptr;
  for (const Entry& entry : group->entries) {
    if (entry.key == key && !entry.overruled) return &entry;
  }
  return nullptr;
}

Result<KeyFile::Value> ConfigText::Get(const std::string& group, const std::string& key,
                                       ValueType type) const {
  if (!keys_) return Error{ErrorCode::kCorrupt, "the file was not read", path_.string(), ""};
  if (!yaml_ || type != ValueType::kBoolean) return keys_->Get(group, key, type);
  // DeepStream's YAML readers take switches for whole numbers: true is none.
  EDET_ASSIGN_OR_RETURN(const KeyFile::Value number, keys_->Get(group, key, ValueType::kInteger));
  return KeyFile::Value(std::get<int>(number) != 0);
}

std::optional<int> ConfigText::Int(const std::string& group, const std::string& key) const {
  if (!Has(group, key)) return std::nullopt;
  Result<KeyFile::Value> value = Get(group, key, ValueType::kInteger);
  if (!value.ok()) return std::nullopt;
  return std::get<int>(*value);
}

std::optional<double> ConfigText::Number(const std::string& group, const std::string& key) const {
  if (!Has(group, key)) return std::nullopt;
  Result<KeyFile::Value> value = Get(group, key, ValueType::kDouble);
  if (!value.ok()) return Int(group, key);
  return std::get<double>(*value);
}

std::optional<std::string> ConfigText::Text(const std::string& group,
                                            const std::string& key) const {
  if (!Has(group, key)) return std::nullopt;
  Result<KeyFile::Value> value = Get(group, key, ValueType::kString);
  if (!value.ok()) return std::nullopt;
  return std::get<std::string>(*value);
}

std::vector<std::string> ConfigText::List(const std::string& group, const std::string& key) const {
  if (!Has(group, key)) return {};
  Result<KeyFile::Value> value = Get(group, key, ValueType::kStringList);
  if (!value.ok()) return {};
  return std::get<std::vector<std::string>>(*value);
}

std::vector<double> ConfigText::Numbers(const std::string& group, const std::string& key) const {
  if (!Has(group, key)) return {};
  Result<KeyFile::Value> value = Get(group, key, ValueType::kDoubleList);
  if (!value.ok()) return {};
  return std::get<std::vector<double>>(*value);
}

bool ConfigText::IsOn(const std::string& group, const std::string& key) const {
  const Entry* entry = Find(group, key);
  if (entry == nullptr) return false;
  if (Result<KeyFile::Value> value = Get(group, key, ValueType::kBoolean); value.ok())
    return std::get<bool>(*value);
  return Int(group, key).value_or(0) != 0;
}

Place ConfigText::At(const std::string& group, const std::string& key) const {
  if (const Entry* entry = Find(group, key)) return AtValue(*entry);
  Place place{path_, 1, 1, 0, group, key};
  if (const Group* found = FindGroup(group)) {
    if (!found->csv.empty()) place.file = found->csv;
    place.line = found->line;
    place.column = found->column;
    place.end_column = found->column + found->name.size() + (yaml_ ? 0 : 2);
  }
  return place;
}

Place ConfigText::AtValue(const Entry& entry) const {
  return {FileOf(entry), entry.line, entry.value_column, entry.value_column + entry.text.size(),
          entry.group,   entry.key};
}

Place ConfigText::AtKey(const Entry& entry) const {
  return {FileOf(entry), entry.line, entry.column, entry.column + entry.key.size(),
          entry.group,   entry.key};
}

Place ConfigText::AtLine(size_t line) const { return {path_, line, 1, 0, "", ""}; }

const std::filesystem::path& ConfigText::FileOf(const Entry& entry) const {
  const Group* group = FindGroup(entry.group);
  return group == nullptr || group->csv.empty() ? path_ : group->csv;
}

TextEdit ConfigText::ReplaceValue(const Entry& entry, std::string text) const {
  return {path_, entry.value_begin, entry.value_end, std::move(text)};
}

TextEdit ConfigText::ReplaceKey(const Entry& entry, std::string key) const {
  return {path_, entry.key_begin, entry.key_end, std::move(key)};
}

TextEdit ConfigText::RemoveLine(const Entry& entry) const {
  return {path_, entry.line_begin, entry.line_end, ""};
}

TextEdit ConfigText::Put(const std::string& group, const std::string& key,
                         const std::string& value) const {
  if (const Entry* entry = Find(group, key)) return ReplaceValue(*entry, value);
  const Group* found = FindGroup(group);
  const bool row = found != nullptr && !found->csv.empty();
  if (row || (yaml_ && found == nullptr)) return {path_, kUnknownOffset, kUnknownOffset, ""};
  const size_t at = found == nullptr ? text_.size() : found->insert_at;
  std::string line = key + "=" + value + line_break_;
  if (yaml_) line = found->indent + key + ": " + value + line_break_;
  if (found == nullptr) line.insert(0, line_break_ + "[" + group + "]" + line_break_);
  if (at == text_.size() && !text_.empty() && text_.back() != '\n') line.insert(0, line_break_);
  return {path_, at, at, line};
}

TextEdit ConfigText::MoveComment(const Entry& entry, size_t comment_begin) const {
  const auto [begin, end] = Trim(text_, comment_begin, entry.value_end);
  const auto [ignored, value_end] = Trim(text_, entry.value_begin, comment_begin);
  (void)ignored;
  return {path_, entry.line_begin, entry.value_end,
          text_.substr(begin, end - begin) + line_break_ +
              text_.substr(entry.line_begin, value_end - entry.line_begin)};
}

}  // namespace edet::lint
