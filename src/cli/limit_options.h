#pragma once

#include <CLI/CLI.hpp>

#include "base/result.h"
#include "checkpoint/checkpoint.h"

namespace edet::cli {

// Adds an option for each limit on what weights may claim, and --follow. `limits` must outlive the
// command.
void AddLimitOptions(CLI::App* command, checkpoint::Limits& limits);

// Checkpoint::Open, with a hint at these options where a limit is in the way.
Result<checkpoint::Checkpoint> OpenWithin(const checkpoint::Limits& limits,
                                          const std::filesystem::path& path);

}  // namespace edet::cli
