#include "deploy/bundle_configs.h"

#include <fmt/format.h>

#include "deepstream/device_path.h"
#include "deepstream/write_configs.h"

namespace edet::deploy {

Result<std::vector<BundleFile>> ConfigsFor(const ModelFolder& folder,
                                           const deepstream::Platform& platform,
                                           std::string& engine) {
  Result<deepstream::ModelChoices> taken = deepstream::ChooseModel(platform, folder.wishes);
  if (!taken.ok()) {
    Error error = taken.error();
    error.hint =
        fmt::format("convert the model for it: edet convert ... --target {}", platform.name);
    return error;
  }
  deepstream::ModelFacts facts = folder.facts;
  facts.deepstream_version = platform.deepstream;
  facts.platform = fmt::format("{} ({})", platform.name, platform.Versions());
  engine = deepstream::EngineFileName(facts.onnx_file, facts.batch_size, 0, facts.fp16 ? 2 : 0);
  const deepstream::AppFacts app;
  std::vector<BundleFile> files = {
      {"model/" + app.infer_config, deepstream::NvinferConfigText(facts)},
      {"model/deepstream_app.txt", deepstream::AppConfigText(facts, app)}};
  if (std::string options = deepstream::ParserOptionsText(facts); !options.empty())
    files.push_back({"model/" + deepstream::ParserOptionsFile(facts), std::move(options)});
  return files;
}

}  // namespace edet::deploy
