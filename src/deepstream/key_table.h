#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace edet::deepstream {

// The contents of keys/*.json, embedded at build time.
extern const char k_nvinfer_keys_json[];
extern const char k_deepstream_app_keys_json[];
extern const char k_yaml_keys_json[];
extern const char k_meanings_json[];

enum class ValueType {
  kInteger,
  kBoolean,
  kDouble,
  kUint64,
  kString,
  kPath,
  kIntegerList,
  kDoubleList,
  kStringList,
};

// How the stock parser converts a number before it looks at the range: -1 passes as a large
// unsigned.
enum class Conversion { kNone, kUnsigned, kFloat };

// How the stock YAML readers take a value: by yaml-cpp's conversion to the type, or its text by
// C++'s own functions, which take a number and let anything follow it; plurals are cut at ';'.
enum class YamlForm {
  kNone,
  kInt,
  kUnsigned,
  kDouble,
  kUint64,
  kString,
  kPath,
  kTextInt,
  kTextUnsigned,
  kTextInts,
  kTextUnsigneds,
  kTextDoubles,
  kStrings,
  kPaths,
};

// What an unknown key does in YAML: nothing, refused unless it is a scalar, refused.
enum class UnknownKey { kIgnored, kScalarOnly, kRefused };

// One key that the parsers know. See "about" in keys/*.json.
struct KeySpec {
  std::string key;
  ValueType type = ValueType::kString;
  std::string since;
  std::string until;    // empty: the newest version has it
  std::string unless;   // ignored when this other key is there
  std::string refused;  // why the parser refuses every value; empty: it does not
  Conversion conversion = Conversion::kNone;
  std::optional<double> min, max, item_min;
  std::vector<long long> choices;
  std::optional<size_t> min_count, max_count;  // length of a list
  std::optional<size_t> max_bytes;             // longer strings are cut
  bool late = false;     // a type error counts only when the next checked key is read
  bool element = false;  // checked on its own: does not trip over an earlier late error
  bool prefix = false;   // "bbox-border-color" stands for "bbox-border-color<N>" too
  bool writable_folder = false;
  bool adds = false;                // in YAML: a repeated key adds to the list
  YamlForm form = YamlForm::kNone;  // in the tables of YAML
  std::string meaning;              // what it is for, a sentence or more
  std::string default_text;         // empty: none, or not known
};

const char* NameOf(ValueType type);  // "integer list"

enum class GroupMatch { kExact, kPrefix, kIndexed };

struct GroupSpec {
  std::string name;
  GroupMatch match = GroupMatch::kExact;
  UnknownKey unknown = UnknownKey::kIgnored;
  std::vector<KeySpec> keys;

  bool Matches(std::string_view group) const;
  const KeySpec* Find(std::string_view key) const;
};

struct KeyTable {
  std::vector<std::string> versions;  // oldest first
  std::vector<GroupSpec> groups;

  // Whether the parsers of `version`, one of `versions`, knew the key.
  bool Has(const KeySpec& spec, const std::string& version) const;
  // The group's description, nullptr for one that no parser reads.
  const GroupSpec* Find(std::string_view group) const;
};

// The tables; parsed once, then constant. Safe from any thread.
const KeyTable& NvinferKeys();
const KeyTable& DeepstreamAppKeys();
// What the YAML readers of the newest version know: without meanings, and of that version only.
const KeyTable& NvinferYamlKeys();
const KeyTable& DeepstreamAppYamlKeys();

// The keys of a group nearest to `key` (see NearestNames). What the newest version does not have
// any more is left out.
std::vector<std::string> NearestKeys(std::string_view key, const GroupSpec& group,
                                     size_t limit = 3);

}  // namespace edet::deepstream
