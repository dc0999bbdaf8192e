#include "cli/command.h"

namespace edet::cli {

void AddDoctorCommand(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("doctor", "What this machine has and lacks");
  command->callback([&session] { session.exit_code = 0; });
}

}  // namespace edet::cli
