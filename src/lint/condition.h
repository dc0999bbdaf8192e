#pragma once

#include "lint/report.h"

namespace edet::lint {

// Runs the rules that are data alone (`when` in rules.json) over a file of the kind `kind`
// ("nvinfer", "app"). `standalone`: no app config led to the file.
void CheckConditions(const ConfigText& file, const std::string& kind, bool standalone,
                     Report& report);

// Whether `name` fits a pattern in which each '*' stands for any text.
bool FitsPattern(const std::string& pattern, const std::string& name);

}  // namespace edet::lint
