#include "deploy/deploy.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/progress.h"
#include "cli/command.h"

namespace edet::cli {
namespace fs = std::filesystem;
using deploy::Step;
using nlohmann::ordered_json;
namespace {

struct Options {
  fs::path bundle;
  std::string device;
  deploy::DeployOptions deploy;
  bool rollback = false, uninstall = false, json = false, quiet = false;
};

// Shows each step when it is done, or keeps all of them for the report.
class Report {
 public:
  explicit Report(const Options& options) : options_(options) {}

  void Tell(const Step& step) {
    progress_.reset();
    if (options_.json) {
      steps_.push_back({{"step", step.name},
                        {"state", step.state},
                        {"text", step.text},
                        {"seconds", step.seconds},
                        {"facts", step.facts}});
    } else if (!options_.quiet || step.state == "warning") {
      fmt::print("{:<11} {:<9}  {}\n", step.name, step.state, step.text);
      std::fflush(stdout);
    }
  }
  void Sent(uint64_t sent, uint64_t all) {
    if (!progress_) progress_.emplace("sending", all, !options_.quiet && !options_.json);
    progress_->Update(sent, fmt::format("{:.1f} of {:.1f} MB", static_cast<double>(sent) / 1e6,
                                        static_cast<double>(all) / 1e6));
  }
  void Finish(const Status& status) {
    progress_.reset();
    if (!options_.json) return;
    ordered_json report = {
        {"device", options_.device}, {"ok", status.ok()}, {"error", nullptr}, {"steps", steps_}};
    if (!status.ok()) report["error"] = status.error().ToString();
    fmt::print("{}\n", report.dump(2, ' ', false, ordered_json::error_handler_t::replace));
  }

 private:
  const Options& options_;
  ordered_json steps_ = ordered_json::array();
  std::optional<Progress> progress_;
};

Status Run(Options& options) {
  EDET_ASSIGN_OR_RETURN(options.deploy.destination, deploy::ParseDestination(options.device));
  EDET_ASSIGN_OR_RETURN(deploy::Bundle bundle, deploy::ReadBundle(options.bundle));
  Report report(options);
  const auto tell = [&report](const Step& step) { report.Tell(step); };
  Status status;
  if (options.rollback) {
    status = deploy::RollBack(bundle, options.deploy, tell);
  } else if (options.uninstall) {
    status = deploy::Uninstall(bundle, options.deploy, tell);
  } else {
    status = deploy::Deploy(bundle, options.deploy, tell,
                            [&report](uint64_t sent, uint64_t all) { report.Sent(sent, all); });
  }
  report.Finish(status);
  return status;
}

}  // namespace

void AddDeployCommand(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("deploy", "A bundle onto a device over ssh: checked, switched at once");
  command->add_option("bundle", options->bundle, "File that 'edet bundle' wrote")->required();
  command
      ->add_option(
          "device", options->device,
          "user@host, or user@host:/folder (~/edet/MODEL); a name of ~/.ssh/config does too")
      ->required();
  CLI::Option* rollback = command->add_flag("--rollback", options->rollback,
                                            "Go back to the release that was there before");
  command
      ->add_flag("--uninstall", options->uninstall,
                 "Remove everything of this bundle's folder from the device")
      ->excludes(rollback);
  command->add_flag("--dry-run", options->deploy.dry_run,
                    "Look and compare, send and change nothing");
  command->add_flag("--any-platform", options->deploy.any_platform,
                    "Go on where the device is not the bundle's platform");
  command->add_option("--ssh-config", options->deploy.ssh_config,
                      "File instead of ~/.ssh/config: port, key, known hosts, jump host");
  command->add_flag("--json", options->json, "Print the steps as JSON");
  command->footer(
      "\nssh is the system's, with your keys and known hosts; no password is asked for, and a "
      "host\n"
      "whose key is unknown or has changed is refused. A run that broke off goes on where it "
      "stopped.\nExample:\n"
      "  edet deploy d0-xavier.tar.zst nvidia@xavier.local");
  command->callback([options, &session] {
    options->quiet = session.quiet;
    Status status = Run(*options);
    if (!status.ok()) throw CommandFailed{status.error()};
  });
}

}  // namespace edet::cli
