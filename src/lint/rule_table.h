#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/findings.h"
#include "base/result.h"

namespace edet::lint {

// The contents of rules.json, embedded at build time. See "about" there.
extern const char k_rules_json[];

// One test of a key's value. All that is given must hold.
struct KeyTest {
  std::string group;  // empty: the group that is looked at
  std::string key;
  std::optional<bool> set;
  std::vector<std::string> is, is_not;
  std::optional<double> below, above;
  std::string matches;                // regular expression; empty: none
  std::optional<std::string> absent;  // stands for the value of a key that is not there
  std::vector<KeyTest> any;           // one of these must hold; nothing else is given then
};

// When a rule that is data alone applies.
struct Condition {
  std::string file;   // "nvinfer", "app"
  std::string group;  // "property", "class-attrs-*", "*-gie*"
  bool enabled = false;
  bool targeted = false;    // only if a target is named
  bool standalone = false;  // only if no app config led to the file
  std::string device;       // "jetson", "dgpu": of the target; empty: any, or none
  std::string platform;     // regular expression for the target's name; empty: any, or none
  std::vector<KeyTest> tests;
  std::string at;
  std::string message;
  // What --fix does: sets a key, renames the key `at`, or removes its line.
  std::optional<std::pair<std::string, std::string>> put;
  std::string rename;
  bool drop = false;
};

struct Rule {
  std::string id;
  Severity severity = Severity::kWarning;
  std::vector<std::string> files;  // kinds of file
  std::string title, meaning, consequence, fix;
  std::string since, until;  // versions of the table's product; empty: any
  std::string stage;         // who stops there, in tables that have several
  bool fixable = false;
  std::optional<Condition> when;  // absent: found by code
};

// Rules of one kind, from a JSON text like rules.json. Constant once made; safe from any thread.
class RuleTable {
 public:
  // `product`: whose versions `since` and `until` are.
  RuleTable(const char* json, std::string product);
  const std::vector<Rule>& rules() const { return rules_; }
  // Null for an id that does not exist.
  const Rule* Find(std::string_view id) const;
  // What --explain prints. Error: InvalidArgument, with the nearest id.
  Result<std::string> Explain(std::string_view id) const;
  // All rules as a Markdown table, one line each.
  std::string Markdown() const;

 private:
  std::string Versions(const Rule& rule) const;

  std::string product_;
  std::vector<Rule> rules_;
};

// The linter's own. Parsed once.
const RuleTable& LintRules();

// "error", "warning", "note".
const char* NameOf(Severity severity);

}  // namespace edet::lint
