#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "deepstream/app_parts.h"
#include "deepstream/write_configs.h"

namespace edet::deepstream {
namespace {

bool StartsWith(const std::string& text, const char* start) { return text.rfind(start, 0) == 0; }

// As deepstream-app's key `type` has them.
uint32_t TypeOf(SourceKind kind) {
  switch (kind) {
    case SourceKind::kUsbCamera:
      return 1;
    case SourceKind::kUri:
      return 2;
    case SourceKind::kRtsp:
      return 4;
    case SourceKind::kCsiCamera:
      return 5;
  }
  return 2;
}

// The number behind "usb:" and the like; nothing else may stand there.
std::optional<unsigned> DeviceNumber(const std::string& text, const char* start) {
  if (!StartsWith(text, start)) return std::nullopt;
  const std::string digits = text.substr(std::string(start).size());
  constexpr size_t kMostDigits = 4;
  if (digits.empty() || digits.size() > kMostDigits ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  return static_cast<unsigned>(std::stoul(digits));
}

// The sources that were asked for, or a placeholder.
std::vector<SourceFacts> SourcesOf(const AppFacts& app) {
  if (!app.sources.empty()) return app.sources;
  SourceFacts sample;
  sample.uri = fmt::format("file://{}/samples/streams/sample_1080p_h264.mp4", kDeviceFolder);
  return std::vector<SourceFacts>(std::max(1U, app.sample_sources), sample);
}

struct SourceKey {
  std::string key, value;
  const char* comment = "";
};

std::vector<SourceKey> CameraKeys(const SourceFacts& source) {
  const char* device =
      source.kind == SourceKind::kUsbCamera ? "camera-v4l2-dev-node" : "camera-csi-sensor-id";
  return {{device, fmt::format("{}", source.device), "The number of the camera."},
          {"camera-width", "1280", "A size and rate that the camera has (v4l2-ctl lists them)."},
          {"camera-height", "720"},
          {"camera-fps-n", "30"},
          {"camera-fps-d", "1"}};
}

std::vector<SourceKey> KeysOf(const SourceFacts& source) {
  std::vector<SourceKey> keys{
      {"enable", "1"},
      {"type", fmt::format("{}", TypeOf(source.kind)),
       "1: USB camera, 2: a file or any other URI, 4: RTSP, 5: camera on the CSI port."}};
  if (source.kind == SourceKind::kUsbCamera || source.kind == SourceKind::kCsiCamera) {
    for (SourceKey& key : CameraKeys(source)) keys.push_back(std::move(key));
  } else {
    keys.push_back({"uri", source.uri});
  }
  keys.push_back({"num-sources", "1"});
  if (source.kind == SourceKind::kRtsp) {
    keys.push_back({"rtsp-reconnect-interval-sec", "30",
                    "Connect again when so many seconds bring nothing; 0: never."});
  }
  keys.push_back({"gpu-id", "0"});
  return keys;
}

void WriteSource(const SourceFacts& source, size_t number, bool first, bool placeholder,
                 ConfigText& text) {
  text.Group(fmt::format("source{}", number));
  if (placeholder) {
    text.Comment(
        "Put your video here: file:///absolute/path.mp4, file://relative/to/this/file.mp4, or "
        "rtsp://... (type=4).");
  }
  for (const SourceKey& key : KeysOf(source)) {
    if (first && key.comment[0] != '\0') text.Comment(key.comment);
    text.Set(key.key, key.value);
  }
}

// All keys that any source has, in the order of their first use.
std::vector<std::string> ColumnsOf(const std::vector<SourceFacts>& sources) {
  std::vector<std::string> columns;
  for (const SourceFacts& source : sources) {
    for (const SourceKey& key : KeysOf(source)) {
      if (std::find(columns.begin(), columns.end(), key.key) == columns.end())
        columns.push_back(key.key);
    }
  }
  return columns;
}

// deepstream-app wants a number in every column but that of the URIs.
std::string Cell(const SourceFacts& source, const std::string& column) {
  for (const SourceKey& key : KeysOf(source)) {
    if (key.key == column) return key.value;
  }
  return column == "uri" ? "" : "0";
}

}  // namespace

Result<SourceFacts> SourceFromText(const std::string& text) {
  SourceFacts source;
  for (const char* start : {"usb:", "/dev/video"}) {
    if (const std::optional<unsigned> number = DeviceNumber(text, start))
      return SourceFacts{SourceKind::kUsbCamera, "", *number};
  }
  if (const std::optional<unsigned> number = DeviceNumber(text, "csi:"))
    return SourceFacts{SourceKind::kCsiCamera, "", *number};
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  });
  if (StartsWith(text, "rtsp://") || StartsWith(text, "rtspt://")) source.kind = SourceKind::kRtsp;
  const bool uri = text.find("://") != std::string::npos;
  if (text.empty() || !printable || (!uri && text.front() != '/')) {
    return Error{ErrorCode::kInvalidArgument, "'" + OneLine(text) + "' is no source", "--sources",
                 "give file:///path.mp4, an absolute path on the device, rtsp://host/path, usb:0, "
                 "csi:0, or the number of sources"};
  }
  source.uri = uri ? text : "file://" + text;
  return source;
}

size_t SourceCount(const AppFacts& app) { return SourcesOf(app).size(); }

bool IsLive(const AppFacts& app) {
  return std::any_of(app.sources.begin(), app.sources.end(),
                     [](const SourceFacts& s) { return s.kind != SourceKind::kUri; });
}

Status CheckSources(const ModelFacts& model, const AppFacts& app) {
  constexpr size_t kMostSources = 1024;
  if (SourceCount(app) > kMostSources) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("{} sources: deepstream-app takes {} at the most", SourceCount(app),
                             kMostSources),
                 "--sources", "start it several times"};
  }
  for (const SourceFacts& source : app.sources) {
    if (source.kind != SourceKind::kCsiCamera || model.jetson) continue;
    return Error{ErrorCode::kUnsupported, "a camera on the CSI port is there on a Jetson only",
                 fmt::format("--sources csi:{}", source.device),
                 "take usb:N, an RTSP camera or a file"};
  }
  return {};
}

void WriteSources(const ModelFacts& /*model*/, const AppFacts& app, ConfigFormat format,
                  ConfigText& text) {
  if (format == ConfigFormat::kYaml) {
    text.Group("source");
    text.Comment("The sources: a line of key names, then a line for each source, no comments.");
    text.Set("csv-file-path", app.sources_file);
    return;
  }
  const std::vector<SourceFacts> sources = SourcesOf(app);
  for (size_t i = 0; i < sources.size(); ++i) {
    const bool first = i == 0 || sources[i].kind != sources[i - 1].kind;
    WriteSource(sources[i], i, first, first && app.sources.empty(), text);
  }
}

Result<std::string> SourcesText(const AppFacts& app) {
  const std::vector<SourceFacts> sources = SourcesOf(app);
  const std::vector<std::string> columns = ColumnsOf(sources);
  std::string text = fmt::format("{}\n", fmt::join(columns, ","));
  for (const SourceFacts& source : sources) {
    if (source.uri.find(',') != std::string::npos) {
      return Error{ErrorCode::kUnsupported, "deepstream-app's table of sources cannot hold a ','",
                   source.uri, "rename the file, write %2C in a URL, or leave --yaml out"};
    }
    std::vector<std::string> cells;
    for (const std::string& column : columns) cells.push_back(Cell(source, column));
    text += fmt::format("{}\n", fmt::join(cells, ","));
  }
  return text;
}

}  // namespace edet::deepstream
