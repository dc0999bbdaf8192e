#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"
#include "deploy/bundle.h"
#include "deploy/ssh.h"

namespace edet::deploy {

// One step of a deployment, told when it is done.
struct Step {
  std::string name;   // "connect", "platform", "compare", "send", "install", ...
  std::string state;  // "done", "unchanged" (nothing was to do), "warning", "planned" (--dry-run)
  std::string text;   // for people, one line
  double seconds = 0;
  nlohmann::ordered_json facts = nlohmann::ordered_json::object();  // for programs
};
using StepSink = std::function<void(const Step&)>;
// Bytes sent of all, for a progress line.
using ProgressSink = std::function<void(uint64_t sent, uint64_t all)>;

struct DeployOptions {
  Destination destination;
  std::filesystem::path ssh_config;  // instead of ~/.ssh/config; may be empty
  bool any_platform = false;         // what does not fit is a warning
  bool dry_run = false;              // look and compare, change nothing
  bool run = false;                  // build the engine, prove that it is loaded, measure
  std::string input_uri;             // of the device, for that run; empty: the configuration's
  unsigned run_seconds = 3600;       // a start is stopped after so long; building takes minutes
  std::filesystem::path results;     // folder here for log and detections; empty: not copied
};

// Brings a bundle onto a device and switches to it: connect, platform, compare, send, install; then
// engine and measure, where they are asked for: deepstream-app is started until the engine is there
// under the name that it looks for, and once more, which must load it and not build again. What was
// there stays current until everything is there and the parser library has passed its test on
// the device; a run that broke off goes on where it stopped. Errors: Environment (connection,
// device full, the test fails), Findings (the bundle is for another platform), with the device's
// own words.
Status Deploy(const Bundle& bundle, const DeployOptions& options, const StepSink& tell,
              const ProgressSink& progress);

// Back to the release before. Errors: Environment.
Status RollBack(const Bundle& bundle, const DeployOptions& options, const StepSink& tell);

// Removes everything that Deploy() ever put there. Errors: Environment.
Status Uninstall(const Bundle& bundle, const DeployOptions& options, const StepSink& tell);

}  // namespace edet::deploy
