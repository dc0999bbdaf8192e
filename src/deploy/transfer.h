#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "deploy/ssh.h"

namespace edet::deploy {

// Bytes on their way to `directory`/incoming/files/`hash` of a device.
struct Transfer {
  std::string directory, hash;
  std::string name;  // for messages
  std::string_view bytes;
  uint64_t sent = 0;  // that are there already, as incoming/files/HASH.part
};

// Sends what is left, slice by slice; `sent` gets the size of each. Errors: Environment (the
// connection, the device is full, what arrived differs).
Status SendBytes(SshConnection& device, const Transfer& transfer,
                 const std::function<void(uint64_t)>& sent);

// Why the device did not take something: exit codes of remote/receive*.sh.
Error NotSent(const std::string& what, const std::string& where, const ProcessResult& result);

}  // namespace edet::deploy
