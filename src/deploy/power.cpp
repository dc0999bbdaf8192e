#include "deploy/power.h"

#include <sstream>

#include "deploy/embedded_files.h"

namespace edet::deploy {
namespace {

constexpr unsigned kSeconds = 300;

PowerState ParsePower(const std::string& lines) {
  PowerState state;
  std::istringstream stream(lines);
  for (std::string line; std::getline(stream, line);) {
    const size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = line.substr(0, equals), value = LastLine(line.substr(equals + 1));
    if (key == "before") state.before = value;
    if (key == "mode") state.mode = value;
    if (key == "clocks") state.clocks_max = value == "max";
    if (key == "refused") state.refused.push_back(value);
  }
  return state;
}

Result<PowerState> RunPower(SshConnection& device, const std::vector<std::string>& arguments) {
  EDET_ASSIGN_OR_RETURN(ProcessResult result, device.Run(std::string(DeviceFile("remote/power.sh")),
                                                         arguments, {}, kSeconds));
  if (result.exit_code == 0) return ParsePower(result.out);
  return Error{ErrorCode::kEnvironment,
               "the power mode cannot be kept for later: " + LastLine(result.err), arguments[0],
               "can the folder be written?"};
}

}  // namespace

Result<PowerState> SetPower(SshConnection& device, const std::string& directory,
                            const PowerWish& wish) {
  return RunPower(device, {directory, "set", wish.mode, wish.clocks_max ? "max" : ""});
}

Result<PowerState> RestorePower(SshConnection& device, const std::string& directory) {
  return RunPower(device, {directory, "restore", "", ""});
}

}  // namespace edet::deploy
