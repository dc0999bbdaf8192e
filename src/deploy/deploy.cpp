#include "deploy/deploy.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "deploy/checksum.h"
#include "deploy/device_state.h"
#include "deploy/embedded_files.h"
#include "deploy/measured_run.h"
#include "deploy/step_timer.h"
#include "deploy/transfer.h"

namespace edet::deploy {
namespace {

// Files below this go together: what counts for them is the number of commands.
constexpr size_t kSmallBytes = size_t{1} << 20;
constexpr unsigned kSliceSeconds = 600;
constexpr unsigned kInstallSeconds = 600;
// Kept free beyond what is sent: the engine that the first start writes beside the model.
constexpr uint64_t kSpareBytes = uint64_t{16} << 20;

std::string Script(const char* name) { return std::string(DeviceFile(name)); }

std::string Megabytes(uint64_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

// What a device has already, by SHA-256.
struct Store {
  std::map<std::string, std::string> paths;  // hash to a path relative to the folder
  std::map<std::string, uint64_t> partial;   // hash to the bytes that came
};

Store ParseStore(const std::string& lines) {
  Store store;
  std::istringstream stream(lines);
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words(line);
    std::string first, path;
    words >> first;
    if (first == "partial") {
      uint64_t bytes = 0;
      if (words >> bytes >> path) store.partial[path] = bytes;
    } else if (words >> path && first.size() == 64) {
      store.paths.emplace(first, path);
    }
  }
  return store;
}

class Deployment {
 public:
  Deployment(const Bundle& bundle, const DeployOptions& options, const StepSink& tell)
      : bundle_(bundle), options_(options), tell_(tell) {}

  Status Connect();
  Status Look();
  Status Compare();
  Status Send(const ProgressSink& progress);
  Status Install();
  Status Run(const ProgressSink& progress) {
    return RunMeasured(*device_, state_, bundle_, options_, tell_, progress);
  }
  Status SetPowerBack();
  Status SetPowerBackIfLeft();
  Status RunScript(const char* step, const std::string& script);
  bool unchanged() const { return unchanged_; }

 private:
  struct Outgoing {
    const BundleFile* file;
    std::string hash;
    uint64_t sent = 0;  // bytes that are there already
  };
  Result<std::vector<Outgoing>> Missing();
  Status CheckSpace(uint64_t bytes) const;
  Status SendSmall(const std::vector<Outgoing>& missing, const std::function<void(uint64_t)>& sent);
  Error Failed(const char* what, const ProcessResult& result) const;

  const Bundle& bundle_;
  const DeployOptions& options_;
  const StepSink& tell_;
  std::optional<SshConnection> device_;
  DeviceState state_;
  Store store_;
  bool unchanged_ = false;
};

Error Deployment::Failed(const char* what, const ProcessResult& result) const {
  const std::string said = LastLine(result.err.empty() ? result.out : result.err);
  return {ErrorCode::kEnvironment, fmt::format("{}: {}", what, said), options_.destination.host,
          "what was current there still is"};
}

Status Deployment::Connect() {
  StepTimer step("connect", tell_);
  EDET_ASSIGN_OR_RETURN(SshConnection device,
                        SshConnection::Open(options_.destination.host, options_.ssh_config));
  device_.emplace(std::move(device));
  step.Done("done", options_.destination.host);
  return {};
}

Status Deployment::Look() {
  StepTimer step("platform", tell_);
  EDET_ASSIGN_OR_RETURN(state_,
                        ProbeDevice(*device_, options_.destination.directory, bundle_.model));
  step.facts() = ToJson(state_);
  auto known = [](const std::string& text) { return text.empty() ? "unknown" : text.c_str(); };
  step.Done("done",
            fmt::format("{}, L4T {}, DeepStream {}, TensorRT {}, CUDA {}, glibc {}{}{}; {}",
                        known(state_.arch), known(state_.l4t), known(state_.deepstream),
                        known(state_.tensorrt), known(state_.cuda), known(state_.glibc),
                        state_.free_bytes ? ", " + Megabytes(*state_.free_bytes) + " free" : "",
                        state_.power_mode.empty() ? "" : ", power mode " + state_.power_mode,
                        state_.directory));
  return {};
}

Status Deployment::Compare() {
  EDET_ASSIGN_OR_RETURN(BundleTarget target, ReadTarget(bundle_));
  const Findings findings = CompareWithTarget(state_, target);
  for (const Finding& finding : findings.all()) {
    const bool of_versions = finding.rule != "folder" && finding.rule != "tools";
    if (finding.severity == Severity::kError && !(options_.any_platform && of_versions)) {
      return Error{ErrorCode::kFindings, finding.what, options_.destination.host,
                   finding.hint + (of_versions ? "; --any-platform goes on all the same" : "")};
    }
    StepTimer step("compare", tell_);
    step.facts() = {{"rule", finding.rule}, {"hint", finding.hint}};
    step.Done("warning", finding.what + (finding.hint.empty() ? "" : ": " + finding.hint));
  }
  if (findings.empty()) StepTimer("compare", tell_).Done("done", "fits " + target.platform);
  return {};
}

Result<std::vector<Deployment::Outgoing>> Deployment::Missing() {
  EDET_ASSIGN_OR_RETURN(ProcessResult have, device_->Run(Script("remote/have.sh"),
                                                         {state_.directory}, {}, kInstallSeconds));
  store_ = ParseStore(have.out);
  std::vector<Outgoing> missing;
  std::set<std::string> listed;
  for (const BundleFile& file : bundle_.files) {
    std::string hash = Sha256(file.bytes);
    if (store_.paths.count(hash) != 0 || !listed.insert(hash).second) continue;
    auto partial = store_.partial.find(hash);
    uint64_t sent = partial == store_.partial.end() ? 0 : partial->second;
    if (sent > file.bytes.size()) sent = 0;
    missing.push_back({&file, std::move(hash), sent});
  }
  return missing;
}

Status Deployment::CheckSpace(uint64_t bytes) const {
  if (!state_.free_bytes || *state_.free_bytes >= bytes + kSpareBytes) return {};
  return Error{ErrorCode::kEnvironment,
               fmt::format("the device has {} free, the bundle needs {} and {} to spare",
                           Megabytes(*state_.free_bytes), Megabytes(bytes), Megabytes(kSpareBytes)),
               fmt::format("{}:{}", options_.destination.host, state_.directory),
               "make room, or give another folder"};
}

Status Deployment::SendSmall(const std::vector<Outgoing>& missing,
                             const std::function<void(uint64_t)>& sent) {
  std::vector<std::pair<std::string, const BundleFile*>> files;
  uint64_t bytes = 0;
  for (const Outgoing& outgoing : missing) {
    if (outgoing.file->bytes.size() >= kSmallBytes) continue;
    files.emplace_back(outgoing.hash, outgoing.file);
    bytes += outgoing.file->bytes.size() - outgoing.sent;
  }
  if (files.empty()) return {};
  EDET_ASSIGN_OR_RETURN(std::string tar, TarOf(files));
  EDET_ASSIGN_OR_RETURN(ProcessResult result, device_->Run(Script("remote/receive_pack.sh"),
                                                           {state_.directory}, tar, kSliceSeconds));
  if (result.exit_code != 0) return NotSent("the small files", options_.destination.host, result);
  sent(bytes);
  return {};
}

Status Deployment::Send(const ProgressSink& progress) {
  StepTimer step("send", tell_);
  for (const BundleFile& file : bundle_.files) {
    if (file.path == "SHA256SUMS")
      unchanged_ = state_.current_whole && state_.current_sums == Sha256(file.bytes);
  }
  if (unchanged_) {
    step.facts() = {{"files", 0}, {"bytes", 0}};
    step.Done("unchanged", "this bundle is current there, every file as it should be");
    return {};
  }
  EDET_ASSIGN_OR_RETURN(std::vector<Outgoing> missing, Missing());
  uint64_t all = 0, sent = 0;
  for (const Outgoing& outgoing : missing) all += outgoing.file->bytes.size() - outgoing.sent;
  EDET_RETURN_IF_ERROR(CheckSpace(all));
  step.facts() = {{"files", missing.size()}, {"bytes", all}};
  const std::string text =
      fmt::format("{} of {} files, {}", missing.size(), bundle_.files.size(), Megabytes(all));
  if (options_.dry_run) {
    step.Done("planned", text + " would be sent");
    return {};
  }
  const auto count = [&](uint64_t bytes) {
    sent += bytes;
    progress(sent, all);
  };
  EDET_RETURN_IF_ERROR(SendSmall(missing, count));
  for (const Outgoing& outgoing : missing) {
    const BundleFile& file = *outgoing.file;
    if (file.bytes.size() >= kSmallBytes) {
      EDET_RETURN_IF_ERROR(SendBytes(
          *device_, {state_.directory, outgoing.hash, file.path, file.bytes, outgoing.sent},
          count));
    }
    store_.paths[outgoing.hash] = "incoming/files/" + outgoing.hash;
  }
  step.Done(missing.empty() ? "unchanged" : "done", text);
  return {};
}

Status Deployment::Install() {
  StepTimer step("install", tell_);
  if (unchanged_ || options_.dry_run) {
    step.Done(unchanged_ ? "unchanged" : "planned",
              unchanged_ ? "current is " + state_.current
                         : "the parser library would test itself, then current would be switched");
    return {};
  }
  std::string list;
  for (const BundleFile& file : bundle_.files) {
    const std::string hash = Sha256(file.bytes);
    list += fmt::format("{} {} {} {}\n", hash, file.executable ? "755" : "644",
                        store_.paths.at(hash), file.path);
  }
  EDET_ASSIGN_OR_RETURN(
      ProcessResult result,
      device_->Run(Script("remote/assemble.sh"), {state_.directory}, list, kInstallSeconds));
  if (result.exit_code != 0) return Failed("cannot install", result);
  EDET_ASSIGN_OR_RETURN(state_,
                        ProbeDevice(*device_, options_.destination.directory, bundle_.model));
  step.facts() = {{"current", state_.current}, {"previous", state_.previous}};
  step.Done("done",
            fmt::format("the parser library passed its test; current is {}{}", state_.current,
                        state_.previous.empty() ? "" : ", before it " + state_.previous));
  return {};
}

// A script with the folder as its argument, which answers in its last line.
Status Deployment::RunScript(const char* step_name, const std::string& script) {
  StepTimer step(step_name, tell_);
  if (options_.dry_run) {
    step.Done("planned", state_.current.empty() ? "nothing is installed in " + state_.directory
                                                : "current is " + state_.current);
    return {};
  }
  EDET_ASSIGN_OR_RETURN(ProcessResult result,
                        device_->Run(script, {state_.directory}, {}, kInstallSeconds));
  if (result.exit_code != 0) return Failed(step_name, result);
  step.Done("done", LastLine(result.out));
  return {};
}

Status Deployment::SetPowerBack() {
  if (!state_.power_to_restore || options_.dry_run) {
    StepTimer("power", tell_)
        .Done(state_.power_to_restore ? "planned" : "unchanged",
              state_.power_to_restore ? "power mode and clocks would be set back"
                                      : "there is nothing to set back");
    return {};
  }
  EDET_ASSIGN_OR_RETURN(PowerState power, TellRestored(*device_, state_.directory, tell_));
  if (power.refused.empty()) return {};
  return Error{ErrorCode::kFindings, "the power mode is not set back", options_.destination.host,
               power.refused[0]};
}

// Of an earlier measured run that lost its connection. What the device refuses was told.
Status Deployment::SetPowerBackIfLeft() {
  if (!state_.power_to_restore || options_.dry_run) return {};
  EDET_ASSIGN_OR_RETURN(PowerState power, TellRestored(*device_, state_.directory, tell_));
  state_.power_mode = power.mode;
  state_.power_to_restore = !power.refused.empty();
  return {};
}

Status Begin(Deployment& deployment) {
  EDET_RETURN_IF_ERROR(deployment.Connect());
  return deployment.Look();
}

}  // namespace

Status Deploy(const Bundle& bundle, const DeployOptions& options, const StepSink& tell,
              const ProgressSink& progress) {
  Deployment deployment(bundle, options, tell);
  EDET_RETURN_IF_ERROR(Begin(deployment));
  EDET_RETURN_IF_ERROR(deployment.SetPowerBackIfLeft());
  EDET_RETURN_IF_ERROR(deployment.Compare());
  EDET_RETURN_IF_ERROR(deployment.Send(progress));
  EDET_RETURN_IF_ERROR(deployment.Install());
  return options.run ? deployment.Run(progress) : Status();
}

Status RollBack(const Bundle& bundle, const DeployOptions& options, const StepSink& tell) {
  Deployment deployment(bundle, options, tell);
  EDET_RETURN_IF_ERROR(Begin(deployment));
  return deployment.RunScript(
      "rollback",
      "[ -e \"$1/current/install.sh\" ] || { echo \"nothing is installed in "
      "$1\" >&2; exit 4; }; exec sh \"$1/current/install.sh\" --rollback \"$1\"");
}

Status SetPowerBack(const Bundle& bundle, const DeployOptions& options, const StepSink& tell) {
  Deployment deployment(bundle, options, tell);
  EDET_RETURN_IF_ERROR(Begin(deployment));
  return deployment.SetPowerBack();
}

Status Uninstall(const Bundle& bundle, const DeployOptions& options, const StepSink& tell) {
  Deployment deployment(bundle, options, tell);
  EDET_RETURN_IF_ERROR(Begin(deployment));
  EDET_RETURN_IF_ERROR(deployment.SetPowerBackIfLeft());
  // Our own copy: an install that never came to its end has none.
  return deployment.RunScript("uninstall", Script("device/uninstall.sh"));
}

}  // namespace edet::deploy
