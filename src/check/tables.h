#pragma once

#include <map>
#include <string>
#include <vector>

#include "lint/rule_table.h"

namespace edet::check {

// The contents of rules.json and parsers.json, embedded at build time. See "about" there.
extern const char k_rules_json[];
extern const char k_parsers_json[];

// An input that must be a constant for some versions of the parser, and known before the run for
// all.
struct ArgumentRule {
  std::string op, name;
  int input = 0;      // counted from 0
  std::string until;  // the newest version that wants a constant; "never", "always"
};

struct ParserTable {
  std::map<std::string, std::string> operators;  // "Conv" -> the version that brought it
  std::vector<ArgumentRule> arguments;
};

// Both are parsed once, then constant. Safe from any thread.
const lint::RuleTable& CheckRules();
const ParserTable& Parsers();

}  // namespace edet::check
