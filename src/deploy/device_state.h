#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/findings.h"
#include "base/result.h"
#include "deploy/bundle.h"
#include "deploy/ssh.h"

namespace edet::deploy {

// What a device told about itself (remote/probe.sh). A fact that it could not tell is empty.
struct DeviceState {
  std::string directory;  // absolute, where the bundle goes
  std::string arch, l4t, deepstream, tensorrt, cuda, glibc, power_mode, trtexec;
  std::optional<uint64_t> free_bytes;
  bool writable = false;
  bool power_to_restore = false;  // an earlier measured run could not set the power mode back
  std::set<std::string> tools;    // of sha256sum, flock, tegrastats, docker, make, g++
  std::string current, previous;  // "releases/ID"
  std::string current_sums;       // SHA-256 of the current release's SHA256SUMS
  bool current_whole = false;     // every file of it is as listed
};

Result<DeviceState> ProbeDevice(SshConnection& device, const std::string& directory,
                                const std::string& model);

// The lines of probe.sh; unknown keys are passed over.
DeviceState ParseProbe(const std::string& lines);

// Why a bundle does not go with a device (kError), and what to mind (kWarning).
Findings CompareWithTarget(const DeviceState& device, const BundleTarget& target);

// The platforms whose devices answer with this L4T release, by name.
std::vector<std::string> PlatformsWith(const std::string& l4t);

nlohmann::ordered_json ToJson(const DeviceState& device);

}  // namespace edet::deploy
