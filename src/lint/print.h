#pragma once

#include <string>

#include "lint/fix.h"
#include "lint/lint.h"
#include "lint/rule_table.h"

namespace edet::lint {

// For people: three lines for each finding, and a line that counts them.
std::string ReportText(const LintResult& result);
// One object: files, findings, counts.
std::string ReportJson(const LintResult& result);
// SARIF 2.1.0, as code hosts and editors take it, with all rules of `table`. `tool`: the command.
std::string ReportSarif(const LintResult& result, const RuleTable& table, const std::string& tool,
                        const std::string& version);
// The lines that --fix changed, as "- old" and "+ new".
std::string ChangesText(const std::vector<ChangedLine>& changes);

}  // namespace edet::lint
