#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/findings.h"
#include "base/result.h"
#include "deepstream/key_table.h"

namespace YAML {
class Node;
}

namespace edet::deepstream {

// A config as the stock readers hold it, with the lines where groups and keys stand: by GLib's key
// file parser, or by yaml-cpp where the name ends in .yml or .yaml. One thread.
class KeyFile {
 public:
  // Errors: NotFound, Io, LimitExceeded (64 MiB; YAML that explodes), Corrupt (what the parser
  // refuses, with the line where it can be told). What it silently merges or replaces goes to
  // `findings`.
  static Result<KeyFile> Load(const std::filesystem::path& path, Findings& findings);
  // The same for a text in INI form, named `path` in messages.
  static Result<KeyFile> Parse(const std::string& text, const std::filesystem::path& path,
                               Findings& findings);
  // And for one in YAML.
  static Result<KeyFile> ParseYaml(const std::string& text, const std::filesystem::path& path,
                                   Findings& findings);
  KeyFile(KeyFile&&) noexcept;
  KeyFile& operator=(KeyFile&&) noexcept;
  ~KeyFile();

  const std::filesystem::path& path() const { return path_; }
  bool is_yaml() const;
  // In the order of the file. In YAML a group comes once for each time that it stands there, but
  // what it holds is what the first one holds.
  std::vector<std::string> Groups() const;
  std::vector<std::string> Keys(
      const std::string& group) const;  // likewise; empty for an absent group
  bool HasGroup(const std::string& group) const;
  bool HasKey(const std::string& group, const std::string& key) const;
  // "file:line [group] key", as far as it is known; `key` may be empty.
  std::string Where(const std::string& group, const std::string& key = "") const;

  using Value = std::variant<int, bool, double, uint64_t, std::string, std::vector<int>,
                             std::vector<double>, std::vector<std::string>>;
  // The value as GLib converts it; in YAML as the readers convert the type in most keys. Error:
  // Corrupt, when they refuse.
  Result<Value> Get(const std::string& group, const std::string& key, ValueType type) const;
  // In YAML: the values of a key in the order of the file (only the last counts, but the others
  // must be right too), as the readers convert this key. Error: Corrupt.
  Result<std::vector<Value>> GetAll(const std::string& group, const KeySpec& spec,
                                    const std::string& key) const;
  // In YAML: Corrupt when the readers fall over the group's form or over a key's. `looked_up`: they
  // look for a key by its name before they go through the group.
  Status CheckForm(const std::string& group, const GroupSpec& spec, bool looked_up) const;

 private:
  struct Handle;
  explicit KeyFile(std::unique_ptr<Handle> handle);
  void AddYamlGroup(const YAML::Node& name, const YAML::Node& keys, Findings& findings);
  std::vector<std::string> YamlKeys(const std::string& group) const;
  Result<Value> GetYaml(const std::string& group, const std::string& key, ValueType type) const;
  void FindLines(const std::string& text, Findings& findings);

  std::filesystem::path path_;
  std::unique_ptr<Handle> handle_;
  std::map<std::pair<std::string, std::string>, size_t>
      lines_;  // (group, key or "") -> line, from 1
};

// The values of one group, converted and checked.
class GroupValues {
 public:
  void Set(const std::string& key, KeyFile::Value value) { values_[key] = std::move(value); }
  bool Has(const std::string& key) const { return values_.count(key) != 0; }
  // Puts the value into `out` when it is there, converted as C does (an int to unsigned, a double
  // to float).
  template <typename T>
  void Take(const std::string& key, T& out);
  // The keys that nobody has taken.
  std::vector<std::string> NotTaken() const;
  const std::map<std::string, KeyFile::Value>& all() const { return values_; }

 private:
  std::map<std::string, KeyFile::Value> values_;
  std::set<std::string> taken_;
};

// Why the stock parser refuses a value of the right type (out of range, too many items), in words;
// empty: it does not.
std::string BeyondLimits(const KeySpec& spec, const KeyFile::Value& value);

// Turns the text of a path key into the path that DeepStream opens.
using PathResolver =
    std::function<Result<std::string>(const KeySpec& spec, const std::string& text)>;

// Reads a group as the stock parser does (`spec` is of the table of the file's kind): all its known
// keys in their order, types and ranges checked. Errors: Corrupt, with file, line, group and key.
// Unknown keys and suspicious texts go to `findings`.
Result<GroupValues> ReadGroup(const KeyFile& file, const std::string& group, const GroupSpec& spec,
                              const PathResolver& resolve, Findings& findings);

namespace internal {

template <typename T>
void Convert(const KeyFile::Value& value, T& out) {
  static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
  std::visit(
      [&out](const auto& v) {
        if constexpr (std::is_arithmetic_v<std::decay_t<decltype(v)>>) out = static_cast<T>(v);
      },
      value);
}

template <typename T>
void Convert(const KeyFile::Value& value, std::vector<T>& out) {
  if (const auto* list = std::get_if<std::vector<int>>(&value))
    out.assign(list->begin(), list->end());
  if (const auto* list = std::get_if<std::vector<double>>(&value))
    out.assign(list->begin(), list->end());
}

inline void Convert(const KeyFile::Value& value, std::vector<std::string>& out) {
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) out = *list;
}

inline void Convert(const KeyFile::Value& value, std::string& out) {
  if (const auto* text = std::get_if<std::string>(&value)) out = *text;
}

inline void Convert(const KeyFile::Value& value, std::filesystem::path& out) {
  if (const auto* text = std::get_if<std::string>(&value)) out = *text;
}

}  // namespace internal

template <typename T>
void GroupValues::Take(const std::string& key, T& out) {
  taken_.insert(key);
  const auto found = values_.find(key);
  if (found != values_.end()) internal::Convert(found->second, out);
}

}  // namespace edet::deepstream
