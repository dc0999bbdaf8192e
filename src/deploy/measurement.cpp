#include "deploy/measurement.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace edet::deploy {
using nlohmann::ordered_json;
namespace {

constexpr const char* kKittiFolder = "kitti/";

std::string FileOf(const std::map<std::string, std::string>& files, const char* path) {
  auto found = files.find(path);
  return found == files.end() ? std::string() : found->second;
}

template <typename Series>
std::map<std::string, Distribution> SummarizeAll(const Series& series) {
  std::map<std::string, Distribution> all;
  for (const auto& [name, values] : series) all[name] = Summarize(values);
  return all;
}

template <typename Distributions>
ordered_json AllToJson(const Distributions& distributions) {
  ordered_json json = ordered_json::object();
  for (const auto& [name, distribution] : distributions) json[name] = ToJson(distribution);
  return json;
}

void AddRow(const std::string& name, const Distribution& it, const char* unit,
            std::vector<std::string>& lines) {
  if (it.count == 0) return;
  lines.push_back(fmt::format("{:<30} {:>9.2f} {:>9.2f} {:>9.2f} {:>9.2f}  {}", name, it.median,
                              it.p90, it.p99, it.max, unit));
}

}  // namespace

Result<Measurement> ReadMeasurement(const std::map<std::string, std::string>& files) {
  Measurement it;
  const RunLog log = ParseRunLog(FileOf(files, "run/deepstream-app.log"));
  it.average_fps = log.average_fps;
  it.interval_fps = Summarize(log.interval_fps);
  it.frame_ms = Summarize(log.frame_ms);
  for (const auto& [name, values] : log.component_ms)
    it.component_ms.emplace_back(name, Summarize(values));
  const Tegrastats stats = ParseTegrastats(FileOf(files, "run/tegrastats.log"));
  it.memory_mib = Summarize(stats.memory_mib);
  it.memory_total_mib = stats.memory_total_mib;
  it.gpu_percent = Summarize(stats.gpu_percent);
  it.temperature_c = SummarizeAll(stats.temperature_c);
  it.power_mw = SummarizeAll(stats.power_mw);
  for (const auto& [path, text] : files) {
    if (path.rfind(kKittiFolder, 0) != 0) continue;
    EDET_ASSIGN_OR_RETURN(std::vector<KittiObject> objects, ParseKitti(text, path));
    it.objects += objects.size();
    it.detections[path.substr(std::string_view(kKittiFolder).size())] = std::move(objects);
  }
  return it;
}

ordered_json ToJson(const Measurement& it) {
  return {{"fps", it.average_fps},
          {"interval_fps", ToJson(it.interval_fps)},
          {"frames", it.detections.size()},
          {"objects", it.objects},
          {"frame_latency_ms", ToJson(it.frame_ms)},
          {"component_latency_ms", AllToJson(it.component_ms)},
          {"memory_mib", ToJson(it.memory_mib)},
          {"memory_total_mib", it.memory_total_mib},
          {"gpu_percent", ToJson(it.gpu_percent)},
          {"temperature_c", AllToJson(it.temperature_c)},
          {"power_mw", AllToJson(it.power_mw)}};
}

std::vector<std::string> Table(const Measurement& it) {
  std::vector<std::string> lines;
  AddRow("frames a second", it.interval_fps, "fps", lines);
  AddRow("latency of a frame", it.frame_ms, "ms", lines);
  for (const auto& [name, distribution] : it.component_ms)
    AddRow("  " + name, distribution, "ms", lines);
  AddRow("memory in use", it.memory_mib, "MiB", lines);
  AddRow("GPU load", it.gpu_percent, "%", lines);
  for (const auto& [name, distribution] : it.temperature_c)
    AddRow("temperature " + name, distribution, "C", lines);
  for (const auto& [name, distribution] : it.power_mw)
    AddRow("power " + name, distribution, "mW", lines);
  if (!lines.empty()) {
    lines.insert(lines.begin(),
                 fmt::format("{:<30} {:>9} {:>9} {:>9} {:>9}", "", "median", "p90", "p99", "max"));
  }
  return lines;
}

std::vector<std::string> Table(const Parity& it) {
  std::vector<std::string> lines = {
      fmt::format("frames {} compared, {} absent on the device, {} not compared", it.frames,
                  it.absent_frames, it.unasked_frames),
      fmt::format("boxes  {} here, {} there: {} matched, {} missing ({} with another class), {} "
                  "extra",
                  it.reference_objects, it.device_objects, it.matched, it.missing, it.other_class,
                  it.extra),
      fmt::format("IoU    mean {:.4f}, lowest {:.4f}; scores differ by {:.4f} in the mean",
                  it.mean_iou, it.lowest_iou, it.mean_score_difference)};
  if (!it.worst_frame.empty()) {
    lines.push_back(fmt::format("worst  {}: {} missing, {} extra", it.worst_frame, it.worst_missing,
                                it.worst_extra));
  }
  return lines;
}

}  // namespace edet::deploy
