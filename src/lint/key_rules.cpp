#include "lint/key_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "base/nearest.h"

namespace edet::lint {
namespace {

using deepstream::GroupMatch;
using deepstream::GroupSpec;
using deepstream::KeyFile;
using deepstream::KeySpec;
using deepstream::KeyTable;
using deepstream::ValueType;
using Kind = SyntaxFault::Kind;

struct FaultRule {
  Kind kind;
  const char* rule;
  const char* message;
};

constexpr std::array<FaultRule, 5> kFaultRules{{
    {Kind::kByteOrderMark, "byte-order-mark", "the file begins with a byte order mark"},
    {Kind::kNulByte, "nul-byte", "the line holds a NUL byte"},
    {Kind::kSemicolonComment, "semicolon-comment", "';' does not begin a comment here"},
    {Kind::kOutsideGroup, "key-outside-group", "the line stands before the first group"},
    {Kind::kNotAKey, "not-a-key", "the line is neither [group] nor key=value nor a comment"},
}};

void CheckFault(const ConfigText& file, const SyntaxFault& fault, Report& report) {
  for (const FaultRule& rule : kFaultRules) {
    if (rule.kind != fault.kind) continue;
    std::vector<TextEdit> edits;
    if (fault.kind == Kind::kByteOrderMark) edits = {{file.path(), fault.begin, fault.end, ""}};
    if (fault.kind == Kind::kSemicolonComment)
      edits = {{file.path(), fault.begin, fault.begin + 1, "#"}};
    return report.Add(rule.rule, file.AtLine(fault.line), rule.message, "", std::move(edits));
  }
  if (fault.kind == Kind::kNoTable) {
    return report.Add("missing-file", file.AtLine(1),
                      fmt::format("the table of sources '{}' is not there", fault.text));
  }
  report.Add("unreadable", file.AtLine(std::max<size_t>(fault.line, 1)), fault.text);
}

const Entry& LastOf(const Group& group, const Entry& overruled) {
  const Entry* last = &overruled;
  for (const Entry& entry : group.entries) {
    if (entry.key == overruled.key) last = &entry;
  }
  return *last;
}

// Where a comment begins in a value; npos if none does.
size_t CommentIn(const std::string& text) { return std::min(text.find(" #"), text.find("\t#")); }

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// What people write for a switch; "1", "0", or "" for anything else.
std::string SwitchMeant(const std::string& text) {
  const std::string lower = Lower(text);
  for (const char* on : {"true", "yes", "on", "enable", "enabled", "1.0"}) {
    if (lower == on) return "1";
  }
  for (const char* off : {"false", "no", "off", "disable", "disabled", "0.0"}) {
    if (lower == off) return "0";
  }
  return "";
}

const char* Wanted(ValueType type) {
  switch (type) {
    case ValueType::kInteger:
    case ValueType::kUint64:
      return "a whole number";
    case ValueType::kBoolean:
      return "0 or 1";
    case ValueType::kDouble:
      return "a number with '.' as its decimal point";
    case ValueType::kIntegerList:
      return "whole numbers separated by ';'";
    case ValueType::kDoubleList:
      return "numbers separated by ';'";
    default:
      return "text in UTF-8 without unknown \\ escapes";
  }
}

bool IsText(ValueType type) { return type == ValueType::kString || type == ValueType::kPath; }

bool IsUtf8Fault(const ConfigText& file, const Entry& entry) {
  return std::any_of(entry.text.begin(), entry.text.end(),
                     [](char c) { return (c & 0x80) != 0; }) &&
         !file.Get(entry.group, entry.key, ValueType::kString).ok();
}

class KeyChecker {
 public:
  KeyChecker(const ConfigText& file, const KeyTable& table, Report& report)
      : file_(file), table_(table), report_(report) {}

  void CheckGroup(const Group& group) {
    const GroupSpec* spec = table_.Find(group.name);
    if (spec == nullptr) return ReportUnknownGroup(group);
    for (const Entry& entry : group.entries) {
      if (!entry.overruled) CheckEntry(group, *spec, entry);
    }
  }

 private:
  // True if the target is known not to have what came with `since`; versions between two of the
  // table's are not judged.
  bool TooNew(const std::string& since) const {
    if (!report_.target() || since == table_.versions.front()) return false;
    const auto place = std::find(table_.versions.begin(), table_.versions.end(), since);
    if (place == table_.versions.end() || place == table_.versions.begin()) return false;
    return deepstream::CompareVersions(report_.target()->deepstream, *std::prev(place)) <= 0;
  }

  bool Removed(const std::string& until) const {
    if (until.empty() || !report_.target()) return !until.empty();
    const auto place = std::find(table_.versions.begin(), table_.versions.end(), until);
    if (place == table_.versions.end() || std::next(place) == table_.versions.end()) return false;
    return deepstream::CompareVersions(report_.target()->deepstream, *std::next(place)) >= 0;
  }

  void CheckEntry(const Group& group, const GroupSpec& spec, const Entry& entry) {
    const KeySpec* key = spec.Find(entry.key);
    if (key == nullptr) return ReportUnknown(group, spec, entry);
    if (Removed(key->until)) {
      return report_.Add(
          "removed-key", file_.AtKey(entry),
          fmt::format("{} is ignored: DeepStream knew it up to {}", entry.key, key->until));
    }
    if (TooNew(key->since)) {
      return report_.Add("key-too-new", file_.AtKey(entry),
                         fmt::format("{} came with DeepStream {}; {} has {}", entry.key, key->since,
                                     report_.target()->name, report_.target()->deepstream));
    }
    if (!key->refused.empty()) return report_.Add("refused-key", file_.AtKey(entry), key->refused);
    if (!key->unless.empty() && file_.Has(group.name, key->unless)) {
      return report_.Add("ignored-key", file_.AtKey(entry),
                         fmt::format("{} is ignored because {} is there", entry.key, key->unless));
    }
    CheckValue(*key, entry);
  }

  const KeyTable& YamlTable() const {
    return &table_ == &deepstream::NvinferKeys() ? deepstream::NvinferYamlKeys()
                                                 : deepstream::DeepstreamAppYamlKeys();
  }

  // The readers of YAML know other keys and convert otherwise.
  void CheckYamlValue(const Entry& entry) {
    const GroupSpec* group = YamlTable().Find(entry.group);
    const KeySpec* spec = group == nullptr ? nullptr : group->Find(entry.key);
    if (spec == nullptr && report_.TargetBefore("9.0")) return;  // not known of older ones
    if (group != nullptr && spec == nullptr) {
      return report_.Add("unknown-key", file_.AtKey(entry),
                         fmt::format("DeepStream does not read {} in YAML", entry.key),
                         "write the config as INI, or remove the key");
    }
    if (spec == nullptr || file_.yaml_keys() == nullptr) return;
    const Result<std::vector<KeyFile::Value>> values =
        file_.yaml_keys()->GetAll(entry.group, *spec, entry.key);
    if (!values.ok()) return ReportType(*spec, entry, values.error().what);
    for (const KeyFile::Value& value : *values) ReportBeyond(*spec, entry, value);
  }

  void CheckValue(const KeySpec& spec, const Entry& entry) {
    if (file_.is_yaml()) return CheckYamlValue(entry);
    const Result<KeyFile::Value> value = file_.Get(entry.group, entry.key, spec.type);
    if (!value.ok()) return ReportType(spec, entry);
    ReportComment(spec, entry);
    ReportBeyond(spec, entry, *value);
    if (const std::string* text = std::get_if<std::string>(&*value)) CheckText(entry, *text);
  }

  void ReportBeyond(const KeySpec& spec, const Entry& entry, const KeyFile::Value& value) {
    const std::string beyond = deepstream::BeyondLimits(spec, value);
    const bool mode_for_type = entry.key == "network-mode" && entry.text == "100";
    const bool list = beyond.find(" values") != std::string::npos;
    if (!beyond.empty()) {
      report_.Add(list ? "list-length" : "out-of-range", file_.AtValue(entry),
                  fmt::format("{}={}: {}", entry.key, entry.text, beyond),
                  mode_for_type ? "network-type=100 was meant?" : "");
    }
  }

  void ReportComment(const KeySpec& spec, const Entry& entry) {
    const size_t comment = CommentIn(entry.text);
    if (comment == std::string::npos) return;
    if (!IsText(spec.type) && spec.type != ValueType::kInteger &&
        spec.type != ValueType::kStringList)
      return;
    report_.Add(
        "trailing-comment", file_.AtValue(entry),
        IsText(spec.type) ? fmt::format("the comment is a part of the value '{}'", entry.text)
                          : fmt::format("a comment behind the value of {}", entry.key),
        "put it on a line of its own", {file_.MoveComment(entry, entry.value_begin + comment)});
  }

  // `why`: what the readers of YAML stop at.
  void ReportType(const KeySpec& spec, const Entry& entry, const std::string& why = "") {
    const Place place = file_.AtValue(entry);
    const std::string switched =
        spec.type == ValueType::kBoolean || spec.type == ValueType::kInteger
            ? SwitchMeant(entry.text)
            : "";
    if (!switched.empty()) {
      return report_.Add("bool-spelling", place,
                         fmt::format("{}={} is refused", entry.key, entry.text),
                         "write " + switched, {file_.ReplaceValue(entry, switched)});
    }
    const size_t comment = CommentIn(entry.text);
    if (comment != std::string::npos && !file_.is_yaml()) {
      return report_.Add("comment-refused", place,
                         fmt::format("the comment makes the value of {} unreadable", entry.key),
                         "put it on a line of its own",
                         {file_.MoveComment(entry, entry.value_begin + comment)});
    }
    if (IsUtf8Fault(file_, entry))
      return report_.Add("not-utf8", place, fmt::format("the value of {} is not UTF-8", entry.key));
    report_.Add("wrong-type", place,
                why.empty()
                    ? fmt::format("{}='{}' is not {}", entry.key, entry.text, Wanted(spec.type))
                    : fmt::format("{}: {}", entry.key, why),
                fmt::format("write {}", Wanted(spec.type)));
  }

  void CheckText(const Entry& entry, const std::string& text) {
    const bool quoted = entry.text.size() >= 2 && entry.text.front() == entry.text.back() &&
                        (entry.text.front() == '"' || entry.text.front() == '\'');
    if (quoted) {
      report_.Add("quoted-value", file_.AtValue(entry),
                  fmt::format("the quotation marks are a part of the value {}", entry.text), "",
                  {file_.ReplaceValue(entry, entry.text.substr(1, entry.text.size() - 2))});
    }
    if (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
      const size_t end =
          std::min(file_.text().find_first_of("\r\n", entry.value_end), file_.text().size());
      report_.Add("trailing-blank", file_.AtValue(entry),
                  fmt::format("blanks follow the value of {}", entry.key), "remove them",
                  {{file_.path(), entry.value_end, end, ""}});
    }
  }

  // A key of the group that differs in case or '_' only; else the nearest, where there is just one.
  std::string Spelling(const Group& group, const GroupSpec& spec, const Entry& entry,
                       std::vector<std::string>& near) const {
    std::string plain = Lower(entry.key);
    std::replace(plain.begin(), plain.end(), '_', '-');
    std::string sure;
    for (const KeySpec& key : spec.keys) {
      if (Lower(key.key) == plain && key.until.empty()) sure = key.key;
    }
    near = deepstream::NearestKeys(entry.key, spec);
    if (!sure.empty()) near.insert(near.begin(), sure);
    if (sure.empty() && near.size() == 1) sure = near.front();
    return file_.Has(group.name, sure) ? "" : sure;
  }

  void ReportUnknown(const Group& group, const GroupSpec& spec, const Entry& entry) {
    const std::string home = OtherHome(spec, entry.key);
    if (!home.empty()) {
      return report_.Add("misplaced-key", file_.AtKey(entry),
                         fmt::format("{} is read in {}, not in [{}]", entry.key, home, group.name));
    }
    std::vector<std::string> near;
    const std::string sure = Spelling(group, spec, entry, near);
    std::vector<TextEdit> edits;
    if (!sure.empty()) edits.push_back(file_.ReplaceKey(entry, sure));
    report_.Add("unknown-key", file_.AtKey(entry),
                fmt::format("DeepStream does not know the key {} and ignores it", entry.key),
                near.empty() ? "" : "did you mean " + near.front() + "?", std::move(edits));
  }

  // The groups that have the key; empty for more than three.
  std::string OtherHome(const GroupSpec& own, const std::string& key) const {
    std::vector<std::string> homes;
    for (const GroupSpec& spec : table_.groups) {
      if (&spec == &own || spec.Find(key) == nullptr) continue;
      homes.push_back(spec.match == GroupMatch::kExact ? spec.name : spec.name + "N");
    }
    const KeyTable& infer = deepstream::NvinferKeys();
    if (&table_ != &infer && own.name.find("-gie") != std::string::npos &&
        infer.Find("property")->Find(key) != nullptr)
      return "[property] of the inference's own file";
    if (homes.empty() || homes.size() > 3) return "";
    return fmt::format("[{}]", fmt::join(homes, "], ["));
  }

  void ReportUnknownGroup(const Group& group) {
    std::vector<std::string> names;
    for (const GroupSpec& spec : table_.groups) {
      if (spec.match == GroupMatch::kExact) names.push_back(spec.name);
      for (const char* end : {"all", "0", "1", "2", "3"}) {
        if (spec.match != GroupMatch::kExact) names.push_back(spec.name + end);
      }
    }
    const std::vector<std::string> near = NearestNames(group.name, names);
    std::vector<TextEdit> edits;
    if (near.size() == 1 && file_.FindGroup(near.front()) == nullptr && !file_.is_yaml())
      edits = {{file_.path(), group.header_begin, group.header_end, "[" + near.front() + "]"}};
    report_.Add("unknown-group", file_.At(group.name),
                fmt::format("nothing reads the group [{}]", group.name),
                near.empty() ? "" : fmt::format("did you mean [{}]?", near.front()),
                std::move(edits));
  }

  const ConfigText& file_;
  const KeyTable& table_;
  Report& report_;
};

}  // namespace

void CheckSyntax(const ConfigText& file, Report& report) {
  for (const SyntaxFault& fault : file.faults()) CheckFault(file, fault, report);
  for (const Group& group : file.groups()) {
    for (const size_t line : group.repeated_at) {
      report.Add("repeated-group", file.AtLine(line),
                 fmt::format("[{}] begins again; line {} began it: the parts are merged",
                             group.name, group.line));
    }
    for (const Entry& entry : group.entries) {
      if (!entry.overruled) continue;
      const Entry& last = LastOf(group, entry);
      report.Add("duplicate-key", file.AtKey(entry),
                 fmt::format("{}={} is overruled by line {}: {}", entry.key, entry.text, last.line,
                             last.text),
                 "", {file.RemoveLine(entry)});
    }
  }
}

void CheckForm(const ConfigText& file, Report& report) {
  if (!file.is_yaml() || !report.TargetBefore("6.1")) return;
  report.Add("yaml-too-old", file.AtLine(1),
             fmt::format("DeepStream {} does not read YAML", report.target()->deepstream));
}

void CheckKeys(const ConfigText& file, const KeyTable& table,
               bool (*is_read)(const ConfigText& file, const Group& group), Report& report) {
  KeyChecker checker(file, table, report);
  for (const Group& group : file.groups()) {
    if (is_read(file, group)) checker.CheckGroup(group);
  }
}

}  // namespace edet::lint
