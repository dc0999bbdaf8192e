#include "deploy/measured_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gio/gio.h>

#include <map>
#include <sstream>

#include "base/file.h"
#include "deploy/checksum.h"
#include "deploy/embedded_files.h"
#include "deploy/engine.h"
#include "deploy/measurement.h"
#include "deploy/results.h"
#include "deploy/step_timer.h"
#include "deploy/transfer.h"

namespace edet::deploy {
namespace fs = std::filesystem;
namespace {

constexpr unsigned kCopySeconds = 600;
constexpr uint64_t kMostVideoBytes = uint64_t{4} << 30;

std::string Script(const char* name) { return std::string(DeviceFile(name)); }

// What remote/run.sh told of one start of deepstream-app.
struct RunFacts {
  std::string last_line;                      // of deepstream-app
  std::map<std::string, std::string> values;  // "engine_after", ...
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

std::string FileUri(const std::string& path) {
  char* uri = g_filename_to_uri(path.c_str(), nullptr, nullptr);
  std::string text = uri != nullptr ? uri : "";
  g_free(uri);
  return text;
}

// The ending, if it is a plain one: decoders look at it.
std::string Ending(const fs::path& video) {
  const std::string ending = video.extension().string();
  const bool plain = ending.size() > 1 && ending.size() < 6 &&
                     ending.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789",
                         1) == std::string::npos;
  return plain ? ending : "";
}

class MeasuredRun {
 public:
  MeasuredRun(SshConnection& device, const DeviceState& state, const Bundle& bundle,
              const DeployOptions& options, const StepSink& tell)
      : device_(device),
        state_(state),
        bundle_(bundle),
        options_(options),
        tell_(tell),
        input_uri_(options.input_uri) {}

  Status SendVideo(const ProgressSink& progress);
  Status SetPower();
  Status BuildAndMeasure();
  Status Report();

 private:
  bool UsesTrtexec() const {
    return options_.engine_with == EngineBuilder::kTrtexec ||
           (options_.engine_with == EngineBuilder::kAny && state_.deepstream.empty());
  }
  Status Build();
  Status BuildWithTrtexec(StepTimer& step);
  Status ProveWithTrtexec();
  Status Measure();
  Result<RunFacts> Start();
  Result<std::map<std::string, std::string>> Fetch();
  Status Compare(const Measurement& measurement, nlohmann::ordered_json& report);
  Status Write(std::map<std::string, std::string> files, const nlohmann::ordered_json& report);
  std::string Place(const std::string& path) const {
    return fmt::format("{}:{}/{}", options_.destination.host, state_.directory, path);
  }

  SshConnection& device_;
  const DeviceState& state_;
  const Bundle& bundle_;
  const DeployOptions& options_;
  const StepSink& tell_;
  std::string input_uri_;
  PowerState power_;
  nlohmann::ordered_json engine_facts_;
  RunFacts last_run_;
  bool started_ = false;  // deepstream-app has run to its end, and its engine was there
};

// A video of this machine, under its hash; once there it stays for the next run.
Status MeasuredRun::SendVideo(const ProgressSink& progress) {
  if (options_.video.empty()) return {};
  StepTimer step("video", tell_);
  EDET_ASSIGN_OR_RETURN(std::string bytes, ReadFile(options_.video, kMostVideoBytes));
  const std::string hash = Sha256(bytes), name = hash + Ending(options_.video);
  input_uri_ = FileUri(state_.directory + "/inputs/" + name);
  step.facts() = {{"file", options_.video.string()}, {"bytes", bytes.size()}, {"uri", input_uri_}};
  EDET_ASSIGN_OR_RETURN(ProcessResult there,
                        device_.Run(Script("remote/take_input.sh"), {state_.directory, "", name}));
  if (LastLine(there.out) == "there") {
    step.Done("unchanged", options_.video.string() + " is there");
    return {};
  }
  uint64_t sent = 0;
  const auto count = [&](uint64_t more) { progress(sent += more, bytes.size()); };
  EDET_RETURN_IF_ERROR(
      SendBytes(device_, {state_.directory, hash, options_.video.string(), bytes, 0}, count));
  EDET_ASSIGN_OR_RETURN(ProcessResult taken, device_.Run(Script("remote/take_input.sh"),
                                                         {state_.directory, hash, name}));
  if (taken.exit_code != 0)
    return NotSent(options_.video.string(), options_.destination.host, taken);
  step.Done("done", fmt::format("{}, {:.1f} MB", options_.video.string(),
                                static_cast<double>(bytes.size()) / 1e6));
  return {};
}

Status MeasuredRun::SetPower() {
  if (options_.power.empty()) return {};
  StepTimer step("power", tell_);
  EDET_ASSIGN_OR_RETURN(power_, deploy::SetPower(device_, state_.directory, options_.power));
  step.facts() = {{"before", power_.before},
                  {"mode", power_.mode},
                  {"clocks", power_.clocks_max ? "max" : ""},
                  {"refused", power_.refused}};
  const std::string is = fmt::format(
      "mode {}{}{}", power_.mode, power_.before == power_.mode ? "" : ", before " + power_.before,
      power_.clocks_max ? ", highest clocks" : "");
  if (power_.refused.empty())
    step.Done("done", is + ", until the run is over");
  else
    step.Done("warning", fmt::format("{}; {}", is, fmt::join(power_.refused, "; ")));
  return {};
}

// One start of deepstream-app, to its end.
Result<RunFacts> MeasuredRun::Start() {
  EDET_ASSIGN_OR_RETURN(ProcessResult result,
                        device_.Run(Script("remote/run.sh"),
                                    {state_.directory, bundle_.engine, input_uri_,
                                     std::to_string(options_.run_seconds)},
                                    {}, options_.run_seconds + kCopySeconds));
  if (result.exit_code != 0) {
    return Error{ErrorCode::kEnvironment, "cannot run: " + LastLine(result.err),
                 options_.destination.host, "what was current there still is"};
  }
  RunFacts facts = ParseRun(result.out);
  if (facts.Value("exit_code") == "0") return facts;
  return Error{ErrorCode::kEnvironment,
               fmt::format("deepstream-app ends with exit code {}: {}", facts.Value("exit_code"),
                           facts.last_line),
               Place("current/run/deepstream-app.log"),
               "docs/troubleshooting.md has its messages; --rollback goes back"};
}

Status MeasuredRun::BuildWithTrtexec(StepTimer& step) {
  if (state_.trtexec.empty()) {
    return Error{ErrorCode::kEnvironment, "the device has no trtexec", options_.destination.host,
                 "install the package libnvinfer-bin, or build with --engine-with deepstream-app"};
  }
  EDET_ASSIGN_OR_RETURN(bool built,
                        deploy::BuildWithTrtexec(device_, state_.directory, state_.trtexec, bundle_,
                                                 options_.run_seconds + kCopySeconds));
  engine_facts_ = {{"engine", bundle_.engine}, {"built", built}, {"with", "trtexec"}};
  step.facts() = engine_facts_;
  step.Done(built ? "done" : "unchanged",
            bundle_.engine + (built ? " built with trtexec" : " was there"));
  return {};
}

Status MeasuredRun::Build() {
  StepTimer step("engine", tell_);
  if (UsesTrtexec()) return BuildWithTrtexec(step);
  EDET_ASSIGN_OR_RETURN(last_run_, Start());
  if (last_run_.Value("engine_after") == "none") {
    return Error{ErrorCode::kFindings, "deepstream-app ran, but there is no " + bundle_.engine,
                 options_.destination.host, "every start would build an engine: read its log"};
  }
  const bool built = last_run_.built();
  started_ = !built;
  engine_facts_ = {{"engine", bundle_.engine},
                   {"built", built},
                   {"with", "deepstream-app"},
                   {"seconds", last_run_.Value("seconds")}};
  step.facts() = engine_facts_;
  step.Done(built ? "done" : "unchanged",
            fmt::format("{} {} in {} s", bundle_.engine, built ? "built" : "was there: loaded",
                        last_run_.Value("seconds")));
  return {};
}

// Without deepstream-app nobody can run the pipeline; that TensorRT takes the engine is what can be
// known.
Status MeasuredRun::ProveWithTrtexec() {
  StepTimer step("measure", tell_);
  EDET_RETURN_IF_ERROR(
      LoadWithTrtexec(device_, state_.directory, state_.trtexec, bundle_, options_.run_seconds));
  step.facts() = {{"loaded", "yes"}, {"with", "trtexec"}};
  step.Done("warning", "trtexec loads the engine; there is no deepstream-app to measure with");
  return {};
}

Status MeasuredRun::Measure() {
  if (state_.deepstream.empty()) return ProveWithTrtexec();
  if (!started_) {
    EDET_ASSIGN_OR_RETURN(last_run_, Start());
    if (last_run_.built() || last_run_.Value("loaded") != "yes") {
      return Error{ErrorCode::kFindings, "the second start builds the engine again",
                   options_.destination.host,
                   "the folder must be writable, and batch size, GPU and precision those of the "
                   "engine's name"};
    }
    started_ = true;
  }
  return {};
}

Status MeasuredRun::BuildAndMeasure() {
  EDET_RETURN_IF_ERROR(Build());
  return Measure();
}

// Logs and detections.
Result<std::map<std::string, std::string>> MeasuredRun::Fetch() {
  EDET_ASSIGN_OR_RETURN(ProcessResult result,
                        device_.Run("cd \"$1/current\" && exec tar -cf - run kitti",
                                    {state_.directory}, {}, kCopySeconds));
  if (result.exit_code == 0) return ReadResults(result.out);
  return Error{ErrorCode::kEnvironment, "cannot copy the results: " + LastLine(result.err),
               options_.destination.host, ""};
}

Status MeasuredRun::Compare(const Measurement& measurement, nlohmann::ordered_json& report) {
  if (!options_.reference) return {};
  StepTimer step("parity", tell_);
  const Parity parity = CompareKitti(*options_.reference, measurement.detections, options_.min_iou);
  step.facts() = ToJson(parity);
  step.facts()["min_iou"] = options_.min_iou;
  step.facts()["min_agreement"] = options_.min_agreement;
  report["parity"] = step.facts();
  step.table() = Table(parity);
  const std::string text =
      fmt::format("{:.1f}% agree with 'edet run' here ({} of {} boxes matched)",
                  100 * parity.Agreement(), parity.matched, parity.reference_objects);
  if (parity.reference_objects + parity.device_objects == 0) {
    step.Done("warning", "no box here and none there: nothing is proven, take another video");
    return {};
  }
  const bool enough = parity.Agreement() >= options_.min_agreement;
  step.Done(enough ? "done" : "failed", text);
  if (enough) return {};
  return Error{
      ErrorCode::kFindings,
      fmt::format("the device's detections are not those of this machine: {:.1f}% agree, "
                  "{} missing, {} extra, {} with another class",
                  100 * parity.Agreement(), parity.missing, parity.extra, parity.other_class),
      parity.worst_frame.empty() ? options_.destination.host : "worst: " + parity.worst_frame,
      fmt::format("{:.1f}% were asked for (--min-agreement)", 100 * options_.min_agreement)};
}

Status MeasuredRun::Write(std::map<std::string, std::string> files,
                          const nlohmann::ordered_json& report) {
  if (options_.results.empty()) return {};
  StepTimer step("results", tell_);
  files["result.json"] =
      report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  EDET_RETURN_IF_ERROR(WriteResults(files, options_.results));
  step.facts() = {{"folder", options_.results.string()}, {"files", files.size()}};
  step.Done("done", fmt::format("{} files in {}", files.size(), options_.results.string()));
  return {};
}

// What came back is read, told, compared and written; a difference is the error after all of it.
Status MeasuredRun::Report() {
  if (!started_) return {};
  StepTimer step("measure", tell_);
  EDET_ASSIGN_OR_RETURN(auto files, Fetch());
  EDET_ASSIGN_OR_RETURN(Measurement measurement, ReadMeasurement(files));
  nlohmann::ordered_json facts = ToJson(measurement);
  facts["loaded"] = last_run_.Value("loaded");
  step.facts() = facts;
  step.table() = Table(measurement);
  step.Done("done",
            fmt::format("{:.2f} fps over {} frames, {} objects{}; the engine was loaded, not built",
                        measurement.average_fps, measurement.detections.size(), measurement.objects,
                        measurement.memory_mib.count == 0
                            ? ""
                            : fmt::format(", {:.0f} MiB of memory in use at the most",
                                          measurement.memory_mib.max)));
  nlohmann::ordered_json report = {{"bundle", bundle_.name},
                                   {"device", options_.destination.host},
                                   {"platform", ToJson(state_)},
                                   {"input", input_uri_},
                                   {"power",
                                    {{"before", power_.before},
                                     {"mode", power_.mode},
                                     {"clocks", power_.clocks_max ? "max" : ""},
                                     {"refused", power_.refused}}},
                                   {"engine", engine_facts_},
                                   {"measure", facts},
                                   {"parity", nullptr}};
  Status compared = Compare(measurement, report);
  EDET_RETURN_IF_ERROR(Write(std::move(files), report));
  return compared;
}

}  // namespace

Result<PowerState> TellRestored(SshConnection& device, const std::string& directory,
                                const StepSink& tell) {
  StepTimer step("power", tell);
  EDET_ASSIGN_OR_RETURN(PowerState state, RestorePower(device, directory));
  step.facts() = {
      {"mode", state.mode}, {"refused", state.refused}, {"restored", state.refused.empty()}};
  if (state.refused.empty()) {
    step.Done("done", "set back: mode " + state.mode);
  } else {
    step.Done("warning", fmt::format("not set back: {}", fmt::join(state.refused, "; ")));
  }
  return state;
}

Status RunMeasured(SshConnection& device, const DeviceState& state, const Bundle& bundle,
                   const DeployOptions& options, const StepSink& tell,
                   const ProgressSink& progress) {
  if (options.dry_run || (state.deepstream.empty() && state.trtexec.empty())) {
    StepTimer("engine", tell)
        .Done("planned", options.dry_run ? "the engine would be built"
                                         : "there is no deepstream-app and no trtexec to build it");
    return {};
  }
  MeasuredRun run(device, state, bundle, options, tell);
  EDET_RETURN_IF_ERROR(run.SendVideo(progress));
  Status status = run.SetPower();
  if (status.ok()) status = run.BuildAndMeasure();
  if (!options.power.empty()) {
    // A run's own failure says more than that of setting back.
    const Result<PowerState> restored = TellRestored(device, state.directory, tell);
    if (status.ok() && !restored.ok()) status = restored.error();
  }
  if (!status.ok()) return status;
  return run.Report();
}

}  // namespace edet::deploy
