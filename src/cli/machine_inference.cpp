#include <fmt/format.h>

#include <exception>
#include <openvino/openvino.hpp>

#include "cli/machine.h"

namespace edet::cli {
namespace {

constexpr const char* kFix = "build edet again: CMake downloads OpenVINO into build/deps";

std::vector<Check> Devices() {
  ov::Core core;
  std::vector<Check> checks;
  bool cpu = false;
  for (const std::string& device : core.get_available_devices()) {
    cpu = cpu || device == "CPU";
    checks.push_back({"run", "OpenVINO " + device, Check::State::kFound,
                      core.get_property(device, ov::device::full_name), ""});
  }
  if (!cpu)
    checks.push_back({"run", "OpenVINO CPU", Check::State::kMissing, "runs the model", kFix});
  return checks;
}

}  // namespace

std::vector<Check> InspectInference() {
  try {
    std::vector<Check> checks = {
        {"run", "OpenVINO", Check::State::kFound, ov::get_openvino_version().buildNumber, ""}};
    for (Check& device : Devices()) checks.push_back(std::move(device));
    return checks;
  } catch (const std::exception& error) {
    return {{"run", "OpenVINO", Check::State::kMissing, error.what(), kFix}};
  }
}

}  // namespace edet::cli
