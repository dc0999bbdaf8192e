#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "deepstream/key_file.h"

namespace YAML {
class Node;
}

namespace edet::lint {

// A place in a file. Lines and columns count from 1, columns in bytes; 0: unknown.
struct Place {
  std::filesystem::path file;
  size_t line = 0, column = 0, end_column = 0;
  std::string group, key;
};

inline constexpr size_t kUnknownOffset = static_cast<size_t>(-1);

// Replaces the bytes [begin, end) of a file; kUnknownOffset: cannot be done.
struct TextEdit {
  std::filesystem::path file;
  size_t begin = 0, end = 0;
  std::string replacement;
};

// A line key=value, as it stands in the file. Offsets are bytes from the file's begin.
struct Entry {
  std::string group, key;
  std::string text;  // the value as written, without the blanks around
  size_t line = 0, column = 0, value_column = 0;
  size_t line_begin = 0, line_end = 0;  // the end lies behind the line break
  size_t key_begin = 0, key_end = 0, value_begin = 0, value_end = 0;
  bool overruled = false;  // a later line of the same group sets the same key
};

struct Group {
  std::string name;
  std::filesystem::path csv;  // the table of sources that it is a row of; empty: the file itself
  size_t line = 0, column = 0;
  size_t header_begin = 0, header_end = 0;  // of the line's text
  size_t insert_at = 0;                     // where a new line of the group goes
  std::string indent;                       // of its lines, in YAML
  std::vector<size_t> repeated_at;          // lines where the same group begins again
  std::vector<Entry> entries;               // in the file's order, overruled ones too
};

// What keeps GLib from reading a file.
struct SyntaxFault {
  enum class Kind {
    kByteOrderMark,
    kNulByte,
    kSemicolonComment,
    kOutsideGroup,
    kNotAKey,
    kNoTable,
    kOther
  };
  Kind kind = Kind::kOther;
  size_t line = 0, begin = 0, end = 0;  // bytes of the line's text
  std::string text;                     // of kOther: what GLib says
};

// A key file, or the same in YAML (by its extension), with every line's place. What the parser
// refuses is a fault; the rest of a key file is read as if the faulty lines were not there. The
// table of sources that YAML names becomes groups [source0] and on. One thread.
class ConfigText {
 public:
  // Errors: NotFound, Io, LimitExceeded.
  static Result<ConfigText> Load(const std::filesystem::path& path);
  static ConfigText Parse(std::string text, const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  bool is_yaml() const { return yaml_; }
  const std::string& text() const { return text_; }
  const std::vector<Group>& groups() const { return groups_; }
  const std::vector<SyntaxFault>& faults() const { return faults_; }

  const Group* FindGroup(const std::string& group) const;
  // The line that counts; null if there is none.
  const Entry* Find(const std::string& group, const std::string& key) const;
  bool Has(const std::string& group, const std::string& key) const {
    return Find(group, key) != nullptr;
  }

  // Null but for YAML that can be parsed: as the YAML readers hold it.
  const deepstream::KeyFile* yaml_keys() const { return yaml_keys_ ? &*yaml_keys_ : nullptr; }

  // The value as GLib converts it; nothing where the key is absent or GLib refuses.
  Result<deepstream::KeyFile::Value> Get(const std::string& group, const std::string& key,
                                         deepstream::ValueType type) const;
  std::optional<int> Int(const std::string& group, const std::string& key) const;
  std::optional<double> Number(const std::string& group, const std::string& key) const;
  std::optional<std::string> Text(const std::string& group, const std::string& key) const;
  std::vector<std::string> List(const std::string& group, const std::string& key) const;
  std::vector<double> Numbers(const std::string& group, const std::string& key) const;
  // Off where the key is absent or no boolean.
  bool IsOn(const std::string& group, const std::string& key) const;

  // The key's value; the group's header where the key is absent; the file where both are.
  Place At(const std::string& group, const std::string& key = "") const;
  Place AtValue(const Entry& entry) const;
  Place AtKey(const Entry& entry) const;
  Place AtLine(size_t line) const;

  TextEdit ReplaceValue(const Entry& entry, std::string text) const;
  TextEdit ReplaceKey(const Entry& entry, std::string key) const;
  TextEdit RemoveLine(const Entry& entry) const;
  // A new line at the end of the group, or another value for the key that is there.
  TextEdit Put(const std::string& group, const std::string& key, const std::string& value) const;
  // Moves a comment behind the value to a line above it.
  TextEdit MoveComment(const Entry& entry, size_t comment_begin) const;

 private:
  ConfigText() = default;
  const std::filesystem::path& FileOf(const Entry& entry) const;
  void Scan();
  void ScanLine(size_t begin, size_t end, size_t next, size_t number);
  void AddGroup(size_t begin, size_t end, size_t next, size_t number);
  void AddEntry(size_t begin, size_t end, size_t next, size_t number, size_t equals);
  void MarkOverruled();
  void AskGlib();
  void ScanYaml();
  void AddYamlEntry(Group& group, const YAML::Node& key, const YAML::Node& value);
  void ReadTable(const std::filesystem::path& table);
  void FillKeys();

  std::filesystem::path path_;
  std::string text_;
  bool yaml_ = false;
  std::vector<size_t> line_begins_;  // of YAML
  std::string line_break_ = "\n";
  std::vector<Group> groups_;
  std::vector<SyntaxFault> faults_;
  size_t current_ = 0;  // index of the group that lines belong to, plus 1; 0: none yet
  std::optional<deepstream::KeyFile> keys_, yaml_keys_;
};

}  // namespace edet::lint
