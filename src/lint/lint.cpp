#include "lint/lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <set>
#include <string_view>

#include "base/file.h"
#include "deepstream/app_config.h"
#include "deepstream/key_table.h"
#include "deepstream/nvinfer_config.h"
#include "lint/app_rules.h"
#include "lint/label_rules.h"
#include "lint/nvinfer_rules.h"
#include "lint/server_rules.h"

namespace edet::lint {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kConfigLimitBytes = uint64_t{64} << 20;

// Keys of other elements' files, which have a [property] too.
bool IsOtherElement(const ConfigText& file) {
  for (const char* key :
       {"config-width", "config-height", "processing-width", "network-input-shape", "tensor-name",
        "output-width", "num-batch-buffers", "custom-input-transformation-function"}) {
    if (file.Has("property", key)) return true;
  }
  return false;
}

// Post-processing of tensors, which has keys of nvinfer's but no model.
bool IsPostprocess(const ConfigText& file) {
  for (const char* key : {"onnx-file", "model-engine-file", "model-file", "tlt-encoded-model",
                          "uff-file", "custom-network-config", "net-scale-factor"}) {
    if (file.Has("property", key)) return false;
  }
  return file.Int("property", "network-type") == 4 ||
         (file.Has("property", "network-type") && file.Has("property", "output-blob-names"));
}

// No source at all, but groups that deepstream-app does not know: receivers, senders.
bool LacksSources(const ConfigText& file) {
  bool strange = false;
  for (const Group& group : file.groups()) {
    if (group.name.rfind("source", 0) == 0 || group.name == "primary-gie") return false;
    strange = strange || deepstream::DeepstreamAppKeys().Find(group.name) == nullptr;
  }
  return strange;
}

// Files of other programs than deepstream-app, which share its groups in YAML.
bool IsOtherProgram(const ConfigText& file) {
  if (!file.is_yaml()) return LacksSources(file);
  for (const Group& group : file.groups()) {
    if (group.name.find("-gie") == std::string::npos) continue;
    if (file.Has(group.name, "config-file-path") || file.Has(group.name, "cfg-file-path"))
      return true;
  }
  return file.Has("source-list", "list") ||
         (file.FindGroup("source0") == nullptr && file.FindGroup("application") == nullptr);
}

// A [property] without any model, and with keys of which nvinfer does not know most.
bool LacksNvinferKeys(const ConfigText& file) {
  const Group* property = file.FindGroup("property");
  const bool has_classes =
      std::any_of(file.groups().begin(), file.groups().end(),
                  [](const Group& group) { return group.name.rfind("class-attrs-", 0) == 0; });
  if (property == nullptr || has_classes) return false;
  const deepstream::GroupSpec* spec = deepstream::NvinferKeys().Find("property");
  const auto known =
      std::count_if(property->entries.begin(), property->entries.end(),
                    [spec](const Entry& entry) { return spec->Find(entry.key) != nullptr; });
  return !property->entries.empty() && known * 2 < static_cast<long>(property->entries.size());
}

bool IsAppGroup(const std::string& name) {
  const deepstream::GroupSpec* spec = deepstream::DeepstreamAppKeys().Find(name);
  return spec != nullptr && spec->name != "replay";
}

FileKind KindOfKeyFile(const ConfigText& file) {
  size_t app = 0, infer = 0;
  for (const Group& group : file.groups()) {
    app += IsAppGroup(group.name) ? 1 : 0;
    infer += deepstream::NvinferKeys().Find(group.name) != nullptr ? 1 : 0;
  }
  if (app > 0 && app >= infer) return IsOtherProgram(file) ? FileKind::kOther : FileKind::kApp;
  if (infer == 0) return FileKind::kOther;
  return IsOtherElement(file) || IsPostprocess(file) || LacksNvinferKeys(file) ? FileKind::kOther
                                                                               : FileKind::kNvinfer;
}

// Whether a line begins with `head`, at the margin.
bool HasLine(const std::string& text, const std::string& head) {
  const size_t begin = text.rfind("\xEF\xBB\xBF", 0) == 0 ? 3 : 0;
  return text.compare(begin, head.size(), head) == 0 || text.find("\n" + head) != std::string::npos;
}

// What YAML that cannot be parsed, or that ends before its groups begin, was meant to be.
FileKind KindOfBrokenYaml(const ConfigText& file, const std::string& text) {
  const bool has_groups =
      std::any_of(file.groups().begin(), file.groups().end(), [](const Group& group) {
        return IsAppGroup(group.name) || deepstream::NvinferKeys().Find(group.name) != nullptr;
      });
  if (!file.is_yaml() || has_groups) return FileKind::kOther;
  if (HasLine(text, "property:") || HasLine(text, "class-attrs-")) return FileKind::kNvinfer;
  const std::array<const char*, 5> groups{
      "application:", "streammux:", "primary-gie:", "sink0:", "tiled-display:"};
  return std::count_if(groups.begin(), groups.end(),
                       [&](const char* head) { return HasLine(text, head); }) >= 2
             ? FileKind::kApp
             : FileKind::kOther;
}

// Text whose lines are names: no key, no brace, no markup.
bool LooksLikeLabels(const std::string& text) {
  return !text.empty() && text.find_first_of("={}[]<>\0\t:", 0, 10) == std::string::npos;
}

// Several labels on every line: a classifier's.
bool AllJoined(const std::string& text) {
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    if (!line.empty() && line.find(';') == std::string_view::npos) return false;
    begin = end + 1;
  }
  return true;
}

// The place that a reader's error names: "file:line [group] key".
Place PlaceOf(const std::string& where, const ConfigText& file) {
  const size_t end = std::min(where.find(" ["), where.size());
  const size_t colon = where.substr(0, end).rfind(':');
  size_t line = 0;
  const char* digits = colon == std::string::npos ? where.c_str() : where.c_str() + colon + 1;
  if (std::from_chars(digits, where.c_str() + end, line).ptr != where.c_str() + end || line == 0)
    return {file.path(), 1, 1, 0, "", ""};
  const fs::path path = where.substr(0, colon);
  return path == file.path() ? file.AtLine(line) : Place{path, line, 1, 0, "", ""};
}

// Rules that say in better words what the reader stops at.
bool TellsOfRefusal(const Rule& rule) {
  static const std::set<std::string> kRules = {
      "wrong-type",  "bool-spelling", "comment-refused",  "out-of-range",   "list-length",
      "refused-key", "class-beyond",  "missing-property", "labels-refused", "num-sources-ignored"};
  return rule.severity == Severity::kError && kRules.count(rule.id) != 0;
}

class Linter {
 public:
  explicit Linter(const LintOptions& options) : report_(options.target) {}

  // What the user named must be there.
  Status Open(const fs::path& path) {
    Result<std::string> text = ReadFile(path, kConfigLimitBytes);
    if (!text.ok()) return text.error();
    const FileKind kind = RecognizeKind(*text, path);
    given_.push_back({path, std::move(text).value(), kind});
    return {};
  }

  LintResult Run() {
    // What an app config overrules must be known when its inferences' files are read.
    std::stable_sort(given_.begin(), given_.end(), [](const Given& a, const Given& b) {
      return (a.kind == FileKind::kApp) > (b.kind == FileKind::kApp);
    });
    for (Given& given : given_) {
      if (IsFresh(given.path)) LintGiven(given);
    }
    return {report_.TakeSorted(), std::move(looked_at_)};
  }

 private:
  struct Given {
    fs::path path;
    std::string text;
    FileKind kind;
  };

  bool IsFresh(const fs::path& path) {
    std::error_code ignored;
    const fs::path canonical = fs::weakly_canonical(path, ignored);
    if (!seen_.insert(canonical).second) return false;
    looked_at_.push_back(path);
    return true;
  }

  const ConfigText& Keep(ConfigText text) {
    texts_.push_back(std::make_unique<ConfigText>(std::move(text)));
    return *texts_.back();
  }

  void LintGiven(Given& given) {
    switch (given.kind) {
      case FileKind::kApp:
        return LintApp(Keep(ConfigText::Parse(std::move(given.text), given.path)));
      case FileKind::kNvinfer: {
        NvinferUse use;
        use.file = &Keep(ConfigText::Parse(std::move(given.text), given.path));
        return LintNvinfer(use);
      }
      case FileKind::kServer:
        return CheckServer(given.path, given.text, files_, report_);
      case FileKind::kLabels:
        CheckLabels(given.path, AllJoined(given.text), report_);
        return;
      case FileKind::kOther:
        break;
    }
    report_.Add("not-linted", {given.path, 1, 1, 0, "", ""},
                "neither an nvinfer, nvinferserver or deepstream-app config nor labels");
  }

  void LintApp(const ConfigText& app) {
    std::vector<Inference> inferences = InferencesOf(app);
    for (Inference& inference : inferences) OpenInference(app, inference);
    CheckApp(app, inferences, report_);
    Findings told_by_rules;
    CheckAccepted(app, deepstream::ReadAppConfig(app.path(), told_by_rules));
  }

  void LintNvinfer(const NvinferUse& use) {
    CheckNvinfer(use, files_, report_);
    Findings told_by_rules;
    CheckAccepted(*use.file, deepstream::ReadNvinferConfig(use.file->path(), told_by_rules));
  }

  // The last word is the reader's, which does what DeepStream's does. What this machine lacks
  // (NotFound) is no fault of the file; an error at the same line has told of it.
  template <typename Config>
  void CheckAccepted(const ConfigText& file, const Result<Config>& config) {
    if (config.ok() || config.error().code == ErrorCode::kNotFound) return;
    const Place place = PlaceOf(config.error().where, file);
    const bool told =
        std::any_of(report_.all().begin(), report_.all().end(), [&](const Diagnostic& found) {
          return TellsOfRefusal(*found.rule) && found.place.file == place.file &&
                 found.place.line == place.line;
        });
    const bool unreadable =
        std::any_of(file.faults().begin(), file.faults().end(), [](const SyntaxFault& fault) {
          return fault.kind != SyntaxFault::Kind::kNoTable &&
                 fault.kind != SyntaxFault::Kind::kNulByte;
        });
    if (told || unreadable) return;
    report_.Add(report_.TargetBefore("9.0") ? "refused-in-9.1" : "refused", place,
                config.error().what, config.error().hint);
  }

  void OpenInference(const ConfigText& app, Inference& inference) {
    Result<std::string> text = ReadFile(inference.config_file, kConfigLimitBytes);
    if (!text.ok()) return;  // missing-file tells
    const FileKind kind = RecognizeKind(*text, inference.config_file);
    const bool server = inference.plugin_type == 1;
    const Place place = app.At(inference.group, "config-file");
    if ((kind == FileKind::kServer) != server && kind != FileKind::kOther) {
      return report_.Add("wrong-config-kind", place,
                         fmt::format("plugin-type={} ({}) is given a file of {}",
                                     inference.plugin_type, server ? "nvinferserver" : "nvinfer",
                                     kind == FileKind::kServer   ? "nvinferserver"
                                     : kind == FileKind::kApp    ? "deepstream-app"
                                     : kind == FileKind::kLabels ? "labels"
                                                                 : "nvinfer"));
    }
    if (server) {
      if (IsFresh(inference.config_file))
        CheckServer(inference.config_file, *text, files_, report_);
      return;
    }
    inference.config = &Keep(ConfigText::Parse(std::move(text).value(), inference.config_file));
    if (!app.Has(inference.group, "gie-unique-id"))
      inference.unique_id = inference.config->Int("property", "gie-unique-id").value_or(0);
    if (IsFresh(inference.config_file)) {
      LintNvinfer({inference.config, &app, inference.group});
    }
  }

  Report report_;
  ReferencedFiles files_;
  std::vector<Given> given_;
  std::vector<std::unique_ptr<ConfigText>> texts_;
  std::set<fs::path> seen_;
  std::vector<fs::path> looked_at_;
};

// nvinferserver's text, infer_config misspelt or not.
bool IsServerText(const std::string& text) {
  const auto has = [&text](const char* word) { return text.find(word) != std::string::npos; };
  if (!has("{")) return false;
  const std::array<const char*, 5> parts{"backend", "preprocess", "postprocess", "custom_lib",
                                         "input_control"};
  return has("infer_config") || std::count_if(parts.begin(), parts.end(), has) >= 3;
}

}  // namespace

FileKind RecognizeKind(const std::string& text, const fs::path& path) {
  if (IsServerText(text)) return FileKind::kServer;
  const ConfigText file = ConfigText::Parse(text, path);
  FileKind kind = KindOfKeyFile(file);
  if (kind == FileKind::kOther) kind = KindOfBrokenYaml(file, text);
  if (kind == FileKind::kOther && LooksLikeLabels(text)) return FileKind::kLabels;
  return kind;
}

Result<LintResult> Lint(const std::vector<fs::path>& files, const LintOptions& options) {
  Linter linter(options);
  for (const fs::path& path : files) {
    Status opened = linter.Open(path);
    if (!opened.ok()) return opened.error();
  }
  return linter.Run();
}

}  // namespace edet::lint
