#include "deepstream/app_findings.h"

#include <fmt/format.h>

namespace edet::deepstream {
namespace {

namespace fs = std::filesystem;

void CheckFile(const KeyFile& file, const char* group, const char* key, const fs::path& path,
               Findings& findings) {
  std::error_code ignored;
  if (!file.HasKey(group, key) || fs::is_regular_file(path, ignored)) return;
  findings.Warn("missing-file", fmt::format("there is no file {}", path.string()),
                file.Where(group, key), "paths are relative to the folder of this file");
}

void CheckFolder(const KeyFile& file, const char* key, const fs::path& path, Findings& findings) {
  std::error_code ignored;
  if (path.empty() || fs::is_directory(path, ignored)) return;
  findings.Warn("missing-folder",
                fmt::format("there is no folder {}: nothing is written", path.string()),
                file.Where("application", key), "make it; deepstream-app does not");
}

void CheckPrimary(const KeyFile& file, const AppConfig& config, Findings& findings) {
  constexpr const char* kGroup = "primary-gie";
  if (!config.primary_gie.enable) {
    findings.Warn("no-inference", "[primary-gie] is absent or not enabled: nothing is detected",
                  file.path().string());
    return;
  }
  CheckFile(file, kGroup, "config-file", config.primary_gie.config_file, findings);
  if (!config.primary_gie.model_engine_file.empty()) {
    findings.Note("engine-override",
                  "model-engine-file here overrules the one in the nvinfer configuration",
                  file.Where(kGroup, "model-engine-file"), "give it in one place");
  }
  if (config.primary_gie.batch_size == 0U) {
    findings.Warn("batch-size-zero", "batch-size=0 overrules the nvinfer configuration",
                  file.Where(kGroup, "batch-size"));
  }
}

void CheckStreammux(const KeyFile& file, const AppConfig& config, Findings& findings) {
  if (config.streammux.width == 0 || config.streammux.height == 0) {
    findings.Warn("no-frame-size", "[streammux] width and height are not given",
                  file.Where("streammux"), "the stock muxer needs both");
  }
  if (config.streammux.batch_size == 0 || !file.HasKey("streammux", "batch-size")) {
    findings.Warn("no-batch-size", "[streammux] batch-size is not given: it is 0",
                  file.Where("streammux"), "set it to the number of sources");
  }
}

void CheckOsd(const KeyFile& file, const AppConfig& config, Findings& findings) {
  if (config.osd.enable && config.osd.border_width == 0) {
    findings.Warn("invisible-boxes",
                  "[osd] has no border-width: boxes are drawn with lines of 0 pixels",
                  file.Where("osd"), "add border-width=1 or more");
  }
}

void CheckSources(const KeyFile& file, const AppConfig& config, Findings& findings) {
  if (config.sources.empty())
    findings.Warn("no-source", "no source is enabled", file.path().string());
  if (config.sinks.empty()) findings.Warn("no-sink", "no sink is enabled", file.path().string());
  for (const SourceConfig& source : config.sources) {
    const bool needs_uri = source.type == 2 || source.type == 4;
    if (!needs_uri || !source.uri.empty()) continue;
    findings.Warn("no-uri", "the source has no uri",
                  file.Where(fmt::format("source{}", source.id)));
  }
  for (const SinkConfig& sink : config.sinks) {
    if (sink.type != 3 || !sink.output_file.empty()) continue;
    findings.Warn("no-output-file", "the file sink has no output-file",
                  file.Where(fmt::format("sink{}", sink.id)));
  }
}

}  // namespace

void FindSilentHarm(const KeyFile& file, const AppConfig& config, Findings& findings) {
  CheckSources(file, config, findings);
  CheckStreammux(file, config, findings);
  CheckPrimary(file, config, findings);
  CheckOsd(file, config, findings);
  CheckFolder(file, "gie-kitti-output-dir", config.gie_kitti_output_dir, findings);
  CheckFolder(file, "kitti-track-output-dir", config.kitti_track_output_dir, findings);
  if (config.tracker.enable)
    CheckFile(file, "tracker", "ll-lib-file", config.tracker.ll_lib_file, findings);
}

}  // namespace edet::deepstream
