#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "deploy/bundle.h"
#include "deploy/kitti.h"
#include "deploy/power.h"
#include "deploy/ssh.h"

namespace edet::deploy {

// One step of a deployment, told when it is done.
struct Step {
  std::string name;   // "connect", "platform", "compare", "send", "install", ...
  std::string state;  // "done", "unchanged" (nothing was to do), "warning", "planned" (--dry-run)
  std::string text;   // for people, one line
  double seconds = 0;
  nlohmann::ordered_json facts = nlohmann::ordered_json::object();  // for programs
  std::vector<std::string> table;                                   // for people, beside `text`
};
using StepSink = std::function<void(const Step&)>;
// Bytes sent of all, for a progress line.
using ProgressSink = std::function<void(uint64_t sent, uint64_t all)>;

// Who builds the engine: deepstream-app where it is installed, else trtexec; or the one named.
enum class EngineBuilder { kAny, kDeepStreamApp, kTrtexec };

struct DeployOptions {
  Destination destination;
  std::filesystem::path ssh_config;  // instead of ~/.ssh/config; may be empty
  bool any_platform = false;         // what does not fit is a warning
  bool dry_run = false;              // look and compare, change nothing
  bool run = false;                  // build the engine, prove that it is loaded, measure
  std::string input_uri;             // of the device, for that run; empty: the configuration's
  unsigned run_seconds = 3600;       // a start is stopped after so long; building takes minutes
  std::filesystem::path results;     // folder here for log and detections; empty: not copied
  EngineBuilder engine_with = EngineBuilder::kAny;
  PowerWish power;              // for that run; afterwards it is as it was
  std::filesystem::path video;  // of this machine, sent for that run; instead of `input_uri`
  // What the same frames gave on this machine; null: nothing is compared.
  std::shared_ptr<const KittiFrames> reference;
  double min_iou = 0.5;        // from which on two boxes are the same
  double min_agreement = 0.9;  // Parity::Agreement() below this is a finding
};

// Brings a bundle onto a device and switches to it: connect, platform, compare, send, install; then
// power, engine, measure, parity and results, where they are asked for: deepstream-app is started
// until the engine is there under the name that it looks for (or trtexec builds it), and once more,
// which must load it and not build again; its detections are compared with `reference`. What was
// there stays current until everything is there and the parser library has passed its test on
// the device; a run that broke off goes on where it stopped. Errors: Environment (connection,
// device full, the test fails), Findings (the bundle is for another platform, the detections
// differ), with the device's own words.
Status Deploy(const Bundle& bundle, const DeployOptions& options, const StepSink& tell,
              const ProgressSink& progress);

// Back to the release before. Errors: Environment.
Status RollBack(const Bundle& bundle, const DeployOptions& options, const StepSink& tell);

// Power mode and clocks as they were before a measured run that could not set them back itself.
// Errors: Environment; Findings, where the device refuses.
Status SetPowerBack(const Bundle& bundle, const DeployOptions& options, const StepSink& tell);

// Removes everything that Deploy() ever put there. Errors: Environment.
Status Uninstall(const Bundle& bundle, const DeployOptions& options, const StepSink& tell);

}  // namespace edet::deploy
