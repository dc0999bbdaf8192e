#include "cli/doctor_target.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "deploy/device_state.h"
#include "deploy/ssh.h"

namespace edet::cli {
namespace {

struct Row {
  std::string name, value, missing;  // `missing`: what to do where the value is empty
  bool needed = false;
};

std::string Tool(const deploy::DeviceState& state, const char* name) {
  return state.tools.count(name) != 0 ? "there" : "";
}

std::vector<Row> RowsOf(const deploy::DeviceState& state) {
  const std::string platforms =
      fmt::format("{}", fmt::join(deploy::PlatformsWith(state.l4t), " or "));
  const std::string free =
      state.free_bytes ? fmt::format("{:.1f} GB", static_cast<double>(*state.free_bytes) / 1e9)
                       : "";
  return {{"architecture", state.arch, "", true},
          {"L4T", state.l4t, "no Jetson: a bundle for a dgpu platform may do", false},
          {"--target", platforms, "no platform that edet knows has this release", false},
          {"DeepStream", state.deepstream, "install it, or use the bundle's compose.yaml", true},
          {"TensorRT", state.tensorrt, "install JetPack's packages", true},
          {"CUDA", state.cuda, "install JetPack's packages", false},
          {"glibc", state.glibc, "", false},
          {"power mode", state.power_mode, "no nvpmodel", false},
          {"folder", state.writable ? state.directory : "",
           state.directory + " cannot be written: give another, user@host:/folder", true},
          {"free space", free, "", false},
          {"current", state.current, "nothing is installed in the folder", false},
          {"sha256sum", Tool(state, "sha256sum"), "install coreutils", true},
          {"flock", Tool(state, "flock"), "two installs at once are not kept apart", false},
          {"tegrastats", Tool(state, "tegrastats"), "memory is not measured", false},
          {"make, g++", Tool(state, "make").empty() ? "" : Tool(state, "g++"),
           "install.sh --build cannot be used", false},
          {"docker", Tool(state, "docker"), "compose.yaml cannot be used", false}};
}

}  // namespace

Result<int> DoctorTarget(const std::string& device, const std::filesystem::path& ssh_config,
                         bool json) {
  EDET_ASSIGN_OR_RETURN(deploy::Destination destination, deploy::ParseDestination(device));
  EDET_ASSIGN_OR_RETURN(deploy::SshConnection connection,
                        deploy::SshConnection::Open(destination.host, ssh_config));
  EDET_ASSIGN_OR_RETURN(deploy::DeviceState state,
                        deploy::ProbeDevice(connection, destination.directory, "bundle"));
  int exit_code = 0;
  for (const Row& row : RowsOf(state)) {
    const bool missing = row.value.empty();
    if (missing && row.needed) exit_code = 4;
    if (json) continue;
    fmt::print("{} {:<13} {}\n",
               !missing     ? " "
               : row.needed ? "!"
                            : "-",
               row.name, missing ? "absent; " + row.missing : row.value);
  }
  if (json) {
    nlohmann::ordered_json report = deploy::ToJson(state);
    report["platforms"] = deploy::PlatformsWith(state.l4t);
    report["ready"] = exit_code == 0;
    fmt::print("{}\n",
               report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  }
  return exit_code;
}

}  // namespace edet::cli
