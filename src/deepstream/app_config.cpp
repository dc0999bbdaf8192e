#include "deepstream/app_config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <glib.h>
#include <unistd.h>

#include <map>
#include <set>

#include "base/nearest.h"
#include "deepstream/device_path.h"
#include "deepstream/key_file.h"
#include "deepstream/source_table.h"
#include "deepstream/yaml_values.h"

namespace edet::deepstream {
namespace {

// deepstream-app's own limits.
constexpr size_t kMaxSources = 1024, kMaxSinks = 1024, kMaxSecondaries = 16, kMaxConsumers = 16;
constexpr const char* kFileScheme = "file://";
constexpr const char* kPrimary = "primary-gie";

bool StartsWith(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

// The YAML reader resolves paths as nvinfer does.
Result<std::string> ResolvePath(const KeyFile& config, const std::string& text) {
  return config.is_yaml() ? ResolveNvinferPath(config.path(), text)
                          : ResolveAppPath(config.path(), text);
}

Result<std::string> ResolveUri(const KeyFile& config, const std::string& uri) {
  if (!StartsWith(uri, kFileScheme)) return uri;
  EDET_ASSIGN_OR_RETURN(const std::string path,
                        ResolvePath(config, uri.substr(std::string(kFileScheme).size())));
  return kFileScheme + path;
}

// The tracker takes several files, separated by ';', and keeps a ';' after each.
Result<std::string> ResolvePathList(const std::filesystem::path& config, const std::string& text) {
  if (!text.empty() && text.find(';') == std::string::npos) return ResolveAppPath(config, text);
  std::string joined;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(';', begin), text.size());
    EDET_ASSIGN_OR_RETURN(const std::string path,
                          ResolveAppPath(config, text.substr(begin, end - begin)));
    joined += path + ";";
    begin = end + 1;
  }
  return joined;
}

// In YAML the ';' comes after a single file too, and nothing after the last ';' is no file.
Result<std::string> ResolveYamlPathList(const KeyFile& config, const std::string& text) {
  std::vector<std::string> pieces = SplitText(text, ';');
  if (pieces.back().empty()) pieces.pop_back();
  std::string joined;
  for (const std::string& piece : pieces) {
    EDET_ASSIGN_OR_RETURN(const std::string path, ResolvePath(config, piece));
    joined += path + ";";
  }
  return joined;
}

// The index that follows a group's name; nothing when other characters do.
std::optional<uint64_t> GroupIndex(const std::string& group, const std::string& name) {
  const char* text = group.c_str() + name.size();
  char* end = nullptr;
  const uint64_t index = g_ascii_strtoull(text, &end, 10);
  if (end == text || *end != '\0') return std::nullopt;
  return index;
}

void TakeSource(GroupValues& values, SourceConfig& source) {
  values.Take("enable", source.enable);
  values.Take("type", source.type);
  values.Take("uri", source.uri);
  values.Take("num-sources", source.num_sources);
  if (source.num_sources < 1) source.num_sources = 1;
  values.Take("drop-frame-interval", source.drop_frame_interval);
  source.latency_ms = 100;
  values.Take("latency", source.latency_ms);
  values.Take("camera-width", source.camera_width);
  values.Take("camera-height", source.camera_height);
  values.Take("camera-fps-n", source.camera_fps_n);
  values.Take("camera-fps-d", source.camera_fps_d);
  values.Take("camera-v4l2-dev-node", source.camera_v4l2_dev_node);
}

// deepstream-app starts from zeros, not from useful values.
SinkConfig EmptySink() {
  SinkConfig sink;
  sink.enable = false;
  sink.type = 0;
  sink.sync = false;
  sink.iframe_interval = 0;
  sink.rtsp_port = 8554;
  sink.udp_port = 5000;
  return sink;
}

void TakeSinkValues(GroupValues& values, SinkConfig& sink) {
  values.Take("enable", sink.enable);
  values.Take("type", sink.type);
  values.Take("sync", sink.sync);
  values.Take("container", sink.container);
  values.Take("codec", sink.codec);
  values.Take("enc-type", sink.enc_type);
  values.Take("bitrate", sink.bitrate_bps);
  values.Take("iframeinterval", sink.iframe_interval);
  values.Take("output-file", sink.output_file);
  values.Take("source-id", sink.source_id);
  values.Take("rtsp-port", sink.rtsp_port);
  values.Take("udp-port", sink.udp_port);
}

template <typename T>
void TakeOptional(GroupValues& values, const std::string& key, std::optional<T>& out) {
  T value{};
  values.Take(key, value);
  if (values.Has(key)) out = value;
}

class AppReader {
 public:
  AppReader(const KeyFile& file, Findings& findings)
      : file_(file),
        table_(file.is_yaml() ? DeepstreamAppYamlKeys() : DeepstreamAppKeys()),
        findings_(findings) {
    config_.file = file.path();
    // As deepstream-app: all zero, thus nothing visible, unless the file says so.
    config_.osd.border_width = config_.osd.text_size = 0;
    config_.osd.display_text = config_.osd.display_bbox = false;
    config_.streammux.batched_push_timeout_us = 0;
    resolve_ = [&file](const KeySpec& spec, const std::string& text) {
      return spec.key == "uri" ? ResolveUri(file, text) : ResolvePath(file, text);
    };
  }

  Result<AppConfig> Read() {
    if (file_.HasGroup("application")) EDET_RETURN_IF_ERROR(ReadApplication());
    if (file_.is_yaml()) return ReadYaml();
    if (file_.HasGroup("source-list")) EDET_RETURN_IF_ERROR(ReadSourceList());
    if (file_.HasGroup("source-attr-all")) EDET_RETURN_IF_ERROR(ReadSourceDefaults());
    for (const std::string& group : file_.Groups()) {
      EDET_RETURN_IF_ERROR(ReadAnyGroup(group));
    }
    if (listed_) SetBatchSizes(static_cast<unsigned>(config_.sources.size()));
    EDET_RETURN_IF_ERROR(CheckUniqueIds());
    EDET_RETURN_IF_ERROR(ExpandMultiUri());
    return std::move(config_);
  }

 private:
  Result<AppConfig> ReadYaml() {
    for (const std::string& group : file_.Groups()) {
      EDET_RETURN_IF_ERROR(ReadAnyYamlGroup(group));
    }
    EDET_RETURN_IF_ERROR(CheckUniqueIds());
    EDET_RETURN_IF_ERROR(ExpandMultiUri());
    return std::move(config_);
  }

  Status ReadAnyYamlGroup(const std::string& group) {
    if (group == "application") return {};
    if (group == "source") return ReadYamlSources();
    if (StartsWith(group, "sink")) return ReadYamlSink(group);
    if (group == kPrimary || StartsWith(group, "secondary-gie")) return ReadYamlInference(group);
    if (StartsWith(group, "dewarper")) return ReadYamlDewarper(group);
    return ReadPart(group);
  }

  // Whether the readers go on after their look for `enable`. A group without it is read, but does
  // not count.
  Result<bool> IsYamlEnabled(const std::string& group) {
    EDET_RETURN_IF_ERROR(file_.CheckForm(group, *table_.Find(group), true));
    if (!file_.HasKey(group, "enable")) return true;
    EDET_ASSIGN_OR_RETURN(const std::vector<KeyFile::Value> all,
                          file_.GetAll(group, *table_.Find(group)->Find("enable"), "enable"));
    return std::get<int>(all.front()) != 0;
  }

  Status ReadYamlSources() {
    constexpr const char* kGroup = "source";
    Result<KeyFile::Value> name = file_.Get(kGroup, "csv-file-path", ValueType::kString);
    if (!name.ok())
      return Refuse(kGroup, "", "source needs csv-file-path",
                    "write the sources as rows of a CSV file");
    EDET_ASSIGN_OR_RETURN(const std::string path, ResolvePath(file_, std::get<std::string>(*name)));
    EDET_ASSIGN_OR_RETURN(const SourceTable table,
                          ReadSourceTable(path, file_.Where(kGroup, "csv-file-path"), findings_));
    for (size_t i = 0; i < table.rows.size(); ++i) {
      if (config_.sources.size() == kMaxSources)
        return Refuse(kGroup, "", fmt::format("more than {} sources", kMaxSources));
      EDET_ASSIGN_OR_RETURN(GroupValues values,
                            ReadSourceRow(table, i, *table_.Find(kGroup), resolve_, findings_));
      // A row that is not enabled leaves its values to the next one.
      TakeSource(values, pending_source_);
      if (!pending_source_.enable) continue;
      pending_source_.id = static_cast<unsigned>(config_.sources.size());
      config_.sources.push_back(pending_source_);
      pending_source_ = DisabledSource();
    }
    return {};
  }

  static SourceConfig DisabledSource() {
    SourceConfig source;
    source.enable = false;
    return source;
  }

  Status ReadYamlSink(const std::string& group) {
    if (config_.sinks.size() == kMaxSinks)
      return Refuse(group, "", fmt::format("more than {} sinks", kMaxSinks));
    // With a GPU for all, `enable` is looked at first of all.
    if (all_on_gpu_ && !file_.Get(group, "enable", ValueType::kInteger).ok())
      return Refuse(group, "", "with global-gpu-id, a sink needs enable", "write enable: 1");
    EDET_ASSIGN_OR_RETURN(const bool enabled, IsYamlEnabled(group));
    pending_sink_.codec = pending_sink_.container = 1;
    pending_sink_.rtsp_port = 8554;
    pending_sink_.udp_port = 5000;
    if (!enabled) return {};
    EDET_ASSIGN_OR_RETURN(GroupValues values, ReadLookedUp(group));
    TakeSinkValues(values, pending_sink_);
    if (!pending_sink_.enable) return {};
    pending_sink_.id =
        static_cast<unsigned>(GroupIndex(group, "sink").value_or(config_.sinks.size()));
    config_.sinks.push_back(pending_sink_);
    pending_sink_ = EmptySink();
    return {};
  }

  // A list counts as a map of unknown keys once a key was looked up in it.
  Result<GroupValues> ReadLookedUp(const std::string& group) {
    if (file_.Keys(group).empty()) return GroupValues();
    return ReadValues(group);
  }

  Status ReadYamlInference(const std::string& group) {
    const bool primary = group == kPrimary;
    if (!primary && secondary_ids_.size() == kMaxSecondaries)
      return Refuse(group, "", "too many secondary GIEs");
    EDET_ASSIGN_OR_RETURN(const bool enabled, IsYamlEnabled(group));
    if (!enabled) return {};
    EDET_ASSIGN_OR_RETURN(GroupValues values, ReadLookedUp(group));
    YamlInference& slot = primary ? primary_slot_ : secondary_slot_;
    values.Take("enable", slot.enable);
    values.Take("gie-unique-id", slot.unique_id);
    values.Take("labelfile-path", slot.labels);
    slot.has_config = slot.has_config || values.Has("config-file");
    if (slot.enable && !slot.labels.empty()) EDET_RETURN_IF_ERROR(CheckLabels(group, slot.labels));
    if (!slot.has_config)
      return Refuse(group, "", fmt::format("{} has no config-file", group),
                    "add config-file: <nvinfer configuration>");
    if (primary) return TakePrimary(values);
    if (!slot.enable) return {};
    secondary_ids_.emplace_back(group, slot.unique_id);
    config_.other_groups.push_back(group);
    secondary_slot_ = {};
    return {};
  }

  Status ReadYamlDewarper(const std::string& group) {
    const Result<KeyFile::Value> index =
        TextValue(group.substr(std::string("dewarper").size()), YamlForm::kTextInt);
    const int number = index.ok() ? std::get<int>(*index) : -1;
    // deepstream-app writes past its array instead where the number is no source's.
    if (number < 0 || static_cast<size_t>(number) >= kMaxSources)
      return Refuse(group, "", "a dewarper's group is dewarper<source>", "rename the group");
    EDET_ASSIGN_OR_RETURN(GroupValues values, ReadValues(group));
    bool enable = false;
    values.Take("enable", enable);
    if (enable) config_.other_groups.push_back(group);
    return {};
  }

  Result<GroupValues> ReadValues(const std::string& group) {
    return ReadGroup(file_, group, *table_.Find(group), resolve_, findings_);
  }

  Error Refuse(const std::string& group, const std::string& key, const std::string& what,
               const std::string& hint = "") {
    return {ErrorCode::kCorrupt, "deepstream-app refuses the file: " + what,
            file_.Where(group, key), hint};
  }

  Status ReadApplication() {
    EDET_ASSIGN_OR_RETURN(GroupValues values, ReadValues("application"));
    values.Take("enable-perf-measurement", config_.enable_perf_measurement);
    values.Take("perf-measurement-interval-sec", config_.perf_measurement_interval_sec);
    values.Take("gie-kitti-output-dir", config_.gie_kitti_output_dir);
    values.Take("kitti-track-output-dir", config_.kitti_track_output_dir);
    int gpu = -1;
    values.Take("global-gpu-id", gpu);
    all_on_gpu_ = gpu != -1;
    return {};
  }

  Status CheckListLength(const GroupValues& values, const std::vector<std::string>& list,
                         const char* key) {
    constexpr const char* kGroup = "source-list";
    if (list.size() > kMaxSources)
      return Refuse(kGroup, key, fmt::format("more than {} sources", kMaxSources));
    if (!values.Has("list") || !values.Has("num-source-bins") || list.size() == total_) return {};
    return Refuse(kGroup, key,
                  fmt::format("{} entries, but num-source-bins is {}", list.size(), total_));
  }

  Status ReadSourceList() {
    EDET_ASSIGN_OR_RETURN(GroupValues values, ReadValues("source-list"));
    std::vector<std::string> ids, names;
    values.Take("num-source-bins", total_);
    values.Take("list", list_);
    values.Take("sensor-id-list", ids);
    values.Take("sensor-name-list", names);
    EDET_RETURN_IF_ERROR(CheckListLength(values, list_, "list"));
    EDET_RETURN_IF_ERROR(CheckListLength(values, ids, "sensor-id-list"));
    EDET_RETURN_IF_ERROR(CheckListLength(values, names, "sensor-name-list"));
    if (values.Has("list") && !values.Has("num-source-bins"))
      total_ = static_cast<unsigned>(list_.size());
    has_uris_ = values.Has("list");
    listed_ = true;
    if (!file_.HasGroup("source-attr-all")) {
      return Refuse("source-list", "", "[source-list] needs a group [source-attr-all]");
    }
    // deepstream-app writes past its arrays instead.
    if (total_ > kMaxSources)
      return Refuse("source-list", "num-source-bins",
                    fmt::format("more than {} sources", kMaxSources));
    return {};
  }

  Status ReadSourceDefaults() {
    EDET_ASSIGN_OR_RETURN(GroupValues values, ReadValues("source-attr-all"));
    SourceConfig defaults;
    defaults.enable = false;
    TakeSource(values, defaults);
    for (unsigned i = 0; i < total_; ++i) {
      config_.sources.push_back(defaults);
      config_.sources.back().id = i;
      if (has_uris_) EDET_RETURN_IF_ERROR(SetListedUri(list_[i], config_.sources.back()));
    }
    return {};
  }

  Status SetListedUri(const std::string& uri, SourceConfig& source) {
    if (StartsWith(uri, kFileScheme) || StartsWith(uri, "rtsp://")) {
      EDET_ASSIGN_OR_RETURN(source.uri, ResolveUri(file_, uri));
      source.type = StartsWith(uri, kFileScheme) ? 2 : 4;
      return {};
    }
    const bool csi = StartsWith(uri, "csi:"), usb = StartsWith(uri, "usb:");
    const std::optional<uint64_t> device = csi || usb ? GroupIndex(uri, "usb:") : std::nullopt;
    if (!device)
      return Refuse("source-list", "list", fmt::format("'{}' is no source", uri),
                    "file://, rtsp://, usb:N or csi:N");
    source.type = csi ? 5 : 1;
    if (usb) source.camera_v4l2_dev_node = static_cast<int>(*device);
    return {};
  }

  Status ReadAnyGroup(const std::string& group) {
    if (group == "application" || group == "source-list" || group == "source-attr-all") return {};
    if (StartsWith(group, "source")) return ReadSource(group);
    if (IsDewarper(group)) return ReadDewarper(group);
    if (StartsWith(group, "sink")) return ReadSink(group);
    if (StartsWith(group, "secondary-gie")) return ReadSecondary(group);
    if (group == kPrimary) return ReadPrimary();
    return ReadPart(group);
  }

  Status ReadPart(const std::string& group) {
    using Part = Status (AppReader::*)();
    static const std::map<std::string, Part> parts{
        {"streammux", &AppReader::ReadStreammux}, {"osd", &AppReader::ReadOsd},
        {"tracker", &AppReader::ReadTracker},     {"tests", &AppReader::ReadTests},
        {"tiled-display", &AppReader::ReadTiler},
    };
    const auto part = parts.find(group);
    if (part != parts.end()) return (this->*part->second)();
    return ReadOther(group);
  }

  // What deepstream-app compares is all of the group's name but its last character.
  static bool IsDewarper(const std::string& group) {
    return !group.empty() && StartsWith("dewarper", group.substr(0, group.size() - 1));
  }

  // A group counts only when `enable` is a number other than 0; otherwise nothing else in it is
  // even looked at.
  bool IsEnabled(const std::string& group) {
    Result<KeyFile::Value> value = file_.Get(group, "enable", ValueType::kInteger);
    if (value.ok()) return std::get<int>(*value) != 0;
    findings_.Warn("not-enabled", fmt::format("[{}] is ignored: it has no enable=1", group),
                   file_.Where(group, "enable"), "write enable=1 or enable=0");
    return false;
  }

  Status ReadSource(const std::string& group) {
    if (config_.sources.size() == kMaxSources)
      return Refuse(group, "", fmt::format("more than {} sources", kMaxSources));
    const std::optional<uint64_t> index = GroupIndex(group, "source");
    if (!index) return Refuse(group, "", "a source group is [source<number>]");
    const unsigned id = static_cast<unsigned>(*index);
    if (listed_ && id >= total_)
      return Refuse(group, "", fmt::format("[source-list] has {} sources only", total_));
    SourceConfig fresh;
    fresh.enable = false;
    SourceConfig& source = listed_ ? config_.sources[id] : fresh;
    if (IsEnabled(group)) {
      source.id = id;
      if (!source_ids_.insert(id).second)
        return Refuse(group, "", fmt::format("source {} is there twice", id));
      EDET_ASSIGN_OR_RETURN(GroupValues values, ReadValues(group));
      TakeSource(values, source);
    }
    if (listed_ && source.type == 3)
      return Refuse(group, "type", "type=3 does not go with [source-list]");
    if (!listed_ && source.enable) config_.sources.push_back(source);
    return {};
  }

  void SetBatchSizes(unsigned sources) {
    config_.streammux.batch_size = sources;
    if (config_.primary_gie.batch_size) config_.primary_gie.batch_size = sources;
  }

  Status ReadDewarper(const std::string& group) {
    const std::optional<uint64_t> index =
        group.size() == 9 ? GroupIndex(group, "dewarper") : std::nullopt;
    if (!index)
      return Refuse(group, "", "the name is taken for a damaged [dewarper<digit>]",
                    "rename the group");
    EDET_ASSIGN_OR_RETURN(GroupValues values, ReadValues(group));
    bool enable = false;
    values.Take("enable", enable);
    if (enable) config_.other_groups.push_back(group);
    dewarpers_ += enable ? 1 : 0;
    if (dewarpers_ <= config_.sources.size()) return {};
    return Refuse(group, "", "more dewarpers than sources before them",
                  "put them behind the sources");
  }

  Status ReadSink(const std::string& group) {
    if (config_.sinks.size() == kMaxSinks)
      return Refuse(group, "", fmt::format("more than {} sinks", kMaxSinks));
    if (!IsEnabled(group)) return {};
    EDET_ASSIGN_OR_RETURN(GroupValues values, ReadValues(group));
    SinkConfig sink = EmptySink();
    TakeSinkValues(values, sink);
    sink.id = static_cast<unsigned>(GroupIndex(group, "sink").value_or(config_.sinks.size()));
    config_.sinks.push_back(sink);
    return {};
  }

  Status CheckLabels(const std::string& group, const std::filesystem::path& labels) {
    std::string path = labels.string();
    if (StartsWith(path, "file:")) path = path.substr(5);
    const int fd = path.empty() ? -1 : open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
      Error error = Refuse(group, "labelfile-path", fmt::format("there is no labels file {}", path),
                           "paths are relative to the folder of this file");
      error.code = ErrorCode::kNotFound;
      return error;
    }
    close(fd);
    return {};
  }

  Status CheckInference(const std::string& group, GroupValues& values) {
    std::filesystem::path config_file, labels;
    values.Take("labelfile-path", labels);
    if (values.Has("labelfile-path")) EDET_RETURN_IF_ERROR(CheckLabels(group, labels));
    if (values.Has("config-file")) return {};
    return Refuse(group, "", fmt::format("[{}] has no config-file", group),
                  "add config-file=<nvinfer configuration>");
  }

  Status ReadPrimary() {
    if (!IsEnabled(kPrimary)) return {};
    EDET_ASSIGN_OR_RETURN(GroupValues values, ReadInference(kPrimary));
    return TakePrimary(values);
  }

  Status TakePrimary(GroupValues& values) {
    PrimaryGieConfig& gie = config_.primary_gie;
    values.Take("enable", gie.enable);
    values.Take("plugin-type", gie.plugin_type);
    values.Take("config-file", gie.config_file);
    values.Take("model-engine-file", gie.model_engine_file);
    values.Take("labelfile-path", gie.labelfile_path);
    TakeOptional(values, "batch-size", gie.batch_size);
    TakeOptional(values, "interval", gie.interval);
    TakeOptional(values, "gie-unique-id", gie.gie_unique_id);
    return {};
  }

  Result<GroupValues> ReadInference(const std::string& group) {
    EDET_ASSIGN_OR_RETURN(GroupValues values, ReadValues(group));
    Status status = CheckInference(group, values);
    if (!status.ok()) return status.error();
    return values;
  }

  Status ReadSecondary(const std::string& group) {
    if (secondary_ids_.size() == kMaxSecondaries)
      return Refuse(group, "", "too many secondary GIEs");
    if (!IsEnabled(group)) return {};
    EDET_ASSIGN_OR_RETURN(GroupValues values, ReadInference(group));
    unsigned id = 0;
    values.Take("gie-unique-id", id);
    secondary_ids_.emplace_back(group, id);
    config_.other_groups.push_back(group);
    return {};
  }

  Status CheckUniqueIds() {
    std::set<unsigned> ids{config_.primary_gie.gie_unique_id.value_or(0)};
    for (const auto& [group, id] : secondary_ids_) {
      if (!ids.insert(id).second)
        return Refuse(group, "gie-unique-id", fmt::format("gie-unique-id {} is there twice", id));
    }
    return {};
  }

  Status ReadStreammux() {
    EDET_ASSIGN_OR_RETURN(GroupValues values, ReadValues("streammux"));
    StreammuxConfig& mux = config_.streammux;
    values.Take("batch-size", mux.batch_size);
    values.Take("width", mux.width);
    values.Take("height", mux.height);
    mux.batched_push_timeout_us = -1;
    values.Take("batched-push-timeout", mux.batched_push_timeout_us);
    values.Take("live-source", mux.live_source);
    values.Take("enable-padding", mux.enable_padding);
    return {};
  }

  Status ReadOsd() {
    EDET_ASSIGN_OR_RETURN(GroupValues values, ReadValues("osd"));
    OsdConfig& osd = config_.osd;
    osd.display_text = osd.display_bbox = true;
    values.Take("enable", osd.enable);
    values.Take("border-width", osd.border_width);
    values.Take("text-size", osd.text_size);
    values.Take("font", osd.font);
    values.Take("display-text", osd.display_text);
    values.Take("display-bbox", osd.display_bbox);
    TakeOptional(values, "text-color", osd.text_color);
    return {};
  }

  Status ReadTracker() {
    // Lists of files are split by the tracker's own rule.
    const PathResolver ordinary = resolve_;
    resolve_ = [this, &ordinary](const KeySpec& spec, const std::string& text) {
      if (spec.key != "ll-config-file") return ordinary(spec, text);
      return file_.is_yaml() ? ResolveYamlPathList(file_, text)
                             : ResolvePathList(file_.path(), text);
    };
    Result<GroupValues> values = ReadValues("tracker");
    resolve_ = ordinary;
    if (!values.ok()) return values.error();
    values->Take("enable", config_.tracker.enable);
    values->Take("ll-lib-file", config_.tracker.ll_lib_file);
    values->Take("ll-config-file", config_.tracker.ll_config_file);
    return {};
  }

  Status ReadTests() {
    EDET_ASSIGN_OR_RETURN(GroupValues values, ReadValues("tests"));
    values.Take("file-loop", config_.file_loop);
    return {};
  }

  Status ReadTiler() {
    EDET_ASSIGN_OR_RETURN(GroupValues values, ReadValues("tiled-display"));
    values.Take("enable", config_.tiled_display.enable);
    values.Take("rows", config_.tiled_display.rows);
    values.Take("columns", config_.tiled_display.columns);
    values.Take("width", config_.tiled_display.width);
    values.Take("height", config_.tiled_display.height);
    return {};
  }

  // Parts that this program does not have: read for their errors only.
  Status ReadOther(const std::string& group) {
    const GroupSpec* spec = table_.Find(group);
    // [dewarper12] is none: the name ends in one character.
    if (spec == nullptr || spec->name == "dewarper") {
      ReportUnknownGroup(group);
      return {};
    }
    if (others_[spec->name] == kMaxConsumers && spec->match == GroupMatch::kPrefix) {
      return Refuse(group, "",
                    fmt::format("more than {} groups [{}...]", kMaxConsumers, spec->name));
    }
    EDET_ASSIGN_OR_RETURN(GroupValues values, ReadValues(group));
    bool enable = false;
    values.Take("enable", enable);
    if (!enable) return {};
    ++others_[spec->name];
    config_.other_groups.push_back(group);
    return {};
  }

  void ReportUnknownGroup(const std::string& group) {
    std::vector<std::string> names;
    for (const GroupSpec& spec : table_.groups) {
      names.push_back(spec.match == GroupMatch::kExact ? spec.name : spec.name + "0");
    }
    const std::vector<std::string> near = NearestNames(group, names);
    findings_.Warn(
        "unknown-group", fmt::format("deepstream-app ignores the group [{}] without a word", group),
        file_.Where(group), near.empty() ? "" : fmt::format("did you mean [{}]?", near.front()));
  }

  // type=3: num-sources sources whose numbers stand for the %d in the URI.
  Status ExpandMultiUri() {
    const size_t count = config_.sources.size();
    for (size_t i = 0; i < count; ++i) {
      if (config_.sources[i].type != 3) continue;
      const std::string group = fmt::format("source{}", config_.sources[i].id);
      const SourceConfig original = config_.sources[i];
      if (original.num_sources - 1 > kMaxSources - config_.sources.size()) {
        return Refuse(group, "num-sources", fmt::format("more than {} sources", kMaxSources));
      }
      for (unsigned n = 0; n < original.num_sources; ++n) {
        SourceConfig copy = original;
        copy.type = 2;
        EDET_ASSIGN_OR_RETURN(copy.uri, FormatUri(group, original.uri, n));
        if (n == 0) config_.sources[i] = copy;
        if (n > 0) config_.sources.push_back(copy);
      }
    }
    return {};
  }

  // deepstream-app hands the URI to printf; only what is safe there is taken: one %d (%u, %i),
  // perhaps with a width.
  Result<std::string> FormatUri(const std::string& group, const std::string& uri, unsigned number) {
    std::string out;
    bool used = false;
    for (size_t i = 0; i < uri.size(); ++i) {
      if (uri[i] != '%') {
        out += uri[i];
        continue;
      }
      const size_t end = uri.find_first_not_of("0123456789", i + 1);
      const char kind = end == std::string::npos ? '\0' : uri[end];
      const bool plain = end == i + 1;
      if (kind == '%' && plain) {
        out += '%';
      } else if ((kind == 'd' || kind == 'u' || kind == 'i') && !used && end - i <= 4) {
        used = true;
        out += PaddedNumber(uri.substr(i + 1, end - i - 1), number);
      } else {
        return Refuse(group, "uri", "a URI of type=3 may hold one %d and nothing else with '%'",
                      "write %% for '%'");
      }
      i = end;
    }
    return out;
  }

  static std::string PaddedNumber(const std::string& width, unsigned number) {
    const size_t places = width.empty() ? 0 : std::stoul(width);
    std::string digits = fmt::format("{}", number);
    const char fill = !width.empty() && width.front() == '0' ? '0' : ' ';
    if (digits.size() < places) digits.insert(0, places - digits.size(), fill);
    return digits;
  }

  struct YamlInference {
    bool enable = false, has_config = false;
    unsigned unique_id = 0;
    std::filesystem::path labels;
  };

  const KeyFile& file_;
  const KeyTable& table_;
  Findings& findings_;
  PathResolver resolve_;
  AppConfig config_;
  // In YAML a part that is not enabled leaves its values to the next one of its kind.
  SourceConfig pending_source_ = DisabledSource();
  SinkConfig pending_sink_ = EmptySink();
  YamlInference primary_slot_, secondary_slot_;
  bool all_on_gpu_ = false;
  bool listed_ = false, has_uris_ = false;  // [source-list], and its key `list`
  unsigned total_ = 0;
  std::vector<std::string> list_;
  std::set<unsigned> source_ids_;
  std::vector<std::pair<std::string, unsigned>> secondary_ids_;
  std::map<std::string, size_t> others_;
  size_t dewarpers_ = 0;
};

}  // namespace

Result<AppConfig> ReadAppConfig(const std::filesystem::path& path, Findings& findings) {
  EDET_ASSIGN_OR_RETURN(const KeyFile file, KeyFile::Load(path, findings));
  return AppReader(file, findings).Read();
}

}  // namespace edet::deepstream
