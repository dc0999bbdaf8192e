#pragma once

#include <string>
#include <vector>

namespace edet::deploy {

// What is known about the devices of a platform, for checks on the device itself. Empty where the
// table has no row (x86) or no value.
struct DeviceFacts {
  std::vector<std::string> l4t;  // beginnings of the release: "35.4"
  std::string container;         // NVIDIA's image with DeepStream
};

DeviceFacts DeviceFactsOf(const std::string& platform);

}  // namespace edet::deploy
