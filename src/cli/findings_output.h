#pragma once

#include <string>

#include "cli/command.h"
#include "lint/lint.h"
#include "lint/rule_table.h"

namespace edet::cli {

// What commands that report findings of rules have in common.
struct FindingOptions {
  std::string sarif, explain, fail_on = "warning";
  bool json = false, list_rules = false;
};

// Adds --json, --sarif, --fail-on, --explain and --list-rules.
void AddFindingOptions(CLI::App* command, FindingOptions& options);
// True where --explain or --list-rules was asked: it is printed, and nothing else is to be done.
// Throws CommandFailed.
bool ExplainRules(const FindingOptions& options, const lint::RuleTable& table);
// Prints or writes the findings, and sets exit code 1 where --fail-on says so. `tool`: the
// command's name. Throws CommandFailed.
void PrintFindings(const FindingOptions& options, const lint::LintResult& result,
                   const lint::RuleTable& table, const std::string& tool, Session& session);

}  // namespace edet::cli
