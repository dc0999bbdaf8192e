#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "deploy/ssh.h"

namespace edet::deploy {

// What the user asked for, for a measured run.
struct PowerWish {
  std::string mode;         // of nvpmodel, number or name ("MAXN"); empty: left as it is
  bool clocks_max = false;  // jetson_clocks
  bool empty() const { return mode.empty() && !clocks_max; }
};

// What the device answered (remote/power.sh).
struct PowerState {
  std::string before, mode;          // names; `before` is empty for a restore
  bool clocks_max = false;           // they are at their highest now
  std::vector<std::string> refused;  // what was not done, why, and the command for it
};

// Only by 'sudo -n', which never asks for a password; a start anew that a mode needs is never
// agreed to. What there was before is kept on the device, in the bundle's folder, until
// RestorePower() has set it back. Errors: Environment (the connection, the folder).
Result<PowerState> SetPower(SshConnection& device, const std::string& directory,
                            const PowerWish& wish);
Result<PowerState> RestorePower(SshConnection& device, const std::string& directory);

}  // namespace edet::deploy
