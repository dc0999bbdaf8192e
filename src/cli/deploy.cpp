#include "deploy/deploy.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/progress.h"
#include "cli/command.h"
#include "cli/number_range.h"
#include "cli/reference_run.h"

namespace edet::cli {
namespace fs = std::filesystem;
using deploy::Step;
using nlohmann::ordered_json;
namespace {

constexpr size_t kMostDevices = 1000;
constexpr uint64_t kMostHostsBytes = uint64_t{1} << 20;

struct Options {
  fs::path bundle;
  std::string device;
  fs::path hosts;
  unsigned parallel = 8;
  deploy::DeployOptions deploy;
  bool rollback = false, uninstall = false, restore = false, json = false, quiet = false;
  std::string engine_with = "any", clocks;
  fs::path reference;             // KITTI files instead of a run on this machine
  uint64_t reference_frames = 0;  // of that run; 0: all
  bool no_parity = false;
};

// What became of one device.
struct Outcome {
  std::string device;
  Status status;
  double seconds = 0;
  ordered_json steps = ordered_json::array();
  std::string last;  // what the last step said

  ordered_json Json() const {
    ordered_json json = {{"device", device},
                         {"ok", status.ok()},
                         {"error", nullptr},
                         {"seconds", seconds},
                         {"steps", steps}};
    if (!status.ok()) json["error"] = status.error().ToString();
    return json;
  }
};

void PrintJson(const ordered_json& json) {
  fmt::print("{}\n", json.dump(2, ' ', false, ordered_json::error_handler_t::replace));
}

// One device from beginning to end; `tell` also gets each step.
Outcome RunDevice(const Options& options, const deploy::Bundle& bundle, const std::string& device,
                  const deploy::StepSink& tell, const deploy::ProgressSink& progress) {
  Outcome outcome;
  outcome.device = device;
  const auto start = std::chrono::steady_clock::now();
  const auto note = [&](const Step& step) {
    outcome.last = step.text;
    outcome.steps.push_back({{"step", step.name},
                             {"state", step.state},
                             {"text", step.text},
                             {"seconds", step.seconds},
                             {"facts", step.facts}});
    tell(step);
  };
  deploy::DeployOptions choices = options.deploy;
  outcome.status = [&]() -> Status {
    EDET_ASSIGN_OR_RETURN(choices.destination, deploy::ParseDestination(device));
    if (options.rollback) return deploy::RollBack(bundle, choices, note);
    if (options.uninstall) return deploy::Uninstall(bundle, choices, note);
    if (options.restore) return deploy::SetPowerBack(bundle, choices, note);
    if (!options.hosts.empty() && !choices.results.empty())
      choices.results /= choices.destination.host;
    return deploy::Deploy(bundle, choices, note, progress);
  }();
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return outcome;
}

Status RunOne(const Options& options, const deploy::Bundle& bundle) {
  std::optional<Progress> progress;
  const bool shown = !options.quiet && !options.json;
  const Outcome outcome = RunDevice(
      options, bundle, options.device,
      [&](const Step& step) {
        progress.reset();
        if (options.json || (options.quiet && step.state != "warning")) return;
        fmt::print("{:<11} {:<9}  {}\n", step.name, step.state, step.text);
        for (const std::string& line : step.table) fmt::print("{:<23}{}\n", "", line);
        std::fflush(stdout);
      },
      [&](uint64_t sent, uint64_t all) {
        if (!progress) progress.emplace("sending", all, shown);
        progress->Update(sent, fmt::format("{:.1f} MB", static_cast<double>(sent) / 1e6));
      });
  progress.reset();
  if (options.json) PrintJson(outcome.Json());
  return outcome.status;
}

// A device a line; empty lines and those that begin with '#' are passed over.
Result<std::vector<std::string>> ReadHosts(const fs::path& path) {
  EDET_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMostHostsBytes));
  std::vector<std::string> hosts;
  std::set<std::string> seen;
  std::istringstream stream(text);
  size_t number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    line.erase(line.find_last_not_of(" \t\r") + 1);
    line.erase(0, line.find_first_not_of(" \t"));
    if (line.empty() || line[0] == '#') continue;
    const std::string where = fmt::format("{}:{}", path.string(), number);
    Result<deploy::Destination> destination = deploy::ParseDestination(line);
    if (!destination.ok())
      return Error{ErrorCode::kCorrupt, destination.error().what, where, destination.error().hint};
    if (!seen.insert(line).second)
      return Error{ErrorCode::kCorrupt, "the same device twice: " + line, where, "leave one out"};
    if (hosts.size() >= kMostDevices)
      return Error{ErrorCode::kLimitExceeded, "too many devices", where, "split the file"};
    hosts.push_back(line);
  }
  if (!hosts.empty()) return hosts;
  return Error{ErrorCode::kCorrupt, "the file names no device", path.string(),
               "one user@host[:folder] a line"};
}

void PrintTable(const std::vector<Outcome>& outcomes) {
  size_t width = 6;
  for (const Outcome& outcome : outcomes) width = std::max(width, outcome.device.size());
  fmt::print("\n{:<{}}  {:<6}  {:>8}  {}\n", "device", width, "result", "seconds", "last word");
  for (const Outcome& outcome : outcomes) {
    fmt::print("{:<{}}  {:<6}  {:>8.1f}  {}\n", outcome.device, width,
               outcome.status.ok() ? "ok" : "FAILED", outcome.seconds,
               outcome.status.ok() ? outcome.last : outcome.status.error().ToString());
  }
}

// All devices, some at a time; one that fails does not stop the others.
Status RunFleet(const Options& options, const deploy::Bundle& bundle) {
  EDET_ASSIGN_OR_RETURN(std::vector<std::string> hosts, ReadHosts(options.hosts));
  std::vector<Outcome> outcomes(hosts.size());
  std::atomic<size_t> next{0};
  std::mutex printing;
  const auto work = [&] {
    for (size_t i = next++; i < hosts.size(); i = next++) {
      outcomes[i] = RunDevice(
          options, bundle, hosts[i],
          [&](const Step& step) {
            if (options.json || options.quiet) return;
            const std::lock_guard<std::mutex> lock(printing);
            fmt::print("{}: {:<11} {:<9}  {}\n", hosts[i], step.name, step.state, step.text);
          },
          [](uint64_t /*sent*/, uint64_t /*all*/) {});
    }
  };
  std::vector<std::thread> workers;
  for (size_t i = 0; i < std::min<size_t>(options.parallel, hosts.size()); ++i)
    workers.emplace_back(work);
  for (std::thread& worker : workers) worker.join();
  const auto failed = std::count_if(outcomes.begin(), outcomes.end(),
                                    [](const Outcome& o) { return !o.status.ok(); });
  if (options.json) {
    ordered_json devices = ordered_json::array();
    for (const Outcome& outcome : outcomes) devices.push_back(outcome.Json());
    PrintJson({{"ok", failed == 0}, {"failed", failed}, {"devices", devices}});
  } else {
    PrintTable(outcomes);
  }
  if (failed == 0) return {};
  return Error{ErrorCode::kEnvironment,
               fmt::format("{} of {} devices failed", failed, outcomes.size()),
               options.hosts.string(), "the same command again goes on with them"};
}

// What this machine makes of the same frames, before a device is asked for anything.
Status TakeReference(Options& options, const deploy::Bundle& bundle) {
  const bool wanted = !options.no_parity && !options.deploy.dry_run;
  if (!wanted || (options.reference.empty() && options.deploy.video.empty())) return {};
  const bool shown = !options.quiet && !options.json;
  Result<deploy::KittiFrames> frames =
      options.reference.empty()
          ? ReferenceRun(bundle, options.deploy.video, options.reference_frames, shown)
          : deploy::ReadKittiFolder(options.reference);
  if (!frames.ok()) return frames.error();
  options.deploy.reference = std::make_shared<const deploy::KittiFrames>(std::move(*frames));
  return {};
}

Status Run(Options options) {
  if (options.device.empty() == options.hosts.empty()) {
    return Error{ErrorCode::kInvalidArgument, "which device?", "",
                 "give user@host, or --hosts FILE"};
  }
  if (options.device.empty() || deploy::ParseDestination(options.device).ok()) {
    EDET_ASSIGN_OR_RETURN(deploy::Bundle bundle, deploy::ReadBundle(options.bundle));
    EDET_RETURN_IF_ERROR(TakeReference(options, bundle));
    return options.hosts.empty() ? RunOne(options, bundle) : RunFleet(options, bundle);
  }
  return deploy::ParseDestination(options.device).error();
}

CLI::Option* AddRunOptions(CLI::App* command, Options& options) {
  CLI::Option* run = command->add_flag(
      "--run", options.deploy.run,
      "Start deepstream-app there: build the engine, prove that the next start loads it, measure");
  CLI::Option* input = command
                           ->add_option("--input", options.deploy.input_uri,
                                        "URI of a video on the device, for --run")
                           ->needs(run);
  command
      ->add_option("--video", options.deploy.video,
                   "Video of this machine, sent for --run; its detections there are compared with "
                   "those of 'edet run' here")
      ->check(CLI::ExistingFile)
      ->needs(run)
      ->excludes(input);
  command
      ->add_option("--run-seconds", options.deploy.run_seconds,
                   "Stop a start after so long; building an engine takes minutes (3600)")
      ->check(CLI::Range(1, 86400))
      ->needs(run);
  command
      ->add_option("--results", options.deploy.results,
                   "Folder here for result.json, the run's logs and detections (KITTI files)")
      ->needs(run);
  command
      ->add_option("--engine-with", options.engine_with,
                   "Who builds the engine (deepstream-app where it is installed, else trtexec)")
      ->check(CLI::IsMember({"trtexec", "deepstream-app"}))
      ->needs(run);
  return run;
}

// A mode of nvpmodel: a number, or a plain name.
std::string CheckPowerMode(const std::string& text) {
  const bool plain = !text.empty() && text.size() <= 32 && text[0] != '-' &&
                     text.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789_-+.") == std::string::npos;
  return plain ? "" : "not a power mode: '" + text + "' (a number or a name, as nvpmodel -q says)";
}

void AddPowerOptions(CLI::App* command, CLI::Option* run, Options& options) {
  command
      ->add_option("--power-mode", options.deploy.power.mode,
                   "nvpmodel's mode for the measured run, number or name; set back afterwards")
      ->check(CheckPowerMode, "MODE")
      ->needs(run);
  command
      ->add_option("--clocks", options.clocks,
                   "max: all clocks at their highest for the measured run; set back afterwards")
      ->check(CLI::IsMember({"max"}))
      ->needs(run);
}

void AddParityOptions(CLI::App* command, CLI::Option* run, Options& options) {
  command
      ->add_option("--reference", options.reference,
                   "Folder of KITTI files to compare with, instead of 'edet run' here")
      ->needs(run);
  command
      ->add_option("--reference-frames", options.reference_frames,
                   "Compare the first so many frames of --video (all)")
      ->needs(run);
  command
      ->add_option("--min-agreement", options.deploy.min_agreement,
                   "Exit code 1 if fewer boxes agree: 2 x matched / (here + there) (0.9)")
      ->check(NumberRange(0., 1.))
      ->needs(run);
  command
      ->add_option("--min-iou", options.deploy.min_iou,
                   "From which overlap on two boxes of a class are the same (0.5)")
      ->check(NumberRange(0.01, 1.))
      ->needs(run);
  command->add_flag("--no-parity", options.no_parity, "Do not compare detections")->needs(run);
}

deploy::EngineBuilder BuilderFromName(const std::string& name) {
  if (name == "trtexec") return deploy::EngineBuilder::kTrtexec;
  return name == "deepstream-app" ? deploy::EngineBuilder::kDeepStreamApp
                                  : deploy::EngineBuilder::kAny;
}

}  // namespace

void AddDeployCommand(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("deploy", "A bundle onto a device over ssh: checked, switched at once");
  command->add_option("bundle", options->bundle, "File that 'edet bundle' wrote")->required();
  command->add_option(
      "device", options->device,
      "user@host, or user@host:/folder (~/edet/MODEL); a name of ~/.ssh/config does too");
  command->add_option("--hosts", options->hosts,
                      "File with a device a line: all of them, with a table at the end");
  command->add_option("--parallel", options->parallel, "So many devices at a time (8)")
      ->check(CLI::Range(1, 64));
  CLI::Option* rollback = command->add_flag("--rollback", options->rollback,
                                            "Go back to the release that was there before");
  CLI::Option* uninstall =
      command
          ->add_flag("--uninstall", options->uninstall,
                     "Remove everything of this bundle's folder from the device")
          ->excludes(rollback);
  command
      ->add_flag("--restore", options->restore,
                 "Set power mode and clocks back where a measured run could not")
      ->excludes(rollback)
      ->excludes(uninstall);
  command->add_flag("--dry-run", options->deploy.dry_run,
                    "Look and compare, send and change nothing");
  command->add_flag("--any-platform", options->deploy.any_platform,
                    "Go on where the device is not the bundle's platform");
  CLI::Option* run = AddRunOptions(command, *options);
  AddPowerOptions(command, run, *options);
  AddParityOptions(command, run, *options);
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
    options->deploy.engine_with = BuilderFromName(options->engine_with);
    options->deploy.power.clocks_max = options->clocks == "max";
    Status status = Run(*options);
    if (!status.ok()) throw CommandFailed{status.error()};
  });
}

}  // namespace edet::cli
