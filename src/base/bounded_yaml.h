#pragma once

#include <yaml-cpp/yaml.h>

#include <string>

#include "base/result.h"

namespace edet {

// Parses YAML that may come from anybody. Aliases count with all that they stand for: a few lines
// of them can name billions of values. `where` names the text in errors. Errors: Corrupt (no YAML),
// LimitExceeded (too deep, too many values).
Result<YAML::Node> ParseBoundedYaml(const std::string& text, const std::string& where);

}  // namespace edet
