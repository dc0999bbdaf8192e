#pragma once

#include <CLI/CLI.hpp>

#include "base/result.h"

namespace edet::cli {

// What every subcommand gets from the top level.
struct Session {
  bool quiet = false;
  int exit_code = 0;  // set by a command that ran to its end but found something (1)
};

// Each subcommand lives in a file of its own and adds itself. Its callback throws CommandFailed on
// an error.
void AddBundleCommand(CLI::App& app, Session& session);
void AddCheckCommand(CLI::App& app, Session& session);
void AddCompareCommand(CLI::App& app, Session& session);
void AddConfigCommand(CLI::App& app, Session& session);
void AddConvertCommand(CLI::App& app, Session& session);
void AddDeployCommand(CLI::App& app, Session& session);
void AddDoctorCommand(CLI::App& app, Session& session);
void AddInspectCommand(CLI::App& app, Session& session);
void AddRepairCommand(CLI::App& app, Session& session);
void AddRunCommand(CLI::App& app, Session& session);
void AddSynthCommand(CLI::App& app, Session& session);
void AddUntrainedCommand(CLI::App& app, Session& session);

// The one exception of the command line: carries an Error from a CLI11 callback to main().
struct CommandFailed {
  Error error;
};

}  // namespace edet::cli
