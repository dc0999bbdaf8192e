#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "base/interruption.h"
#include "cli/command.h"

namespace {

constexpr const char* kFooter = R"(
Exit codes: 0 ok, 1 findings or a threshold missed, 2 usage, 3 bad input, 4 something missing on this machine, 70 our bug.)";

// CLI11 puts some of its messages on several lines.
std::string OneLine(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// CLI11 has no word for a command that does not exist: it only says that one is required.
int UsageError(const CLI::App& app, int argc, char** argv, const std::string& reason) {
  std::string names;
  bool known = argc < 2 || argv[1][0] == '-';
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    known = known || command->get_name() == argv[1];
    names += (names.empty() ? "" : ", ") + command->get_name();
  }
  if (known) {
    std::fprintf(stderr, "edet: %s: see 'edet --help' or 'edet COMMAND --help'\n",
                 OneLine(reason).c_str());
  } else {
    std::fprintf(stderr, "edet: unknown command '%s': there are %s\n", OneLine(argv[1]).c_str(),
                 names.c_str());
  }
  return 2;
}

int Run(int argc, char** argv) {
  CLI::App app("edet: EfficientDet from a TensorFlow checkpoint to a running DeepStream app");
  app.footer(kFooter);
  app.set_version_flag("--version", EDET_VERSION);
  app.require_subcommand(1);
  edet::cli::Session session;
  app.add_flag("-q,--quiet", session.quiet, "Print errors and results only");
  app.fallthrough();
  edet::cli::AddConvertCommand(app, session);
  edet::cli::AddRepairCommand(app, session);
  edet::cli::AddCheckCommand(app, session);
  edet::cli::AddCompareCommand(app, session);
  edet::cli::AddInspectCommand(app, session);
  edet::cli::AddConfigCommand(app, session);
  edet::cli::AddBundleCommand(app, session);
  edet::cli::AddDeployCommand(app, session);
  edet::cli::AddRunCommand(app, session);
  edet::cli::AddSynthCommand(app, session);
  edet::cli::AddUntrainedCommand(app, session);
  edet::cli::AddDoctorCommand(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return UsageError(app, argc, argv, error.what());
  } catch (const edet::cli::CommandFailed& failed) {
    std::fprintf(stderr, "edet: %s\n", failed.error.ToString().c_str());
    return edet::ExitCode(failed.error.code);
  }
  return session.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  edet::EndCleanlyOnSignals();
  try {
    return Run(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr,
                 "edet: not enough memory: take a smaller model or batch, or a larger machine\n");
    return 3;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "edet: internal error: %s\n", error.what());
  } catch (...) {
    std::fprintf(stderr, "edet: internal error\n");
  }
  return 70;
}
