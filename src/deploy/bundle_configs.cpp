#include "deploy/bundle_configs.h"

#include <fmt/format.h>

#include "base/file.h"
#include "deepstream/config_stamp.h"
#include "deepstream/device_path.h"
#include "deepstream/nvinfer_config.h"
#include "deepstream/write_configs.h"

namespace edet::deploy {
using deepstream::AppFacts;
using deepstream::ModelFacts;
using deepstream::Stamped;
namespace {

constexpr const char* kAppConfig = "deepstream_app.txt";
constexpr const char* kMeasureConfig = "deepstream_measure.txt";

ModelFacts FactsFor(const BundleModel& model, const deepstream::Platform& platform) {
  ModelFacts facts = model.facts;
  facts.deepstream_version = platform.deepstream;
  facts.platform = fmt::format("{} ({})", platform.name, platform.Versions());
  facts.jetson = platform.arch == "aarch64";
  return facts;
}

AppFacts MeasureFacts() {
  AppFacts app;
  app.sinks = {deepstream::SinkKind::kFake};
  app.kitti_directory = "../kitti";
  return app;
}

// The user's own, whatever they say; what they name has to be in the folder.
Result<std::vector<BundleFile>> KeptConfigs(const BundleModel& model, std::string& engine) {
  const AppFacts app;
  std::vector<BundleFile> files;
  for (const std::string& name : {app.infer_config, std::string(kAppConfig)}) {
    EDET_ASSIGN_OR_RETURN(std::string text, ReadFile(model.folder / name));
    files.push_back({"model/" + name, std::move(text)});
  }
  Findings ignored;
  EDET_ASSIGN_OR_RETURN(deepstream::NvinferConfig config,
                        deepstream::ReadNvinferConfig(model.folder / app.infer_config, ignored));
  engine = deepstream::EngineFileName(model.facts.onnx_file, config.batch_size, config.gpu_id,
                                      config.network_mode);
  return files;
}

}  // namespace

Result<std::vector<BundleFile>> ConfigsFor(const BundleModel& model,
                                           const deepstream::Platform& platform,
                                           std::string& engine) {
  Result<deepstream::ModelChoices> taken = deepstream::ChooseModel(platform, model.needs);
  if (!taken.ok()) {
    Error error = taken.error();
    error.hint =
        fmt::format("convert the model for it: edet convert ... --target {}", platform.name);
    return error;
  }
  const ModelFacts facts = FactsFor(model, platform);
  std::vector<BundleFile> files;
  if (model.keep_configs) {
    EDET_ASSIGN_OR_RETURN(files, KeptConfigs(model, engine));
  } else {
    const AppFacts app;
    engine = deepstream::EngineFileName(facts.onnx_file, facts.batch_size, 0,
                                        static_cast<int>(facts.precision));
    files = {{"model/" + app.infer_config, Stamped(deepstream::NvinferConfigText(facts))},
             {std::string("model/") + kAppConfig, Stamped(deepstream::AppConfigText(facts, app))}};
  }
  files.push_back({std::string("model/") + kMeasureConfig,
                   Stamped(deepstream::AppConfigText(facts, MeasureFacts()))});
  if (std::string options = deepstream::ParserOptionsText(facts); !options.empty())
    files.push_back({"model/" + deepstream::ParserOptionsFile(facts), std::move(options)});
  return files;
}

}  // namespace edet::deploy
