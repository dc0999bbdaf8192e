#include "cli/target_option.h"

#include "cli/convert_options.h"

namespace edet::cli {
CLI::Option* AddTargetOption(CLI::App* command, std::string& target, const std::string& text) {
  return command->add_option_function<std::string>(
      "--target",
      [&target](const std::string& name) {
        if (name == "help") {
          PrintPlatforms();
          throw CLI::Success();
        }
        target = name;
      },
      text + ": " + PlatformNames() + "; help tells about each");
}

}  // namespace edet::cli
