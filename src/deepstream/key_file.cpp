#include "deepstream/key_file.h"

#include <fmt/format.h>
#include <glib.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/bounded_yaml.h"
#include "base/file.h"
#include "deepstream/yaml_values.h"

namespace edet::deepstream {
namespace {

constexpr uint64_t kConfigLimitBytes = uint64_t{64} << 20;

struct GErrorHolder {
  GError* error = nullptr;
  ~GErrorHolder() { g_clear_error(&error); }
};

// GLib quotes the offending text, which may be long and of several lines.
std::string OneLine(std::string text) {
  constexpr size_t kLongest = 300;
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text;
}

std::vector<std::string> TakeStrings(char** strings) {
  std::vector<std::string> result;
  for (char** s = strings; s != nullptr && *s != nullptr; ++s) result.emplace_back(*s);
  g_strfreev(strings);
  return result;
}

std::string_view Trimmed(std::string_view text) {
  constexpr const char* kBlank = " \t\r\n\f\v";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// Calls `visit(line, number)` for each line, without its end.
template <typename F>
void ForEachLine(std::string_view text, F visit) {
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    visit(text.substr(0, end), ++number);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

bool IsHeader(std::string_view line) {
  return line.size() >= 2 && line.front() == '[' && line.back() == ']';
}

// The first line that cannot be a comment, a group or a key: where GLib probably stopped; 0 if
// there is none.
size_t FirstStrangeLine(std::string_view text) {
  size_t strange = 0;
  bool in_group = false;
  ForEachLine(text, [&](std::string_view raw, size_t number) {
    const std::string_view line = Trimmed(raw);
    if (strange != 0 || line.empty() || line.front() == '#') return;
    const bool header = IsHeader(line);
    in_group = in_group || header;
    if (!in_group || (!header && line.find('=') == std::string_view::npos)) strange = number;
  });
  return strange;
}

std::string LoadHint(std::string_view text) {
  if (text.substr(0, 3) == "\xEF\xBB\xBF") return "save the file without a byte order mark";
  if (text.find('\0') != std::string_view::npos)
    return "the file holds NUL bytes: it is no text file";
  return "lines are [group], key=value or a comment that begins with '#'";
}

}  // namespace

struct KeyFile::Handle {
  struct YamlGroup {
    std::string name;
    YAML::Node keys;
  };

  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { g_key_file_free(file); }

  // Their look-up finds the first of several.
  const YamlGroup* Find(const std::string& name) const {
    for (const YamlGroup& group : groups) {
      if (group.name == name) return &group;
    }
    return nullptr;
  }

  GKeyFile* file = g_key_file_new();
  bool yaml = false;
  std::vector<YamlGroup> groups;
};

bool KeyFile::is_yaml() const { return handle_->yaml; }

KeyFile::KeyFile(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
KeyFile::KeyFile(KeyFile&&) noexcept = default;
KeyFile& KeyFile::operator=(KeyFile&&) noexcept = default;
KeyFile::~KeyFile() = default;

Result<KeyFile> KeyFile::Load(const std::filesystem::path& path, Findings& findings) {
  EDET_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kConfigLimitBytes));
  if (path.extension() == ".yml" || path.extension() == ".yaml")
    return ParseYaml(text, path, findings);
  KeyFile file(std::make_unique<Handle>());
  file.path_ = path;
  GErrorHolder holder;
  // From the file, not from the text: GLib reads in pieces, and NUL bytes then mean something else.
  if (!g_key_file_load_from_file(file.handle_->file, path.c_str(), G_KEY_FILE_NONE,
                                 &holder.error)) {
    const size_t line = FirstStrangeLine(text);
    return Error{
        ErrorCode::kCorrupt, "DeepStream cannot read this file: " + OneLine(holder.error->message),
        line == 0 ? path.string() : fmt::format("{}:{}", path.string(), line), LoadHint(text)};
  }
  file.FindLines(text, findings);
  return file;
}

Result<KeyFile> KeyFile::Parse(const std::string& text, const std::filesystem::path& path,
                               Findings& findings) {
  KeyFile file(std::make_unique<Handle>());
  file.path_ = path;
  GErrorHolder holder;
  if (!g_key_file_load_from_data(file.handle_->file, text.data(), text.size(), G_KEY_FILE_NONE,
                                 &holder.error)) {
    return Error{ErrorCode::kCorrupt,
                 "DeepStream cannot read this file: " + OneLine(holder.error->message),
                 path.string(), LoadHint(text)};
  }
  file.FindLines(text, findings);
  return file;
}

void KeyFile::FindLines(const std::string& text, Findings& findings) {
  std::string group;
  ForEachLine(text, [&](std::string_view raw, size_t number) {
    const std::string_view line = Trimmed(raw);
    if (line.empty() || line.front() == '#') return;
    if (IsHeader(line)) {
      group = line.substr(1, line.size() - 2);
      if (!lines_.emplace(std::pair(group, ""), number).second) {
        findings.Warn("repeated-group",
                      fmt::format("group [{}] is there twice: the parts are merged", group),
                      fmt::format("{}:{}", path_.string(), number));
      }
      return;
    }
    const std::string key(Trimmed(line.substr(0, line.find('='))));
    const auto [place, fresh] = lines_.emplace(std::pair(group, key), number);
    if (fresh) return;
    findings.Warn(
        "duplicate-key", fmt::format("{} is set twice: line {} is overruled", key, place->second),
        fmt::format("{}:{} [{}] {}", path_.string(), number, group, key), "keep one of them");
    place->second = number;
  });
}

namespace {

bool IsText(const YAML::Node& node) { return node.IsScalar() || node.IsNull(); }

std::string KeyText(const YAML::Node& node) { return node.IsNull() ? "null" : node.Scalar(); }

std::string YamlPlace(const std::filesystem::path& path, const YAML::Node& node) {
  return fmt::format("{}:{}", path.string(), node.Mark().line + 1);
}

// Calls visit(key, value) for each pair whose key is a text.
template <typename F>
void ForEachPair(const YAML::Node& map, F visit) {
  if (!map.IsMap()) return;
  for (const auto& pair : map) {
    if (IsText(pair.first)) visit(pair.first, pair.second);
  }
}

}  // namespace

Result<KeyFile> KeyFile::ParseYaml(const std::string& text, const std::filesystem::path& path,
                                   Findings& findings) {
  EDET_ASSIGN_OR_RETURN(const YAML::Node root, ParseBoundedYaml(text, path.string()));
  KeyFile file(std::make_unique<Handle>());
  file.path_ = path;
  file.handle_->yaml = true;
  if (root.IsScalar())
    return Error{ErrorCode::kCorrupt, "there are no groups in this file", path.string(),
                 "groups are 'name:' with 'key: value' lines below, indented"};
  if (!root.IsMap()) return file;  // nothing, or a list: no group has a name that anybody reads
  for (const auto& pair : root) {
    if (!IsText(pair.first)) {
      return Error{ErrorCode::kCorrupt, "a group's name is no text", YamlPlace(path, pair.first),
                   "in YAML a group is written property: and not [property]"};
    }
    file.AddYamlGroup(pair.first, pair.second, findings);
  }
  return file;
}

void KeyFile::AddYamlGroup(const YAML::Node& name, const YAML::Node& keys, Findings& findings) {
  const std::string group = KeyText(name);
  handle_->groups.push_back({group, keys});
  if (!lines_.emplace(std::pair(group, ""), name.Mark().line + 1).second) {
    findings.Warn("repeated-group",
                  fmt::format("group {} is there twice: the first is read twice", OneLine(group)),
                  YamlPlace(path_, name));
    return;
  }
  ForEachPair(keys, [&](const YAML::Node& key, const YAML::Node&) {
    const size_t line = static_cast<size_t>(key.Mark().line) + 1;
    const auto [place, fresh] = lines_.emplace(std::pair(group, KeyText(key)), line);
    if (fresh) return;
    findings.Warn(
        "duplicate-key",
        fmt::format("{} is set twice: line {} is overruled", OneLine(KeyText(key)), place->second),
        YamlPlace(path_, key), "keep one of them");
    place->second = line;
  });
}

Status KeyFile::CheckForm(const std::string& group, const GroupSpec& spec, bool looked_up) const {
  const Handle::YamlGroup* found = handle_->Find(group);
  if (found == nullptr || found->keys.IsNull()) return {};
  const YAML::Node& keys = found->keys;
  // A look-up makes a map of a list.
  const bool refused = looked_up ? keys.IsScalar() : keys.IsSequence() && keys.size() > 0;
  if (refused)
    return Error{ErrorCode::kCorrupt, "the group is no map of keys", Where(group),
                 "write 'key: value' lines below it, indented"};
  if (!keys.IsMap()) return {};
  for (const auto& pair : keys) {
    if (!IsText(pair.first))
      return Error{ErrorCode::kCorrupt, "a key is no text", YamlPlace(path_, pair.first), ""};
    if (spec.unknown == UnknownKey::kIgnored || spec.Find(KeyText(pair.first)) != nullptr) continue;
    if (spec.unknown == UnknownKey::kScalarOnly && IsText(pair.second)) continue;
    return Error{ErrorCode::kCorrupt, "DeepStream refuses a key that it does not know",
                 Where(group, KeyText(pair.first)), "remove it"};
  }
  return {};
}

Result<std::vector<KeyFile::Value>> KeyFile::GetAll(const std::string& group, const KeySpec& spec,
                                                    const std::string& key) const {
  std::vector<Value> values;
  std::optional<Error> error;
  const Handle::YamlGroup* found = handle_->Find(group);
  if (found == nullptr) return values;
  ForEachPair(found->keys, [&](const YAML::Node& name, const YAML::Node& node) {
    if (error || KeyText(name) != key) return;
    Result<Value> value = YamlValue(node, spec.form);
    if (value.ok())
      values.push_back(std::move(value).value());
    else
      error = Error{ErrorCode::kCorrupt, value.error().what, Where(group, key), ""};
  });
  if (error) return *error;
  return values;
}

Result<KeyFile::Value> KeyFile::GetYaml(const std::string& group, const std::string& key,
                                        ValueType type) const {
  std::optional<YAML::Node> last;
  if (const Handle::YamlGroup* found = handle_->Find(group)) {
    ForEachPair(found->keys, [&](const YAML::Node& name, const YAML::Node& node) {
      if (KeyText(name) == key) last.emplace(node);
    });
  }
  if (!last) return Error{ErrorCode::kCorrupt, "there is no such key", Where(group, key), ""};
  Result<Value> value = YamlValue(*last, type);
  if (value.ok()) return value;
  return Error{ErrorCode::kCorrupt, value.error().what, Where(group, key), ""};
}

std::vector<std::string> KeyFile::YamlKeys(const std::string& group) const {
  std::vector<std::string> keys;
  std::set<std::string> seen;
  if (const Handle::YamlGroup* found = handle_->Find(group)) {
    ForEachPair(found->keys, [&](const YAML::Node& name, const YAML::Node&) {
      if (seen.insert(KeyText(name)).second) keys.push_back(KeyText(name));
    });
  }
  return keys;
}

std::vector<std::string> KeyFile::Groups() const {
  if (is_yaml()) {
    std::vector<std::string> names;
    for (const Handle::YamlGroup& group : handle_->groups) names.push_back(group.name);
    return names;
  }
  return TakeStrings(g_key_file_get_groups(handle_->file, nullptr));
}

std::vector<std::string> KeyFile::Keys(const std::string& group) const {
  if (is_yaml()) return YamlKeys(group);
  return TakeStrings(g_key_file_get_keys(handle_->file, group.c_str(), nullptr, nullptr));
}

bool KeyFile::HasGroup(const std::string& group) const {
  if (is_yaml()) return handle_->Find(group) != nullptr;
  return g_key_file_has_group(handle_->file, group.c_str()) != FALSE;
}

bool KeyFile::HasKey(const std::string& group, const std::string& key) const {
  if (is_yaml()) return lines_.count({group, key}) != 0 && !key.empty();
  return g_key_file_has_key(handle_->file, group.c_str(), key.c_str(), nullptr) != FALSE;
}

std::string KeyFile::Where(const std::string& group, const std::string& key) const {
  const auto found = lines_.find({group, key});
  std::string where = path_.string();
  if (found != lines_.end()) where += fmt::format(":{}", found->second);
  where += fmt::format(" [{}]", group);
  if (!key.empty()) where += " " + key;
  return OneLine(where);
}

namespace {

template <typename T>
std::vector<T> TakeArray(T* data, gsize length) {
  std::vector<T> result(data, data + (data == nullptr ? 0 : length));
  g_free(data);
  return result;
}

KeyFile::Value Fetch(GKeyFile* file, const char* group, const char* key, ValueType type,
                     GError** error) {
  gsize length = 0;
  switch (type) {
    case ValueType::kInteger:
      return g_key_file_get_integer(file, group, key, error);
    case ValueType::kBoolean:
      return g_key_file_get_boolean(file, group, key, error) != FALSE;
    case ValueType::kDouble:
      return g_key_file_get_double(file, group, key, error);
    case ValueType::kUint64:
      return uint64_t{g_key_file_get_uint64(file, group, key, error)};
    case ValueType::kIntegerList: {
      int* list = g_key_file_get_integer_list(file, group, key, &length, error);
      return TakeArray(list, length);
    }
    case ValueType::kDoubleList: {
      double* list = g_key_file_get_double_list(file, group, key, &length, error);
      return TakeArray(list, length);
    }
    case ValueType::kStringList:
      return TakeStrings(g_key_file_get_string_list(file, group, key, nullptr, error));
    case ValueType::kString:
    case ValueType::kPath:
      break;
  }
  char* text = g_key_file_get_string(file, group, key, error);
  std::string result = text == nullptr ? "" : text;
  g_free(text);
  return result;
}

}  // namespace

Result<KeyFile::Value> KeyFile::Get(const std::string& group, const std::string& key,
                                    ValueType type) const {
  if (is_yaml()) return GetYaml(group, key, type);
  GErrorHolder holder;
  Value value = Fetch(handle_->file, group.c_str(), key.c_str(), type, &holder.error);
  if (holder.error == nullptr) return value;
  const char* hint = type == ValueType::kBoolean ? "write 0 or 1 (true, false)"
                     : type == ValueType::kInteger || type == ValueType::kIntegerList
                         ? "write whole numbers only"
                         : "";
  return Error{ErrorCode::kCorrupt, OneLine(holder.error->message), Where(group, key), hint};
}

std::vector<std::string> GroupValues::NotTaken() const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : values_) {
    if (taken_.count(key) == 0) keys.push_back(key);
  }
  return keys;
}

namespace {

std::string NumberBeyond(const KeySpec& spec, double number) {
  double held = number;
  if (spec.conversion == Conversion::kFloat) held = static_cast<float>(number);
  if (spec.conversion == Conversion::kUnsigned)
    held = static_cast<unsigned>(static_cast<int>(number));
  if (spec.min && held < *spec.min) return fmt::format("{} is less than {}", number, *spec.min);
  if (spec.max && held > *spec.max)
    return fmt::format("{} is outside of {}..{}", number, spec.min.value_or(0), *spec.max);
  return "";
}

std::string IntegerBeyond(const KeySpec& spec, int number) {
  const bool listed =
      std::find(spec.choices.begin(), spec.choices.end(), number) != spec.choices.end();
  if (!spec.choices.empty() && !listed)
    return fmt::format("{} is not one of {}", number, fmt::join(spec.choices, ", "));
  return NumberBeyond(spec, number);
}

std::string CountBeyond(const KeySpec& spec, size_t count) {
  if (spec.min_count && count < *spec.min_count)
    return fmt::format("has {} values, separated by ';'; needed are {}", count, *spec.min_count);
  if (spec.max_count && count > *spec.max_count)
    return fmt::format("has {} values; allowed are {}", count, *spec.max_count);
  return "";
}

std::string IntegersBeyond(const KeySpec& spec, const std::vector<int>& list) {
  std::string beyond = CountBeyond(spec, list.size());
  for (int item : list) {
    if (beyond.empty() && spec.item_min && item < *spec.item_min)
      beyond = fmt::format("{} is less than {}", item, *spec.item_min);
  }
  return beyond;
}

}  // namespace

std::string BeyondLimits(const KeySpec& spec, const KeyFile::Value& value) {
  if (const int* number = std::get_if<int>(&value)) return IntegerBeyond(spec, *number);
  if (const double* number = std::get_if<double>(&value)) return NumberBeyond(spec, *number);
  if (const auto* list = std::get_if<std::vector<int>>(&value)) return IntegersBeyond(spec, *list);
  if (const auto* list = std::get_if<std::vector<double>>(&value))
    return CountBeyond(spec, list->size());
  if (const auto* list = std::get_if<std::vector<std::string>>(&value))
    return CountBeyond(spec, list->size());
  return "";
}

namespace {

// Reads one group; holds what all its steps need.
class GroupReader {
 public:
  GroupReader(const KeyFile& file, const std::string& group, const GroupSpec& spec,
              const PathResolver& resolve, Findings& findings)
      : file_(file), group_(group), spec_(spec), resolve_(resolve), findings_(findings) {}

  Result<GroupValues> Read() {
    if (file_.is_yaml()) return ReadYaml();
    for (const std::string& key : file_.Keys(group_)) {
      const KeySpec* spec = spec_.Find(key);
      if (spec == nullptr || !spec->until.empty()) {
        ReportUnread(key, spec);
      } else if (!spec->unless.empty() && file_.HasKey(group_, spec->unless)) {
        findings_.Warn("ignored-key",
                       fmt::format("{} is ignored because {} is there", key, spec->unless),
                       file_.Where(group_, key), "remove it");
      } else {
        EDET_RETURN_IF_ERROR(ReadKey(key, *spec));
      }
    }
    if (pending_) ReportPending();
    return std::move(values_);
  }

 private:
  Status ReadKey(const std::string& key, const KeySpec& spec) {
    if (!spec.refused.empty()) return Refuse(key, spec.refused, "remove it");
    Result<KeyFile::Value> fetched = file_.Get(group_, key, spec.type);
    if (!fetched.ok() && spec.late) {
      pending_ = pending_ ? pending_ : fetched.error();
      return {};
    }
    if (!fetched.ok()) return fetched.error();
    if (pending_ && !spec.element && !spec.late) return *pending_;
    return Keep(key, spec, std::move(fetched).value());
  }

  Result<GroupValues> ReadYaml() {
    for (const std::string& key : file_.Keys(group_)) {
      const KeySpec* spec = spec_.Find(key);
      if (spec == nullptr) {
        ReportUnread(key, spec);
        continue;
      }
      EDET_RETURN_IF_ERROR(CheckSuffix(key, *spec));
      EDET_ASSIGN_OR_RETURN(std::vector<KeyFile::Value> values, file_.GetAll(group_, *spec, key));
      if (spec->adds) values = {Joined(values)};
      for (KeyFile::Value& value : values) EDET_RETURN_IF_ERROR(Keep(key, *spec, std::move(value)));
    }
    return std::move(values_);
  }

  static KeyFile::Value Joined(const std::vector<KeyFile::Value>& lists) {
    std::vector<int> all;
    for (const KeyFile::Value& value : lists) {
      const auto& list = std::get<std::vector<int>>(value);
      all.insert(all.end(), list.begin(), list.end());
    }
    return all;
  }

  // bbox-border-color2: what follows is read as a number.
  Status CheckSuffix(const std::string& key, const KeySpec& spec) {
    if (!spec.prefix || key == spec.key) return {};
    if (TextValue(key.substr(spec.key.size()), YamlForm::kTextInt).ok()) return {};
    return Refuse(key, fmt::format("a number is wanted after {}", spec.key), "");
  }

  Status Keep(const std::string& key, const KeySpec& spec, KeyFile::Value value) {
    if (const std::string beyond = BeyondLimits(spec, value); !beyond.empty())
      return Refuse(key, beyond, "");
    if (std::string* text = std::get_if<std::string>(&value)) {
      EDET_RETURN_IF_ERROR(FinishText(key, spec, *text));
    }
    if (spec.form == YamlForm::kPaths) {
      for (std::string& piece : std::get<std::vector<std::string>>(value))
        EDET_RETURN_IF_ERROR(Resolve(key, spec, piece));
    }
    values_.Set(key, std::move(value));
    return {};
  }

  Status FinishText(const std::string& key, const KeySpec& spec, std::string& text) {
    if (!file_.is_yaml()) ReportSuspicious(key, text);
    if (spec.max_bytes && text.size() > *spec.max_bytes) text.resize(*spec.max_bytes);
    if (spec.writable_folder && access(text.c_str(), W_OK) != 0) {
      Error error =
          Refuse(key, fmt::format("folder '{}' does not exist or cannot be written to", text), "");
      error.code = ErrorCode::kNotFound;
      return error;
    }
    return spec.type == ValueType::kPath ? Resolve(key, spec, text) : Status();
  }

  Status Resolve(const std::string& key, const KeySpec& spec, std::string& text) {
    Result<std::string> path = resolve_(spec, text);
    if (path.ok()) {
      text = std::move(path).value();
      return {};
    }
    Error error = Refuse(key, path.error().what, path.error().hint);
    error.code = path.error().code;
    return error;
  }

  Error Refuse(const std::string& key, const std::string& what, const std::string& hint) const {
    return {ErrorCode::kCorrupt, "DeepStream refuses the value: " + what, file_.Where(group_, key),
            hint};
  }

  void ReportUnread(const std::string& key, const KeySpec* spec) {
    if (spec != nullptr) {
      findings_.Warn(
          "removed-key",
          fmt::format("{} is ignored since DeepStream left it out after {}", key, spec->until),
          file_.Where(group_, key), "remove it");
      return;
    }
    const std::vector<std::string> near = NearestKeys(key, spec_);
    findings_.Warn(
        "unknown-key", fmt::format("DeepStream does not know the key {} and ignores it", key),
        file_.Where(group_, key), near.empty() ? "" : "did you mean " + near.front() + "?");
  }

  void ReportPending() {
    findings_.Warn("unread-value",
                   "the value is not of its type and counts as 0: " + pending_->what,
                   pending_->where);
  }

  void ReportSuspicious(const std::string& key, const std::string& text) {
    if (text.find(" #") != std::string::npos || text.find("\t#") != std::string::npos) {
      findings_.Warn("trailing-comment",
                     fmt::format("the comment is a part of the value '{}'", OneLine(text)),
                     file_.Where(group_, key), "put comments on lines of their own");
    }
    if (!text.empty() && (text.front() == '"' || text.front() == '\'')) {
      findings_.Warn("quoted-value",
                     fmt::format("the quotation marks are a part of the value {}", OneLine(text)),
                     file_.Where(group_, key), "write it without them");
    }
  }

  const KeyFile& file_;
  const std::string& group_;
  const GroupSpec& spec_;
  const PathResolver& resolve_;
  Findings& findings_;
  GroupValues values_;
  std::optional<Error> pending_;  // of a key whose error is looked at later
};

}  // namespace

Result<GroupValues> ReadGroup(const KeyFile& file, const std::string& group, const GroupSpec& spec,
                              const PathResolver& resolve, Findings& findings) {
  if (file.is_yaml()) EDET_RETURN_IF_ERROR(file.CheckForm(group, spec, false));
  return GroupReader(file, group, spec, resolve, findings).Read();
}

}  // namespace edet::deepstream
