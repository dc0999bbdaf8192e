#include "deploy/deploy.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "deploy/checksum.h"
#include "deploy/device_state.h"
#include "deploy/embedded_files.h"
#include "deploy/results.h"

namespace edet::deploy {
namespace {

// Sent at once: small enough for a progress line and for a slow radio link, large enough that the
// round trips do not count.
constexpr size_t kSliceBytes = size_t{4} << 20;
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

// Measures a step and tells it.
class StepTimer {
 public:
  StepTimer(std::string name, const StepSink& tell) : tell_(tell) { step_.name = std::move(name); }
  nlohmann::ordered_json& facts() { return step_.facts; }
  void Done(std::string state, std::string text) {
    step_.state = std::move(state);
    step_.text = std::move(text);
    step_.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    tell_(step_);
  }

 private:
  const StepSink& tell_;
  Step step_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

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

// What remote/run.sh told of one start of deepstream-app.
struct RunFacts {
  std::string last_line;                      // of deepstream-app
  std::map<std::string, std::string> values;  // "fps", "engine_after", ...
  std::string Value(const char* key) const {
    auto found = values.find(key);
    return found == values.end() ? "" : found->second;
  }
  bool built() const { return Value("engine_before") != Value("engine_after"); }
};

RunFacts ParseRun(const std::string& text) {
  RunFacts facts;
  bool values = false;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    const size_t equals = line.find('=');
    if (line == "facts")
      values = true;
    else if (!values && !line.empty())
      facts.last_line = LastLine(line);
    else if (equals != std::string::npos)
      facts.values[line.substr(0, equals)] = LastLine(line.substr(equals + 1));
  }
  return facts;
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
  Status Run();
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
  Error NotSent(const std::string& what, const ProcessResult& result) const;
  Status SendFile(const Outgoing& outgoing, const std::function<void(uint64_t)>& sent);
  Result<RunFacts> Start();
  Status FetchResults();
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

Error Deployment::NotSent(const std::string& what, const ProcessResult& result) const {
  const std::string why = result.exit_code == 6   ? "another edet sends to this device"
                          : result.exit_code == 7 ? "it arrived damaged: run the command again"
                                                  : LastLine(result.err);
  return {ErrorCode::kEnvironment, fmt::format("cannot send {}: {}", what, why),
          options_.destination.host, "what was current there still is"};
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
  if (result.exit_code != 0) return NotSent("the small files", result);
  sent(bytes);
  return {};
}

Status Deployment::SendFile(const Outgoing& outgoing, const std::function<void(uint64_t)>& sent) {
  const std::string_view bytes = outgoing.file->bytes;
  uint64_t at = outgoing.sent;
  do {
    const std::string_view slice = bytes.substr(at, kSliceBytes);
    const bool last = at + slice.size() == bytes.size();
    EDET_ASSIGN_OR_RETURN(
        ProcessResult result,
        device_->Run(Script("remote/receive.sh"),
                     {state_.directory, outgoing.hash, std::to_string(at), last ? "last" : "more"},
                     slice, kSliceSeconds));
    if (result.exit_code != 0) return NotSent(outgoing.file->path, result);
    at += slice.size();
    sent(slice.size());
  } while (at < bytes.size());
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
    if (outgoing.file->bytes.size() >= kSmallBytes) EDET_RETURN_IF_ERROR(SendFile(outgoing, count));
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

// One start of deepstream-app, to its end.
Result<RunFacts> Deployment::Start() {
  EDET_ASSIGN_OR_RETURN(ProcessResult result,
                        device_->Run(Script("remote/run.sh"),
                                     {state_.directory, bundle_.engine, options_.input_uri,
                                      std::to_string(options_.run_seconds)},
                                     {}, options_.run_seconds + kInstallSeconds));
  if (result.exit_code != 0) return Failed("cannot run", result);
  RunFacts facts = ParseRun(result.out);
  if (facts.Value("exit_code") == "0") return facts;
  return Error{ErrorCode::kEnvironment,
               fmt::format("deepstream-app ends with exit code {}: {}", facts.Value("exit_code"),
                           facts.last_line),
               fmt::format("{}:{}/current/run/deepstream-app.log", options_.destination.host,
                           state_.directory),
               "docs/troubleshooting.md has its messages; --rollback goes back"};
}

// log and detections, as a folder of plain files.
Status Deployment::FetchResults() {
  if (options_.results.empty()) return {};
  StepTimer step("results", tell_);
  EDET_ASSIGN_OR_RETURN(ProcessResult result,
                        device_->Run("cd \"$1/current\" && exec tar -cf - run kitti",
                                     {state_.directory}, {}, kInstallSeconds));
  if (result.exit_code != 0) return Failed("cannot copy the results", result);
  EDET_ASSIGN_OR_RETURN(size_t files, UnpackResults(result.out, options_.results));
  step.facts() = {{"folder", options_.results.string()}, {"files", files}};
  step.Done("done", fmt::format("{} files in {}", files, options_.results.string()));
  return {};
}

Status Deployment::Run() {
  if (options_.dry_run || state_.deepstream.empty()) {
    StepTimer("engine", tell_)
        .Done("planned", options_.dry_run ? "deepstream-app would build the engine"
                                          : "there is no deepstream-app to build it");
    return {};
  }
  StepTimer engine("engine", tell_);
  EDET_ASSIGN_OR_RETURN(RunFacts run, Start());
  if (run.Value("engine_after") == "none") {
    return Error{ErrorCode::kFindings, "deepstream-app ran, but there is no " + bundle_.engine,
                 options_.destination.host, "every start would build an engine: read its log"};
  }
  const bool built = run.built();
  engine.facts() = {
      {"engine", bundle_.engine}, {"built", built}, {"seconds", run.Value("seconds")}};
  engine.Done(built ? "done" : "unchanged",
              fmt::format("{} {} in {} s", bundle_.engine, built ? "built" : "was there: loaded",
                          run.Value("seconds")));
  StepTimer measure("measure", tell_);
  if (built) {
    EDET_ASSIGN_OR_RETURN(run, Start());
    if (run.built() || run.Value("loaded") != "yes") {
      return Error{ErrorCode::kFindings, "the second start builds the engine again",
                   options_.destination.host,
                   "the folder must be writable, and batch size, GPU and precision those of the "
                   "engine's name"};
    }
  }
  for (const char* key : {"fps", "frames", "objects", "memory_mib", "loaded"})
    measure.facts()[key] = run.Value(key);
  measure.Done("done",
               fmt::format("{} fps over {} frames, {} objects{}; the engine was loaded, not built",
                           run.Value("fps"), run.Value("frames"), run.Value("objects"),
                           run.Value("memory_mib").empty()
                               ? ""
                               : ", " + run.Value("memory_mib") + " MiB of memory in use"));
  return FetchResults();
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

Status Begin(Deployment& deployment) {
  EDET_RETURN_IF_ERROR(deployment.Connect());
  return deployment.Look();
}

}  // namespace

Status Deploy(const Bundle& bundle, const DeployOptions& options, const StepSink& tell,
              const ProgressSink& progress) {
  Deployment deployment(bundle, options, tell);
  EDET_RETURN_IF_ERROR(Begin(deployment));
  EDET_RETURN_IF_ERROR(deployment.Compare());
  EDET_RETURN_IF_ERROR(deployment.Send(progress));
  EDET_RETURN_IF_ERROR(deployment.Install());
  return options.run ? deployment.Run() : Status();
}

Status RollBack(const Bundle& bundle, const DeployOptions& options, const StepSink& tell) {
  Deployment deployment(bundle, options, tell);
  EDET_RETURN_IF_ERROR(Begin(deployment));
  return deployment.RunScript(
      "rollback",
      "[ -e \"$1/current/install.sh\" ] || { echo \"nothing is installed in "
      "$1\" >&2; exit 4; }; exec sh \"$1/current/install.sh\" --rollback \"$1\"");
}

Status Uninstall(const Bundle& bundle, const DeployOptions& options, const StepSink& tell) {
  Deployment deployment(bundle, options, tell);
  EDET_RETURN_IF_ERROR(Begin(deployment));
  // Our own copy: an install that never came to its end has none.
  return deployment.RunScript("uninstall", Script("device/uninstall.sh"));
}

}  // namespace edet::deploy
