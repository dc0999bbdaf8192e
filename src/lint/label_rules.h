#pragma once

#include <filesystem>

#include "lint/report.h"

namespace edet::lint {

// What shifts or dirties the labels without a word. `classifier`: several labels on a line are
// meant. Returns the number of labels as nvinfer counts them; nothing if the file cannot be read.
std::optional<size_t> CheckLabels(const std::filesystem::path& path, bool classifier,
                                  Report& report);

}  // namespace edet::lint
