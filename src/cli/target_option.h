#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace edet::cli {

// Adds --target PLATFORM to a command; `--target help` prints what is known about each platform and
// ends the program. `text`: what the option means there; the names follow. The name is not checked.
CLI::Option* AddTargetOption(CLI::App* command, std::string& target, const std::string& text);

}  // namespace edet::cli
