#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "deploy/process.h"

namespace edet::deploy {

// Where a bundle goes: "user@host", or a name of ssh's own configuration, and a folder there.
struct Destination {
  std::string host;
  std::string directory;  // empty: ~/edet/MODEL
};

// "user@host[:dir]"; "user@[ADDRESS]:dir" for an address of IPv6; "~/dir" is the user's own.
// Errors: InvalidArgument.
Result<Destination> ParseDestination(const std::string& text);

// One connection to a device through the system's ssh, with the user's keys and known_hosts: no
// password is ever asked for, and a host whose key is unknown or has changed is refused. Every
// command goes through the same connection. One thread at a time.
class SshConnection {
 public:
  // `config`: a file instead of ~/.ssh/config; may be empty. Errors: Environment, with ssh's own
  // reason and what to do.
  static Result<SshConnection> Open(const std::string& host, const std::filesystem::path& config);
  SshConnection(SshConnection&&) noexcept;
  SshConnection& operator=(SshConnection&&) noexcept;
  ~SshConnection();

  // Runs a script for the device's sh with arguments $1, $2, ...; `input` is its standard input.
  // Any exit code of the script is a result. Errors: Environment (the connection broke off, no
  // answer in time).
  Result<ProcessResult> Run(const std::string& script, const std::vector<std::string>& arguments,
                            std::string_view input = {}, unsigned timeout_seconds = 120);

 private:
  struct Impl;
  explicit SshConnection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace edet::deploy
