#include "lint/nvinfer_rules.h"

#include <fmt/format.h>

#include <cctype>
#include <cstdlib>

#include "deepstream/key_table.h"
#include "lint/condition.h"
#include "lint/key_rules.h"
#include "lint/label_rules.h"

namespace edet::lint {
namespace {

constexpr const char* kProperty = "property";
constexpr const char* kClassPrefix = "class-attrs-";

bool AnyGroup(const ConfigText& /*file*/, const Group& /*group*/) { return true; }

bool IsClassGroup(const Group& group) { return group.name.rfind(kClassPrefix, 0) == 0; }

class NvinferChecker {
 public:
  NvinferChecker(const NvinferUse& use, ReferencedFiles& files, Report& report)
      : use_(use), file_(*use.file), files_(files), report_(report) {}

  void Check() {
    CheckSyntax(file_, report_);
    CheckForm(file_, report_);
    CheckKeys(file_, deepstream::NvinferKeys(), AnyGroup, report_);
    if (file_.FindGroup(kProperty) == nullptr)
      return report_.Add("missing-property", file_.AtLine(1), "there is no group [property]");
    CheckNetwork();
    CheckConditions(file_, "nvinfer", use_.app == nullptr, report_);
    CheckPaths();
    CheckOffsets();
    CheckClasses();
    CheckParserKeys();
    CheckLabelFile();
    CheckEngine(use_, report_);
    CheckLibrary(use_, files_, report_);
  }

 private:
  bool Has(const char* key) const { return file_.Has(kProperty, key); }

  // Before the rules that are data alone: what the network tells makes the same finding better.
  void CheckNetwork() {
    const std::optional<Reference> model = NvinferReference(file_, "onnx-file");
    if (!model || !model->exists) return;
    if (const onnx_format::ModelOutline* outline = files_.Model(model->path)) {
      CheckModel(use_, *outline, report_);
    } else {
      report_.Add("unreadable", file_.At(kProperty, "onnx-file"),
                  fmt::format("{} is not an ONNX model, or is cut off", model->path.string()),
                  "export or copy it again");
    }
  }

  void CheckPaths() {
    for (const char* key : {"onnx-file", "labelfile-path", "custom-lib-path", "mean-file",
                            "tlt-encoded-model", "uff-file", "model-file", "proto-file"})
      CheckPath(key);
    if (file_.Int(kProperty, "network-mode") == 1) CheckPath("int8-calib-file");
    const bool built = Has("onnx-file") || Has("tlt-encoded-model") || Has("uff-file") ||
                       Has("model-file") || Has("custom-network-config") ||
                       Has("engine-create-func-name");
    const bool engine =
        Has("model-engine-file") || (use_.app && use_.app->Has(use_.group, "model-engine-file"));
    if (!built && engine) CheckPath("model-engine-file");
    if (const Entry* entry = file_.Find(kProperty, "model-engine-file"))
      CheckVersion(entry->text, file_.AtValue(*entry), report_);
    if (!built && !engine) {
      report_.Add("no-model", file_.At(kProperty),
                  "neither onnx-file nor model-engine-file is given");
    }
  }

  void CheckPath(const char* key) {
    const Entry* entry = file_.Find(kProperty, key);
    const std::optional<Reference> reference = NvinferReference(file_, key);
    if (entry == nullptr || !reference) return;
    CheckExists(*reference, file_.AtValue(*entry), file_.Text(kProperty, key).value_or(""),
                report_);
  }

  void CheckOffsets() {
    const std::vector<double> offsets = file_.Numbers(kProperty, "offsets");
    const size_t channels = file_.Int(kProperty, "model-color-format") == 2 ? 1 : 3;
    if (offsets.empty() || offsets.size() == channels || offsets.size() > 4) return;
    report_.Add("offset-count", file_.At(kProperty, "offsets"),
                fmt::format("{} offsets for {} channel(s)", offsets.size(), channels));
  }

  void CheckClasses() {
    const int type = NetworkType(file_);
    const int classes = file_.Int(kProperty, "num-detected-classes").value_or(0);
    for (const Group& group : file_.groups()) {
      if (!IsClassGroup(group)) continue;
      if (type != 0 && type != 3) {
        report_.Add("class-attrs-ignored", file_.At(group.name),
                    fmt::format("network-type={} does not read [{}]", type, group.name));
        continue;
      }
      CheckClassNumber(group, classes);
      CheckClusterKeys(group);
      CheckSizes(group);
    }
    for (const double id : file_.Numbers(kProperty, "filter-out-class-ids")) {
      if (id >= 0 && (id < classes || classes == 0)) continue;
      report_.Add("filtered-class", file_.At(kProperty, "filter-out-class-ids"),
                  fmt::format("there is no class {}: num-detected-classes is {}", id, classes));
    }
  }

  void CheckClassNumber(const Group& group, int classes) {
    const std::string number = group.name.substr(std::string(kClassPrefix).size());
    if (number == "all") return;
    char* end = nullptr;
    const long long index = std::strtoll(number.c_str(), &end, 10);
    if (end != number.c_str() && index >= 0 && index < classes) return;
    report_.Add(
        "class-beyond", file_.At(group.name),
        end == number.c_str()
            ? fmt::format("'{}' is no class: a number or 'all' is wanted", number)
            : fmt::format("there is no class {}: num-detected-classes is {}", number, classes));
  }

  void CheckClusterKeys(const Group& group) {
    const int mode = file_.Int(kProperty, "cluster-mode").value_or(0);
    if (mode != 2 && mode != 4) return;
    for (const char* key : {"eps", "minBoxes", "group-threshold", "dbscan-min-score"}) {
      if (!file_.Has(group.name, key)) continue;
      report_.Add("cluster-keys-ignored", file_.At(group.name, key),
                  fmt::format("{} does nothing in cluster-mode {}", key, mode));
    }
  }

  void CheckSizes(const Group& group) {
    for (const char* side : {"w", "h"}) {
      const std::string low = fmt::format("detected-min-{}", side);
      const std::string high = fmt::format("detected-max-{}", side);
      const int min = file_.Int(group.name, low).value_or(0);
      const int max = file_.Int(group.name, high).value_or(0);
      if (max == 0 || max >= min) continue;
      report_.Add("roi-inverted", file_.At(group.name, high),
                  fmt::format("{}={} is below {}={}", high, max, low, min));
    }
  }

  void CheckParserKeys() {
    struct TypeKey {
      int type;
      const char* key;
    };
    for (const TypeKey& known :
         {TypeKey{0, "parse-bbox-func-name"}, TypeKey{1, "parse-classifier-func-name"},
          TypeKey{3, "parse-bbox-instance-mask-func-name"}}) {
      const int type = NetworkType(file_);
      if (!Has(known.key) || type == known.type) continue;
      report_.Add("network-type-parser", file_.At(kProperty, known.key),
                  fmt::format("{} belongs to network-type {}, which is {} here", known.key,
                              known.type, type));
    }
  }

  void CheckLabelFile() {
    const int type = NetworkType(file_);
    if (type > 3) return;
    const std::optional<Reference> labels = NvinferReference(file_, "labelfile-path");
    if (!labels && type == 0 && Has("num-detected-classes")) {
      return report_.Add("no-labels", file_.At(kProperty, "num-detected-classes"),
                         "labelfile-path is not given: objects have numbers only");
    }
    if (!labels || !labels->exists) return;
    const std::optional<size_t> count = CheckLabels(labels->path, type == 1, report_);
    const int classes = file_.Int(kProperty, "num-detected-classes").value_or(0);
    if (!count) {
      report_.Add("labels-unreadable", file_.At(kProperty, "labelfile-path"),
                  fmt::format("{} cannot be read", labels->path.string()));
    } else if (type == 0 && classes > 0 && *count != static_cast<size_t>(classes)) {
      ReportCount(*count, static_cast<size_t>(classes));
    }
  }

  void ReportCount(size_t labels, size_t classes) {
    std::string meaning;
    if (labels == classes + 1) meaning = ": is its first line a background class?";
    if (labels == 80 && (classes == 90 || classes == 91))
      meaning = ": 80 are COCO's names without the gaps in its numbers";
    report_.Add("label-count", file_.At(kProperty, "labelfile-path"),
                fmt::format("{} labels for {} classes{}", labels, classes, meaning));
  }

  const NvinferUse& use_;
  const ConfigText& file_;
  ReferencedFiles& files_;
  Report& report_;
};

}  // namespace

int OverruledInt(const NvinferUse& use, const std::string& key, int absent) {
  if (use.app != nullptr) {
    if (const std::optional<int> value = use.app->Int(use.group, key)) return *value;
  }
  return use.file->Int(kProperty, key).value_or(absent);
}

int NetworkType(const ConfigText& file) {
  if (const std::optional<int> type = file.Int(kProperty, "network-type")) return *type;
  return file.IsOn(kProperty, "is-classifier") ? 1 : 0;
}

void CheckNvinfer(const NvinferUse& use, ReferencedFiles& files, Report& report) {
  NvinferChecker(use, files, report).Check();
}

}  // namespace edet::lint
