#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace edet::deploy {

struct ProcessResult {
  int exit_code = 0;  // 128 + N where signal N ended it
  std::string out, err;
};

// Runs a program of this machine to its end: `argv[0]` is looked up in PATH, no shell takes part;
// `input` is its standard input. Errors: Environment (there is no such program; it was stopped
// after `timeout_seconds`). Any thread; the caller ignores SIGPIPE.
Result<ProcessResult> RunProcess(const std::vector<std::string>& argv, std::string_view input,
                                 unsigned timeout_seconds);

// The last line of what another machine wrote, fit for a terminal and for an error: without control
// characters.
std::string LastLine(std::string text);

// A word as a POSIX shell takes it back, whatever it holds.
std::string ShellQuoted(const std::string& word);

}  // namespace edet::deploy
