#pragma once

#include <CLI/CLI.hpp>

#include "cli/command.h"

namespace edet::cli {

// The subcommands of `edet config`; each lives in a file of its own and adds itself to `config`.
void AddConfigKeys(CLI::App& config, Session& session);
void AddConfigLint(CLI::App& config, Session& session);
void AddConfigNew(CLI::App& config, Session& session);

}  // namespace edet::cli
