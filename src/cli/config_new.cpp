#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "cli/command.h"
#include "cli/config.h"
#include "cli/config_new_options.h"
#include "cli/convert_options.h"
#include "cli/model_folder.h"
#include "cli/source_argument.h"
#include "deepstream/config_stamp.h"
#include "parser/library_symbols.h"

namespace edet::cli {
namespace fs = std::filesystem;
using deepstream::AppFacts;
using deepstream::ConfigFormat;
using deepstream::ModelFacts;
using deepstream::Platform;
using deepstream::ServerFacts;
using deepstream::Stamped;
namespace {

constexpr const char* kAppConfig = "deepstream_app";
constexpr const char* kInferConfig = "config_infer_primary";
constexpr const char* kServerAppConfig = "deepstream_app_server";
constexpr const char* kServerConfig = "config_infer_server.txt";

// All that the files are made of.
struct Plan {
  ModelFolder model;
  Platform platform;
  AppFacts app;
  ServerFacts server;
  fs::path output;
  std::vector<std::string> notes;
};

struct NewFile {
  std::string name;  // below the output folder
  std::string text;
};

Error Usage(std::string what, std::string where, std::string hint) {
  return {ErrorCode::kInvalidArgument, std::move(what), std::move(where), std::move(hint)};
}

// A number of the command line, or 0.
uint32_t SmallNumber(const std::string& text) {
  constexpr size_t kMostDigits = 5;
  if (text.empty() || text.size() > kMostDigits ||
      text.find_first_not_of("0123456789") != std::string::npos)
    return 0;
  return static_cast<uint32_t>(std::stoul(text));
}

Status ChooseSources(const ConfigNewOptions& options, AppFacts& app) {
  if (options.sources.size() == 1 &&
      options.sources[0].find_first_not_of("0123456789") == std::string::npos) {
    app.sample_sources = SmallNumber(options.sources[0]);
    if (app.sample_sources > 0) return {};
    return Usage("not a number of sources", "--sources " + options.sources[0],
                 "take 1 to 1024, or name them");
  }
  for (const std::string& text : options.sources) {
    EDET_ASSIGN_OR_RETURN(deepstream::SourceFacts source, SourceArgument(text));
    app.sources.push_back(std::move(source));
  }
  return {};
}

Status ChooseFrameSize(const ConfigNewOptions& options, AppFacts& app) {
  if (options.frame_size.empty()) return {};
  constexpr uint32_t kMostPixels = 16384;
  const size_t x = options.frame_size.find('x');
  if (x != std::string::npos) {
    app.width = SmallNumber(options.frame_size.substr(0, x));
    app.height = SmallNumber(options.frame_size.substr(x + 1));
    if (app.width > 0 && app.height > 0 && app.width <= kMostPixels && app.height <= kMostPixels)
      return {};
  }
  return Usage("not a size in pixels", "--frame-size " + options.frame_size,
               "give WIDTHxHEIGHT, such as 1280x720");
}

Status ChooseBroker(const ConfigNewOptions& options, AppFacts& app) {
  if (!options.topic.empty()) app.broker.topic = options.topic;
  const bool sends = std::any_of(app.sinks.begin(), app.sinks.end(), deepstream::IsBroker);
  if (!sends && (!options.broker.empty() || !options.topic.empty())) {
    return Usage("there is no broker to send to", "--broker, --topic",
                 "add --sink kafka, mqtt or redis");
  }
  if (options.broker.empty()) return {};
  const size_t colon = options.broker.rfind(':');
  app.broker.host = options.broker.substr(0, colon);
  if (colon == std::string::npos) return {};
  constexpr uint32_t kLastPort = 65535;
  app.broker.port = SmallNumber(options.broker.substr(colon + 1));
  if (app.broker.port > 0 && app.broker.port <= kLastPort) return {};
  return Usage("not a host and port", "--broker " + options.broker, "give HOST:PORT");
}

Result<AppFacts> ChooseApp(const ConfigNewOptions& options) {
  AppFacts app;
  EDET_RETURN_IF_ERROR(ChooseSources(options, app));
  EDET_RETURN_IF_ERROR(ChooseFrameSize(options, app));
  if (!options.sinks.empty()) app.sinks = options.sinks;
  EDET_RETURN_IF_ERROR(ChooseBroker(options, app));
  if (!options.output_file.empty()) app.output_file = options.output_file;
  app.kitti_directory = options.kitti;
  app.tracker = options.tracker;
  return app;
}

// The platform must take the model as it is: what was chosen at its conversion stays.
Status ChooseTarget(const ConfigNewOptions& options, Plan& plan) {
  const std::string name = options.target.empty() ? plan.model.target : options.target;
  if (name.empty()) {
    return Usage("which platform is it for?", "--target",
                 "there are " + PlatformNames() + " (--target help tells about each)");
  }
  EDET_ASSIGN_OR_RETURN(plan.platform, deepstream::FindPlatform(name));
  EDET_ASSIGN_OR_RETURN(deepstream::ModelChoices choices,
                        deepstream::ChooseModel(plan.platform, plan.model.needs));
  plan.notes = std::move(choices.reasons);
  ModelFacts& facts = plan.model.facts;
  facts.platform = fmt::format("{} ({})", plan.platform.name, plan.platform.Versions());
  facts.deepstream_version = plan.platform.deepstream;
  facts.jetson = plan.platform.arch == "aarch64";
  return {};
}

size_t CountOf(const AppFacts& app) {
  return app.sources.empty() ? app.sample_sources : app.sources.size();
}

Status ChooseBatch(const ConfigNewOptions& options, Plan& plan) {
  ModelFacts& facts = plan.model.facts;
  constexpr size_t kMostFrames = 1024;  // nvinfer's own limit
  const auto sources = static_cast<uint32_t>(std::min(CountOf(plan.app), kMostFrames));
  if (facts.dynamic_batch) {
    facts.batch_size = options.batch > 0 ? options.batch : sources;
    return {};
  }
  if (options.batch > 0 && options.batch != facts.batch_size) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("the model was converted for batches of {}", facts.batch_size),
                 fmt::format("--batch {}", options.batch),
                 "convert it with --batch dynamic, or leave --batch out"};
  }
  if (sources > facts.batch_size) {
    plan.notes.push_back(fmt::format(
        "NOTE the model takes {} frame{} at once: {} sources are {} runs of it for each "
        "round of frames; edet convert --batch dynamic makes one that takes all",
        facts.batch_size, facts.batch_size == 1 ? "" : "s", sources,
        (sources + facts.batch_size - 1) / facts.batch_size));
  }
  return {};
}

Status ChoosePrecision(const ConfigNewOptions& options, Plan& plan) {
  ModelFacts& facts = plan.model.facts;
  if (options.precision) facts.precision = *options.precision;
  const bool int8 = facts.precision == deepstream::EnginePrecision::kInt8;
  facts.calibration_file = options.calibration;
  if (int8 && options.calibration.empty()) {
    return Usage("INT8 needs the ranges that calibration found", "--precision int8",
                 "give the table: --calibration FILE (without it DeepStream builds FP16)");
  }
  if (!int8 && !options.calibration.empty()) {
    return Usage("a calibration table is for INT8 only", "--calibration", "add --precision int8");
  }
  if (facts.half_model && facts.precision == deepstream::EnginePrecision::kFp32) {
    plan.notes.emplace_back(
        "NOTE the model itself computes in FP16: --precision fp32 brings nothing back");
  }
  return {};
}

// From the output folder to a file of the model's.
Result<std::string> Relative(const fs::path& folder, const fs::path& output,
                             const std::string& name) {
  std::error_code error;
  // weakly_canonical() leaves a relative path of which nothing exists as it is.
  const fs::path from = fs::weakly_canonical(fs::absolute(output, error), error);
  if (error) return Error{ErrorCode::kIo, error.message(), output.string(), ""};
  const fs::path to = fs::canonical(folder, error);
  if (error) return Error{ErrorCode::kIo, error.message(), folder.string(), ""};
  return (to.lexically_relative(from) / name).lexically_normal().string();
}

void NoteLibrary(const fs::path& library, Plan& plan) {
  Result<parser::LibraryDescription> found = parser::DescribeLibrary(library);
  if (!found.ok()) {
    plan.notes.push_back("NOTE the parser library: " + found.error().ToString());
  } else if (found->architecture != plan.platform.arch) {
    plan.notes.push_back(
        fmt::format("NOTE the parser library in the folder is for {}: {} needs one built for {}",
                    found->architecture, plan.platform.name, plan.platform.arch));
  }
}

Status PlaceFiles(const ConfigNewOptions& options, Plan& plan) {
  plan.output = options.output.empty() ? options.model : options.output;
  ModelFacts& facts = plan.model.facts;
  if (options.library.empty()) {
    NoteLibrary(options.model / facts.parser_library, plan);
  } else {
    facts.parser_library = options.library;
  }
  for (std::string* file : {&facts.onnx_file, &facts.labels_file, &facts.parser_library}) {
    if (file == &facts.parser_library && !options.library.empty()) continue;
    EDET_ASSIGN_OR_RETURN(*file, Relative(options.model, plan.output, *file));
  }
  return {};
}

Status PlanServer(const ConfigNewOptions& options, Plan& plan) {
  plan.server.backend = options.backend;
  plan.server.input = plan.model.input;
  plan.server.outputs = plan.model.outputs;
  if (options.server) return deepstream::CheckServer(plan.model.facts, plan.server);
  if (options.backend == deepstream::TritonBackend::kTensorRt) return {};
  return Usage("a backend of Triton's without Triton", "--server-backend", "add --server");
}

Result<Plan> MakePlan(const ConfigNewOptions& options) {
  Plan plan;
  EDET_ASSIGN_OR_RETURN(plan.model, ReadModelFolder(options.model));
  EDET_RETURN_IF_ERROR(ChooseTarget(options, plan));
  EDET_ASSIGN_OR_RETURN(plan.app, ChooseApp(options));
  EDET_RETURN_IF_ERROR(ChooseBatch(options, plan));
  EDET_RETURN_IF_ERROR(ChoosePrecision(options, plan));
  EDET_RETURN_IF_ERROR(deepstream::CheckApp(
      plan.model.facts, plan.app, options.yaml ? ConfigFormat::kYaml : ConfigFormat::kIni));
  EDET_RETURN_IF_ERROR(PlaceFiles(options, plan));
  EDET_RETURN_IF_ERROR(PlanServer(options, plan));
  return plan;
}

// The two forms of the same application, for nvinfer or nvinferserver.
void AddApplication(const Plan& plan, const char* name, const std::string& infer_config,
                    ConfigFormat format, std::vector<NewFile>& files) {
  AppFacts app = plan.app;
  app.server = name == kServerAppConfig;
  app.infer_config = infer_config;
  const char* suffix = format == ConfigFormat::kYaml ? ".yml" : ".txt";
  files.push_back({std::string(name) + suffix,
                   Stamped(deepstream::AppConfigText(plan.model.facts, app, format))});
}

void AddInference(const Plan& plan, ConfigFormat format, std::vector<NewFile>& files) {
  const std::string name =
      std::string(kInferConfig) + (format == ConfigFormat::kYaml ? ".yml" : ".txt");
  AddApplication(plan, kAppConfig, name, format, files);
  files.push_back({name, Stamped(deepstream::NvinferConfigText(plan.model.facts, format))});
}

std::string EngineReadme(const Plan& plan) {
  return Stamped(fmt::format(
      "Here Triton looks for {0}, the engine that nvinfer builds on the device:\n"
      "  deepstream-app -c {1}.txt    # once; it lies beside the model then\n"
      "  cp {2} {3}/1/\n",
      plan.server.ModelFile(plan.model.facts), kAppConfig,
      (fs::path(plan.model.facts.onnx_file).parent_path() / plan.server.ModelFile(plan.model.facts))
          .string(),
      plan.server.ModelFolder(plan.model.facts)));
}

void AddServer(const ConfigNewOptions& options, const Plan& plan, std::vector<NewFile>& files) {
  AddApplication(plan, kServerAppConfig, kServerConfig, ConfigFormat::kIni, files);
  if (options.yaml)
    AddApplication(plan, kServerAppConfig, kServerConfig, ConfigFormat::kYaml, files);
  const ModelFacts& facts = plan.model.facts;
  files.push_back({kServerConfig, Stamped(deepstream::InferServerConfigText(facts, plan.server))});
  const std::string folder = plan.server.ModelFolder(facts);
  files.push_back(
      {folder + "/config.pbtxt", Stamped(deepstream::TritonConfigText(facts, plan.server))});
  if (options.backend == deepstream::TritonBackend::kTensorRt)
    files.push_back({folder + "/1/README.txt", EngineReadme(plan)});
}

Result<std::vector<NewFile>> MakeFiles(const ConfigNewOptions& options, const Plan& plan) {
  std::vector<NewFile> files;
  AddInference(plan, ConfigFormat::kIni, files);
  if (options.yaml) {
    AddInference(plan, ConfigFormat::kYaml, files);
    EDET_ASSIGN_OR_RETURN(std::string sources, deepstream::SourcesText(plan.app));
    files.push_back({plan.app.sources_file, std::move(sources)});
  }
  if (std::any_of(plan.app.sinks.begin(), plan.app.sinks.end(), deepstream::IsBroker)) {
    files.push_back({plan.app.message_config, Stamped(deepstream::MessageConfigText(plan.app))});
  }
  if (options.server) AddServer(options, plan, files);
  return files;
}

// Files that are there and are neither what is to be written nor as this program wrote them.
Result<std::vector<std::string>> EditedFiles(const fs::path& output,
                                             const std::vector<NewFile>& files) {
  std::vector<std::string> edited;
  for (const NewFile& file : files) {
    std::error_code error;
    if (!fs::exists(output / file.name, error)) continue;
    EDET_ASSIGN_OR_RETURN(std::string text, ReadFile(output / file.name));
    if (text != file.text && !deepstream::IsAsWritten(text)) edited.push_back(file.name);
  }
  return edited;
}

// ONNX Runtime wants the model itself in the repository.
Status CopyModel(const ConfigNewOptions& options, const Plan& plan, OutputFiles& output,
                 std::vector<std::string>& names) {
  const ModelFacts& facts = plan.model.facts;
  const std::string name = plan.server.ModelFolder(facts) + "/1/" + plan.server.ModelFile(facts);
  EDET_ASSIGN_OR_RETURN(fs::path staged, output.StageName(plan.output / name));
  std::error_code error;
  fs::copy_file(options.model / fs::path(facts.onnx_file).filename(), staged,
                fs::copy_options::overwrite_existing, error);
  if (error) return Error{ErrorCode::kIo, error.message(), staged.string(), "is the disk full?"};
  names.push_back(name);
  return {};
}

Result<std::vector<std::string>> WriteFiles(const ConfigNewOptions& options, const Plan& plan) {
  EDET_ASSIGN_OR_RETURN(std::vector<NewFile> files, MakeFiles(options, plan));
  if (!options.force) {
    EDET_ASSIGN_OR_RETURN(std::vector<std::string> edited, EditedFiles(plan.output, files));
    if (!edited.empty()) {
      return Usage(fmt::format("edited by hand: {}", fmt::join(edited, ", ")), plan.output.string(),
                   "--force overwrites, -o DIR writes elsewhere");
    }
  }
  OutputFiles output;
  std::vector<std::string> names;
  for (const NewFile& file : files) {
    EDET_RETURN_IF_ERROR(output.Stage(plan.output / file.name, file.text));
    names.push_back(file.name);
  }
  if (options.server && options.backend == deepstream::TritonBackend::kOnnxRuntime) {
    EDET_RETURN_IF_ERROR(CopyModel(options, plan, output, names));
  }
  EDET_RETURN_IF_ERROR(output.Commit());
  return names;
}

void PrintAsJson(const Plan& plan, const std::vector<std::string>& names) {
  const nlohmann::ordered_json record{{"folder", plan.output.string()},
                                      {"target", plan.platform.name},
                                      {"deepstream", plan.platform.deepstream},
                                      {"written", names},
                                      {"notes", plan.notes}};
  fmt::print("{}\n", record.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

// The program that makes messages is another one before 6.0.
const char* ProgramFor(const Plan& plan) {
  const bool sends =
      std::any_of(plan.app.sinks.begin(), plan.app.sinks.end(), deepstream::IsBroker);
  return sends && deepstream::CompareVersions(plan.platform.deepstream, "6.0") < 0
             ? "deepstream-test5-app"
             : "deepstream-app";
}

void Print(const ConfigNewOptions& options, const Plan& plan,
           const std::vector<std::string>& names) {
  fmt::print("target      {}: {}, {}\n", plan.platform.name, plan.platform.device,
             plan.platform.Versions());
  for (const std::string& note : plan.notes) fmt::print("            {}\n", note);
  fmt::print("written     {}: {}\n\n", plan.output.string(), fmt::join(names, " "));
  fmt::print("Next:\n  edet run {}/{}.txt{}\n", plan.output.string(), kAppConfig,
             plan.app.sources.empty() ? " VIDEO" : "");
  fmt::print("On {}, in that folder:\n  {} -c {}.txt\n", plan.platform.name, ProgramFor(plan),
             kAppConfig);
  if (!options.server) return;
  if (options.backend == deepstream::TritonBackend::kTensorRt) {
    const fs::path engine = fs::path(plan.model.facts.onnx_file).parent_path() /
                            plan.server.ModelFile(plan.model.facts);
    fmt::print("and, when that has built the engine, by Triton:\n  cp {} {}/1/\n", engine.string(),
               plan.server.ModelFolder(plan.model.facts));
  } else {
    fmt::print("or by Triton:\n");
  }
  fmt::print("  {} -c {}.txt\n", ProgramFor(plan), kServerAppConfig);
}

Status WriteNew(const ConfigNewOptions& options, bool quiet) {
  EDET_ASSIGN_OR_RETURN(Plan plan, MakePlan(options));
  EDET_ASSIGN_OR_RETURN(std::vector<std::string> names, WriteFiles(options, plan));
  if (options.json) {
    PrintAsJson(plan, names);
  } else if (!quiet) {
    Print(options, plan, names);
  }
  return {};
}

}  // namespace

void AddConfigNew(CLI::App& config, Session& session) {
  auto options = std::make_shared<ConfigNewOptions>();
  CLI::App* command = config.add_subcommand(
      "new", "Write the configs of a converted model for a platform, its sources and its sinks");
  AddConfigNewOptions(command, options);
  command->callback([options, &session] {
    Status status = WriteNew(*options, session.quiet);
    if (!status.ok()) throw CommandFailed{status.error()};
  });
}

}  // namespace edet::cli
