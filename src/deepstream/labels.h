#pragma once

#include <filesystem>

#include "base/findings.h"

namespace edet::deepstream {

// What shifts or dirties the labels without a word: blank lines, carriage returns, ';' fields.
// A file that cannot be read gives no finding: ReadLabels tells.
void FindLabelHarm(const std::filesystem::path& path, Findings& findings);

}  // namespace edet::deepstream
