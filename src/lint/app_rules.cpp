#include "lint/app_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "deepstream/key_table.h"
#include "lint/condition.h"
#include "lint/key_rules.h"
#include "lint/referenced_files.h"

namespace edet::lint {
namespace {

namespace fs = std::filesystem;

bool StartsWith(const std::string& text, const char* start) { return text.rfind(start, 0) == 0; }

bool IsEnabled(const ConfigText& file, const std::string& group) {
  return file.Int(group, "enable").value_or(0) != 0;
}

bool IsInference(const std::string& group) {
  return group == "primary-gie" || StartsWith(group, "secondary-gie");
}

// Groups that count only with enable.
bool NeedsEnable(const std::string& group) {
  return IsInference(group) || StartsWith(group, "sink") ||
         (StartsWith(group, "source") && group != "source-list" && group != "source-attr-all");
}

struct SourceCount {
  int sources = 0, live = 0;
};

class AppChecker {
 public:
  AppChecker(const ConfigText& file, const std::vector<Inference>& inferences, Report& report)
      : file_(file), inferences_(inferences), report_(report) {}

  void Check() {
    CheckSyntax(file_, report_);
    CheckForm(file_, report_);
    CheckKeys(file_, deepstream::DeepstreamAppKeys(), IsReadByApp, report_);
    CheckConditions(file_, "app", true, report_);
    CheckEnables();
    CheckSources();
    CheckSinks();
    CheckMuxer();
    CheckTiles();
    CheckInferences();
    CheckIds();
    CheckPaths();
    CheckTracker();
  }

 private:
  void CheckEnables() {
    for (const Group& group : file_.groups()) {
      if (!NeedsEnable(group.name) || file_.Int(group.name, "enable")) continue;
      report_.Add("not-enabled", file_.At(group.name, "enable"),
                  fmt::format("[{}] is ignored: it has no enable=1", group.name));
      // A value that GLib refuses is worth its own word.
    }
  }

  void CheckSources() {
    for (const Group& group : file_.groups()) {
      if (!StartsWith(group.name, "source") || !IsEnabled(file_, group.name)) continue;
      if (group.name != "source-list" && group.name != "source-attr-all") CheckSource(group.name);
    }
    for (const std::string& uri : file_.List("source-list", "list")) {
      ++count_.sources;
      count_.live += StartsWith(uri, "rtsp://") ? 1 : 0;
    }
    if (file_.FindGroup("source-list") != nullptr && count_.sources == 0)
      count_.sources = std::max(0, file_.Int("source-list", "num-source-bins").value_or(0));
    const bool served = file_.IsOn("source-list", "use-nvmultiurisrcbin");
    if (count_.sources == 0 && !served)
      report_.Add("no-source", file_.AtLine(1), "no source is enabled");
  }

  void CheckSource(const std::string& group) {
    const int type = file_.Int(group, "type").value_or(0);
    const int number = std::max(1, file_.Int(group, "num-sources").value_or(1));
    const std::string uri = file_.Text(group, "uri").value_or("");
    const bool rtsp = StartsWith(uri, "rtsp://");
    const int count = type == 3 ? number : 1;
    count_.sources += count;
    if (rtsp || type == 1 || type == 4 || type == 5) count_.live += count;
    if (type < 2 || type > 4 || uri.empty()) return;
    CheckUri(group, uri);
    if (rtsp && type == 2) {
      report_.Add("source-type", file_.At(group, "type"), "an rtsp:// uri with type=2",
                  "write type=4", {file_.Put(group, "type", "4")});
    }
    if (StartsWith(uri, "file:") && type == 4) {
      report_.Add("source-type", file_.At(group, "type"), "a file:// uri with type=4 (RTSP)",
                  "write type=2", {file_.Put(group, "type", "2")});
    }
  }

  void CheckUri(const std::string& group, const std::string& uri) {
    const Entry& entry = *file_.Find(group, "uri");
    if (uri.front() == '/' || uri.find(':') == std::string::npos) {
      return report_.Add("uri-without-scheme", file_.AtValue(entry),
                         fmt::format("'{}' is no URI", uri), "write file://" + uri,
                         {file_.ReplaceValue(entry, "file://" + entry.text)});
    }
    if (!StartsWith(uri, "file://") || uri.find('%') != std::string::npos) return;
    const std::string written = uri.substr(7);
    const fs::path path =
        StartsWith(written, "/") ? fs::path(written) : file_.path().parent_path() / written;
    std::error_code ignored;
    CheckExists({path, fs::exists(path, ignored)}, file_.AtValue(entry), written, report_);
  }

  void CheckSinks() {
    bool any = false;
    for (const Group& group : file_.groups()) {
      if (!StartsWith(group.name, "sink") || !IsEnabled(file_, group.name)) continue;
      any = true;
      if (file_.IsOn(group.name, "sync") && count_.live > 0) {
        report_.Add("sync-with-live", file_.At(group.name, "sync"),
                    "sync=1 with cameras or RTSP: late frames pile up", "set sync=0");
      }
    }
    if (!any) report_.Add("no-sink", file_.AtLine(1), "no sink is enabled");
  }

  void CheckMuxer() {
    constexpr const char* kGroup = "streammux";
    if (file_.IsOn("source-list", "use-nvmultiurisrcbin")) return;
    if (file_.FindGroup(kGroup) == nullptr)
      return report_.Add("no-streammux", file_.AtLine(1), "there is no [streammux]");
    CheckMuxerBatch();
    const bool live = file_.IsOn(kGroup, "live-source");
    if (count_.live > 0 && !live) {
      report_.Add("live-source", file_.At(kGroup, "live-source"),
                  fmt::format("{} live source(s), and live-source is not 1", count_.live), "",
                  {file_.Put(kGroup, "live-source", "1")});
    }
    if (live && count_.live == 0 && count_.sources > 0) {
      report_.Add("live-source-for-files", file_.At(kGroup, "live-source"),
                  "live-source=1, and no source is a camera or RTSP");
    }
    if (count_.live > 0 && file_.Int(kGroup, "batched-push-timeout").value_or(-1) < 0) {
      report_.Add("no-push-timeout", file_.At(kGroup, "batched-push-timeout"),
                  "batches of live sources wait for every source without batched-push-timeout");
    }
  }

  void CheckMuxerBatch() {
    constexpr const char* kGroup = "streammux";
    // [source-list] sets the number itself.
    if (file_.FindGroup("source-list") != nullptr) return;
    const int batch = file_.Int(kGroup, "batch-size").value_or(0);
    if (batch < 1) {
      return report_.Add("no-batch-size", file_.At(kGroup, "batch-size"),
                         "[streammux] batch-size is not given: it is 0", "",
                         {file_.Put(kGroup, "batch-size", std::to_string(count_.sources))});
    }
    if (batch < count_.sources) {
      report_.Add("batch-below-sources", file_.At(kGroup, "batch-size"),
                  fmt::format("batch-size is {}, there are {} sources", batch, count_.sources), "",
                  {file_.Put(kGroup, "batch-size", std::to_string(count_.sources))});
    }
    for (const Inference& inference : inferences_) {
      if (inference.group != "primary-gie") continue;
      const int gie = Effective(inference, "batch-size", 1);
      if (gie >= batch || inference.config == nullptr) continue;
      report_.Add("gie-batch-below-sources",
                  file_.Has(inference.group, "batch-size")
                      ? file_.At(inference.group, "batch-size")
                      : inference.config->At("property", "batch-size"),
                  fmt::format("the inference takes {}, [streammux] gathers {}", gie, batch));
    }
  }

  int Effective(const Inference& inference, const char* key, int absent) const {
    if (const auto own = file_.Int(inference.group, key)) return *own;
    if (inference.config == nullptr) return absent;
    return inference.config->Int("property", key).value_or(absent);
  }

  void CheckTiles() {
    constexpr const char* kGroup = "tiled-display";
    if (count_.sources < 2) return;
    if (!IsEnabled(file_, kGroup)) {
      int sinks = 0;
      for (const Group& group : file_.groups())
        sinks += StartsWith(group.name, "sink") && IsEnabled(file_, group.name) ? 1 : 0;
      if (sinks < count_.sources) {
        report_.Add(
            "no-tiles", file_.At(kGroup),
            fmt::format("{} sources, {} sink(s) and no tiled display", count_.sources, sinks));
      }
      return;
    }
    const int rows = file_.Int(kGroup, "rows").value_or(0);
    const int columns = file_.Int(kGroup, "columns").value_or(0);
    if (rows <= 0 || columns <= 0 || rows >= count_.sources || columns >= count_.sources ||
        rows * columns >= count_.sources)
      return;
    const int needed = (count_.sources + columns - 1) / columns;
    report_.Add("tiles-below-sources", file_.At(kGroup, "rows"),
                fmt::format("{} x {} tiles for {} sources", rows, columns, count_.sources),
                fmt::format("write rows={}", needed),
                {file_.Put(kGroup, "rows", std::to_string(needed))});
  }

  void CheckInferences() {
    if (!IsEnabled(file_, "primary-gie")) {
      report_.Add("no-inference", file_.At("primary-gie", "enable"),
                  "[primary-gie] is absent or off: nothing is detected");
    }
    for (const Inference& inference : inferences_) {
      CheckOverrides(inference);
      CheckSecondary(inference);
    }
    const int interval = inferences_.empty() ? 0 : Effective(inferences_.front(), "interval", 0);
    if (interval > 0 && !IsEnabled(file_, "tracker")) {
      const std::string& group = inferences_.front().group;
      report_.Add("interval-without-tracker",
                  file_.Has(group, "interval")
                      ? file_.At(group, "interval")
                      : inferences_.front().config->At("property", "interval"),
                  fmt::format("interval={} and no tracker: boxes flicker", interval));
    }
  }

  void CheckOverrides(const Inference& inference) {
    if (inference.config == nullptr) return;
    struct Overruled {
      const char* key;
      const char* rule;
    };
    for (const Overruled& known :
         {Overruled{"batch-size", "override-batch"}, Overruled{"interval", "override-interval"},
          Overruled{"gie-unique-id", "override-unique-id"},
          Overruled{"model-engine-file", "override-engine"}}) {
      const Entry* here = file_.Find(inference.group, known.key);
      const Entry* there = inference.config->Find("property", known.key);
      if (here == nullptr || there == nullptr || SamePlace(inference, *here, *there)) continue;
      report_.Add(
          known.rule, file_.AtValue(*here),
          fmt::format("{}={} overrules {}={} in {}:{}", known.key, here->text, known.key,
                      there->text, inference.config->path().filename().string(), there->line));
    }
    CheckLabelOverride(inference);
  }

  // Whether both lines say the same; paths are compared as they lead.
  bool SamePlace(const Inference& inference, const Entry& here, const Entry& there) const {
    if (here.key != "model-engine-file") return here.text == there.text;
    const auto a = AppReference(file_, inference.group, here.key);
    const auto b = NvinferReference(*inference.config, there.key);
    return a && b && a->path.lexically_normal() == b->path.lexically_normal();
  }

  void CheckLabelOverride(const Inference& inference) {
    const auto here = AppReference(file_, inference.group, "labelfile-path");
    const auto there = NvinferReference(*inference.config, "labelfile-path");
    if (!here || !there) return;
    std::error_code ignored;
    if (here->path.lexically_normal() == there->path.lexically_normal() ||
        fs::equivalent(here->path, there->path, ignored))
      return;
    report_.Add("override-labels", file_.At(inference.group, "labelfile-path"),
                fmt::format("labels are {} here and {} in the inference's file",
                            here->path.string(), there->path.string()));
  }

  void CheckSecondary(const Inference& inference) {
    if (inference.group == "primary-gie" || inference.config == nullptr) return;
    if (inference.config->Int("property", "process-mode").value_or(1) == 2) return;
    report_.Add("secondary-full-frame", inference.config->At("property", "process-mode"),
                fmt::format("[{}] names this file, whose process-mode is not 2", inference.group));
  }

  void CheckIds() {
    std::map<int, std::string> owners;
    for (const Inference& inference : inferences_) {
      const auto [place, fresh] = owners.emplace(inference.unique_id, inference.group);
      if (fresh) continue;
      report_.Add("unique-id-clash", file_.At(inference.group, "gie-unique-id"),
                  fmt::format("[{}] and [{}] both have gie-unique-id {}", place->second,
                              inference.group, inference.unique_id));
    }
    for (const Inference& inference : inferences_) {
      const auto asked = AskedId(inference);
      if (!asked || owners.count(*asked) != 0) continue;
      report_.Add("operate-on-nobody",
                  file_.Has(inference.group, "operate-on-gie-id")
                      ? file_.At(inference.group, "operate-on-gie-id")
                      : inference.config->At("property", "operate-on-gie-id"),
                  fmt::format("no enabled inference has gie-unique-id {}", *asked));
    }
  }

  std::optional<int> AskedId(const Inference& inference) const {
    if (inference.group == "primary-gie") return std::nullopt;
    std::optional<int> asked = file_.Int(inference.group, "operate-on-gie-id");
    if (!asked && inference.config != nullptr)
      asked = inference.config->Int("property", "operate-on-gie-id");
    return asked && *asked > 0 ? asked : std::nullopt;
  }

  void CheckPaths() {
    for (const Group& group : file_.groups()) {
      if (!IsInference(group.name) || !IsEnabled(file_, group.name)) continue;
      CheckPath(group.name, "config-file");
      CheckLabelPath(group.name);
    }
    for (const char* group : {"tracker", "nvds-analytics", "pre-process"}) {
      if (!IsEnabled(file_, group)) continue;
      for (const char* key : {"ll-lib-file", "ll-config-file", "config-file"})
        CheckPath(group, key);
    }
    for (const Group& group : file_.groups()) {
      if (!StartsWith(group.name, "sink") || !IsEnabled(file_, group.name)) continue;
      for (const char* key : {"msg-broker-proto-lib", "msg-conv-config", "msg-broker-config"})
        CheckPath(group.name, key);
    }
    for (const char* key : {"gie-kitti-output-dir", "kitti-track-output-dir"}) CheckFolder(key);
  }

  void CheckPath(const std::string& group, const char* key) {
    const Entry* entry = file_.Find(group, key);
    const std::string written = file_.Text(group, key).value_or("");
    const std::optional<Reference> reference = AppReference(file_, group, key);
    // A tracker may have several configs, separated by ';'.
    if (entry == nullptr || !reference || written.find(';') != std::string::npos) return;
    CheckExists(*reference, file_.AtValue(*entry), written, report_);
  }

  void CheckLabelPath(const std::string& group) {
    const std::optional<Reference> labels = AppReference(file_, group, "labelfile-path");
    const std::string written = file_.Text(group, "labelfile-path").value_or("");
    if (!labels || labels->exists) return;
    if (StartsWith(written, "/")) return CheckPath(group, "labelfile-path");
    report_.Add("labels-refused", file_.At(group, "labelfile-path"),
                fmt::format("there is no labels file {}", labels->path.string()));
  }

  void CheckFolder(const char* key) {
    const std::optional<Reference> folder = AppReference(file_, "application", key);
    std::error_code ignored;
    if (!folder || fs::is_directory(folder->path, ignored)) return;
    report_.Add("missing-folder", file_.At("application", key),
                fmt::format("there is no folder {}: nothing is written", folder->path.string()));
  }

  void CheckTracker() {
    constexpr const char* kGroup = "tracker";
    if (!IsEnabled(file_, kGroup)) return;
    for (const char* key : {"tracker-width", "tracker-height"}) {
      const std::optional<int> size = file_.Int(kGroup, key);
      if (!size || *size % 32 == 0) continue;
      report_.Add("tracker-size", file_.At(kGroup, key),
                  fmt::format("{}={} is not a multiple of 32", key, *size),
                  fmt::format("write {}", (*size / 32 + 1) * 32));
    }
  }

  const ConfigText& file_;
  const std::vector<Inference>& inferences_;
  Report& report_;
  SourceCount count_;
};

}  // namespace

bool IsReadByApp(const ConfigText& file, const Group& group) {
  return !NeedsEnable(group.name) || IsEnabled(file, group.name);
}

std::vector<Inference> InferencesOf(const ConfigText& app) {
  std::vector<Inference> inferences;
  for (const Group& group : app.groups()) {
    if (!IsInference(group.name) || !IsEnabled(app, group.name)) continue;
    const std::optional<Reference> config = AppReference(app, group.name, "config-file");
    if (!config) continue;
    Inference inference;
    inference.group = group.name;
    inference.plugin_type = app.Int(group.name, "plugin-type").value_or(0);
    inference.config_file = config->path;
    inference.unique_id = app.Int(group.name, "gie-unique-id").value_or(0);
    if (group.name == "primary-gie") {
      inferences.insert(inferences.begin(), std::move(inference));
    } else {
      inferences.push_back(std::move(inference));
    }
  }
  return inferences;
}

void CheckApp(const ConfigText& app, const std::vector<Inference>& inferences, Report& report) {
  AppChecker(app, inferences, report).Check();
}

}  // namespace edet::lint
