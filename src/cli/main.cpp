#include <cstdio>
#include <exception>

#include "cli/command.h"

namespace {

constexpr const char* kFooter = R"(
Exit codes: 0 ok, 1 findings or a threshold missed, 2 usage, 3 bad input, 4 something missing on this machine, 70 our bug.)";

int Run(int argc, char** argv) {
  CLI::App app("edet: EfficientDet from a TensorFlow checkpoint to a running DeepStream app");
  app.footer(kFooter);
  app.set_version_flag("--version", EDET_VERSION);
  app.require_subcommand(1);
  edet::cli::Session session;
  app.add_flag("-q,--quiet", session.quiet, "Print errors and results only");
  app.fallthrough();
  edet::cli::AddConvertCommand(app, session);
  edet::cli::AddInspectCommand(app, session);
  edet::cli::AddUntrainedCommand(app, session);
  edet::cli::AddDoctorCommand(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const edet::cli::CommandFailed& failed) {
    std::fprintf(stderr, "edet: %s\n", failed.error.ToString().c_str());
    return edet::ExitCode(failed.error.code);
  }
  return session.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "edet: internal error: %s\n", error.what());
  } catch (...) {
    std::fprintf(stderr, "edet: internal error\n");
  }
  return 70;
}
