#pragma once

#include "base/result.h"
#include "deploy/deploy.h"
#include "deploy/device_state.h"

namespace edet::deploy {

// What --run asks for, on a device whose bundle is installed: video, power, engine, measure, power
// again, results, parity. However it ends, power mode and clocks are set back; where the connection
// is gone, the device keeps what they were. Errors: those of Deploy().
Status RunMeasured(SshConnection& device, const DeviceState& state, const Bundle& bundle,
                   const DeployOptions& options, const StepSink& tell,
                   const ProgressSink& progress);

// Tells the step "power": set back, or what is left to do. Errors: Environment (connection).
Result<PowerState> TellRestored(SshConnection& device, const std::string& directory,
                                const StepSink& tell);

}  // namespace edet::deploy
