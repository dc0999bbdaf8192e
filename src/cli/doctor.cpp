#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/doctor_report.h"

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
  command->callback([&session, json] {
    std::vector<Check> checks = InspectMachine();
    std::string report =
        *json ? DoctorJson(checks, EDET_VERSION) : DoctorTable(checks, EDET_VERSION);
    std::fputs(report.c_str(), stdout);
    session.exit_code = DoctorExitCode(checks);
  });
}

}  // namespace edet::cli
