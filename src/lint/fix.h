#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "lint/lint.h"

namespace edet::lint {

// A line that --fix changed. Both empty: never.
struct ChangedLine {
  std::filesystem::path file;
  size_t line = 0;  // of the old text, from 1
  std::string before, after;
};

struct FixResult {
  LintResult left;  // what is found after mending
  std::vector<ChangedLine> changes;
};

// Applies the edits of what `Lint` finds until nothing is left to mend, and writes the files
// atomically, all or none. Comments and order stay. Errors: as Lint; Io.
Result<FixResult> Fix(const std::vector<std::filesystem::path>& files, const LintOptions& options);

// The text with the edits made; of two that overlap the first counts. `done` gets the number made.
std::string ApplyEdits(const std::string& text, std::vector<TextEdit> edits, size_t& done);

}  // namespace edet::lint
