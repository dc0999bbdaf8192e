#include <cstdio>
#include <filesystem>
#include <memory>

#include "cli/command.h"
#include "cli/doctor_report.h"
#include "cli/doctor_target.h"

namespace edet::cli {
namespace {

std::vector<Check> InspectMachine() {
  std::vector<Check> checks;
  for (auto inspect :
       {InspectHardware, InspectParserLibrary, InspectVideo, InspectInference, InspectDevice}) {
    for (Check& check : inspect()) checks.push_back(std::move(check));
  }
  return checks;
}

}  // namespace

void AddDoctorCommand(CLI::App& app, Session& session) {
  CLI::App* command =
      app.add_subcommand("doctor", "What this machine has and lacks, with the fix for each");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Print JSON instead of the table");
  auto target = std::make_shared<std::string>();
  CLI::Option* device = command->add_option("--target", *target,
                                            "user@host[:folder]: what that device has, over ssh");
  auto ssh_config = std::make_shared<std::filesystem::path>();
  command->add_option("--ssh-config", *ssh_config, "File instead of ~/.ssh/config")->needs(device);
  command->callback([&session, json, target, ssh_config] {
    if (!target->empty()) {
      Result<int> code = DoctorTarget(*target, *ssh_config, *json);
      if (!code.ok()) throw CommandFailed{code.error()};
      session.exit_code = *code;
      return;
    }
    std::vector<Check> checks = InspectMachine();
    std::string report =
        *json ? DoctorJson(checks, EDET_VERSION) : DoctorTable(checks, EDET_VERSION);
    std::fputs(report.c_str(), stdout);
    session.exit_code = DoctorExitCode(checks);
  });
}

}  // namespace edet::cli
