#include "deploy/device_state.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "deploy/devices.h"
#include "deploy/embedded_files.h"

namespace edet::deploy {
namespace {

std::vector<unsigned> Numbers(const std::string& version) {
  std::vector<unsigned> numbers;
  std::istringstream stream(version);
  for (unsigned number = 0; stream >> number; stream.ignore()) numbers.push_back(number);
  return numbers;
}

// The first `parts` numbers of both are the same.
bool SameVersion(const std::string& a, const std::string& b, size_t parts) {
  std::vector<unsigned> left = Numbers(a), right = Numbers(b);
  left.resize(parts);
  right.resize(parts);
  return left == right;
}

bool BeginsWithRelease(const std::string& l4t, const std::vector<std::string>& releases) {
  for (const std::string& release : releases) {
    if (l4t == release || l4t.rfind(release + ".", 0) == 0) return true;
  }
  return false;
}

struct Report {
  Findings& findings;
  void Refuse(const char* rule, std::string what, std::string hint) {
    findings.Add({Severity::kError, rule, std::move(what), "", std::move(hint)});
  }
  void Warn(const char* rule, std::string what, std::string hint) {
    findings.Warn(rule, std::move(what), "", std::move(hint));
  }
};

void CompareSystem(const DeviceState& device, const BundleTarget& target, Report report) {
  if (device.arch != target.arch) {
    report.Refuse("architecture",
                  fmt::format("the device is {}, the bundle is for {}", device.arch, target.arch),
                  "make a bundle for the device's platform");
  }
  if (target.l4t.empty()) return;
  if (device.l4t.empty()) {
    report.Refuse("l4t", "the device has no /etc/nv_tegra_release: it is no Jetson",
                  "make a bundle for its platform (edet bundle --target help)");
  } else if (!BeginsWithRelease(device.l4t, target.l4t)) {
    const std::string names = fmt::format("{}", fmt::join(PlatformsWith(device.l4t), " or "));
    report.Refuse("l4t",
                  fmt::format("the device runs L4T {}, {} is L4T {}", device.l4t, target.platform,
                              fmt::join(target.l4t, ", ")),
                  names.empty() ? "no platform that edet knows has this release"
                                : "convert and bundle with --target " + names);
  }
  if (!device.glibc.empty() && Numbers(device.glibc) < Numbers(target.glibc)) {
    report.Refuse("glibc",
                  fmt::format("the device has glibc {}, {} has {}", device.glibc, target.platform,
                              target.glibc),
                  "make a bundle for the device's platform");
  }
}

void CompareDeepStream(const DeviceState& device, const BundleTarget& target, Report report) {
  if (device.deepstream.empty()) {
    report.Warn("deepstream", "deepstream-app is not installed on the device",
                "install DeepStream " + target.deepstream +
                    ", or use compose.yaml with NVIDIA's container");
  } else if (!SameVersion(device.deepstream, target.deepstream, 1)) {
    report.Refuse("deepstream",
                  fmt::format("the device has DeepStream {}, the configs are for {}",
                              device.deepstream, target.deepstream),
                  "make a bundle for the device's platform");
  } else if (!SameVersion(device.deepstream, target.deepstream, 2)) {
    report.Warn("deepstream",
                fmt::format("the device has DeepStream {}, the configs are for {}",
                            device.deepstream, target.deepstream),
                "keys that it does not know are ignored there, with a warning");
  }
  if (device.tensorrt.empty()) {
    report.Warn("tensorrt", "the device has no package of TensorRT", "");
  } else if (!SameVersion(device.tensorrt, target.tensorrt, 1)) {
    report.Refuse("tensorrt",
                  fmt::format("the device has TensorRT {}, the model was made for {}",
                              device.tensorrt, target.tensorrt),
                  "convert and bundle for the device's platform");
  } else if (!SameVersion(device.tensorrt, target.tensorrt, 2)) {
    report.Warn("tensorrt",
                fmt::format("the device has TensorRT {}, the model was made for {}",
                            device.tensorrt, target.tensorrt),
                "");
  }
}

}  // namespace

std::vector<std::string> PlatformsWith(const std::string& l4t) {
  std::vector<std::string> names;
  for (const deepstream::Platform& platform : deepstream::Platforms()) {
    if (BeginsWithRelease(l4t, DeviceFactsOf(platform.name).l4t)) names.push_back(platform.name);
  }
  return names;
}

DeviceState ParseProbe(const std::string& lines) {
  DeviceState device;
  const std::map<std::string, std::string*> texts = {{"directory", &device.directory},
                                                     {"arch", &device.arch},
                                                     {"l4t", &device.l4t},
                                                     {"deepstream", &device.deepstream},
                                                     {"tensorrt", &device.tensorrt},
                                                     {"cuda", &device.cuda},
                                                     {"glibc", &device.glibc},
                                                     {"power_mode", &device.power_mode},
                                                     {"trtexec", &device.trtexec},
                                                     {"current", &device.current},
                                                     {"previous", &device.previous},
                                                     {"current_sums", &device.current_sums}};
  const std::map<std::string, bool*> flags = {{"writable", &device.writable},
                                              {"current_whole", &device.current_whole},
                                              {"power_to_restore", &device.power_to_restore}};
  std::istringstream stream(lines);
  for (std::string line; std::getline(stream, line);) {
    const size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = line.substr(0, equals), value = LastLine(line.substr(equals + 1));
    if (auto text = texts.find(key); text != texts.end()) *text->second = value;
    if (auto flag = flags.find(key); flag != flags.end()) *flag->second = value == "yes";
    if (key.rfind("has_", 0) == 0) device.tools.insert(key.substr(4));
    uint64_t kib = 0;
    if (key == "free_kib" && std::istringstream(value) >> kib) device.free_bytes = kib * 1024;
  }
  return device;
}

Result<DeviceState> ProbeDevice(SshConnection& device, const std::string& directory,
                                const std::string& model) {
  EDET_ASSIGN_OR_RETURN(ProcessResult probe,
                        device.Run(std::string(DeviceFile("remote/probe.sh")), {directory, model}));
  DeviceState state = ParseProbe(probe.out);
  if (probe.exit_code == 0 && !state.directory.empty()) return state;
  return Error{ErrorCode::kEnvironment, "the device's shell does not answer as expected",
               "exit code " + std::to_string(probe.exit_code), "is 'sh' its own shell?"};
}

Findings CompareWithTarget(const DeviceState& device, const BundleTarget& target) {
  Findings findings;
  const Report report{findings};
  CompareSystem(device, target, report);
  CompareDeepStream(device, target, report);
  if (!device.writable) {
    findings.Add({Severity::kError, "folder",
                  "the folder " + device.directory + " cannot be written", "",
                  "give another: user@host:/folder"});
  }
  if (device.tools.count("sha256sum") == 0)
    findings.Add({Severity::kError, "tools", "the device has no sha256sum", "", ""});
  return findings;
}

nlohmann::ordered_json ToJson(const DeviceState& device) {
  nlohmann::ordered_json json = {{"directory", device.directory},
                                 {"arch", device.arch},
                                 {"l4t", device.l4t},
                                 {"deepstream", device.deepstream},
                                 {"tensorrt", device.tensorrt},
                                 {"cuda", device.cuda},
                                 {"glibc", device.glibc},
                                 {"power_mode", device.power_mode},
                                 {"trtexec", device.trtexec},
                                 {"current", device.current},
                                 {"previous", device.previous}};
  json["power_to_restore"] = device.power_to_restore;
  json["tools"] = device.tools;
  json["free_bytes"] = nullptr;
  if (device.free_bytes) json["free_bytes"] = *device.free_bytes;
  return json;
}

}  // namespace edet::deploy
