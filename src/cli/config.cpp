#include "cli/config.h"

namespace edet::cli {

void AddConfigCommand(CLI::App& app, Session& session) {
  CLI::App* config = app.add_subcommand(
      "config", "DeepStream configs: write them, check them, explain their keys");
  config->require_subcommand(1);
  config->fallthrough();
  AddConfigKeys(*config, session);
  AddConfigNew(*config, session);
  AddConfigLint(*config, session);
}

}  // namespace edet::cli
