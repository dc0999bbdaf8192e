#include "deploy/transfer.h"

#include <fmt/format.h>

#include "deploy/embedded_files.h"

namespace edet::deploy {
namespace {

// Sent at once: small enough for a progress line and for a slow radio link, large enough that the
// round trips do not count.
constexpr size_t kSliceBytes = size_t{4} << 20;
constexpr unsigned kSliceSeconds = 600;

}  // namespace

Error NotSent(const std::string& what, const std::string& where, const ProcessResult& result) {
  const std::string why = result.exit_code == 6   ? "another edet sends to this device"
                          : result.exit_code == 7 ? "it arrived damaged: run the command again"
                                                  : LastLine(result.err);
  return {ErrorCode::kEnvironment, fmt::format("cannot send {}: {}", what, why), where,
          "what was current there still is"};
}

Status SendBytes(SshConnection& device, const Transfer& transfer,
                 const std::function<void(uint64_t)>& sent) {
  uint64_t at = transfer.sent;
  do {
    const std::string_view slice = transfer.bytes.substr(at, kSliceBytes);
    const bool last = at + slice.size() == transfer.bytes.size();
    EDET_ASSIGN_OR_RETURN(
        ProcessResult result,
        device.Run(std::string(DeviceFile("remote/receive.sh")),
                   {transfer.directory, transfer.hash, std::to_string(at),
                    std::to_string(transfer.bytes.size()), last ? "last" : "more"},
                   slice, kSliceSeconds));
    if (result.exit_code != 0) return NotSent(transfer.name, transfer.directory, result);
    at += slice.size();
    sent(slice.size());
  } while (at < transfer.bytes.size());
  return {};
}

}  // namespace edet::deploy
