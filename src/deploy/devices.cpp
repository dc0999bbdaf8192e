#include "deploy/devices.h"

#include <nlohmann/json.hpp>

#include "deploy/embedded_files.h"

namespace edet::deploy {

// The text is a part of this program, checked by a test: what is wrong in it may throw.
DeviceFacts DeviceFactsOf(const std::string& platform) {
  static const auto root = nlohmann::json::parse(DeviceFile("devices.json"));
  for (const auto& device : root.at("devices")) {
    if (device.at("platform") != platform) continue;
    return {device.at("l4t").get<std::vector<std::string>>(),
            device.value("container", std::string())};
  }
  return {};
}

}  // namespace edet::deploy
