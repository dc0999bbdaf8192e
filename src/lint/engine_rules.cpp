#include <fmt/format.h>

#include <cstdlib>
#include <regex>

#include "deepstream/device_path.h"
#include "lint/nvinfer_rules.h"

namespace edet::lint {
namespace {

namespace fs = std::filesystem;
constexpr const char* kProperty = "property";

// What a name of the form <onnx>_b<batch>_gpu<N>_<precision>.engine says.
struct NamedEngine {
  long batch = 0;
  std::string precision;
};

std::optional<NamedEngine> ParseName(const std::string& name) {
  static const std::regex form("_b([0-9]{1,5})_(gpu|dla)[0-9]+_(fp32|fp16|int8|best)\\.engine$");
  std::smatch parts;
  if (!std::regex_search(name, parts, form)) return std::nullopt;
  return NamedEngine{std::strtol(parts[1].str().c_str(), nullptr, 10), parts[3].str()};
}

class EngineChecker {
 public:
  EngineChecker(const NvinferUse& use, Report& report)
      : use_(use), file_(*use.file), report_(report) {
    from_app_ = use.app != nullptr && use.app->Has(use.group, "model-engine-file");
    // In the order in which nvinfer looks for them.
    for (const char* key : {"tlt-encoded-model", "uff-file", "model-file", "onnx-file"}) {
      if (file_.Has(kProperty, key)) model_key_ = key;
    }
  }

  void Check() {
    const ConfigText& where = from_app_ ? *use_.app : file_;
    const std::string group = from_app_ ? use_.group : kProperty;
    const Entry* entry = where.Find(group, "model-engine-file");
    const std::optional<Reference> engine = from_app_
                                                ? AppReference(where, group, "model-engine-file")
                                                : NvinferReference(where, "model-engine-file");
    const std::optional<Reference> model = NvinferReference(file_, model_key_);
    if (!model || file_.Has(kProperty, "engine-create-func-name")) return;
    const fs::path written = WrittenName(model->path.string());
    if (entry == nullptr || !engine) return ReportNone(written);
    if (engine->path.lexically_normal() == written.lexically_normal()) return;
    Compare(where, *entry, *engine, written);
  }

 private:
  // INT8 without a calibration file becomes FP16, and is named so.
  int Mode() const {
    const int mode = file_.Int(kProperty, "network-mode").value_or(0);
    return mode == 1 && !file_.Has(kProperty, "int8-calib-file") ? 2 : mode;
  }

  fs::path WrittenName(const std::string& onnx_file) const {
    const auto gpu = static_cast<unsigned>(OverruledInt(use_, "gpu-id", 0));
    std::string name = deepstream::EngineFileName(
        onnx_file, static_cast<unsigned>(OverruledInt(use_, "batch-size", 1)), gpu, Mode());
    if (!file_.IsOn(kProperty, "enable-dla")) return name;
    const std::string part = fmt::format("_gpu{}_", gpu);
    const int core = file_.Int(kProperty, "use-dla-core").value_or(0);
    return name.replace(name.rfind(part), part.size(), fmt::format("_dla{}_", core));
  }

  void Compare(const ConfigText& where, const Entry& entry, const Reference& engine,
               const fs::path& written) {
    std::vector<TextEdit> edits;
    const std::string mended = Mended(where, written);
    if (!mended.empty()) edits.push_back(where.ReplaceValue(entry, mended));
    const std::string fix = "write " + (mended.empty() ? written.string() : mended);
    const std::string name = engine.path.filename().string();
    const int batch = OverruledInt(use_, "batch-size", 1);
    const std::optional<NamedEngine> named = ParseName(name);
    const std::optional<NamedEngine> wanted = ParseName(written.filename().string());
    bool told = false;
    if (named && named->batch < batch) {
      told = true;
      report_.Add(
          "engine-batch", where.AtValue(entry),
          fmt::format("'{}' is for a batch of {}, batch-size is {}", name, named->batch, batch),
          fix, edits);
    }
    if (named && wanted && named->precision != wanted->precision) {
      told = true;
      report_.Add("engine-precision", where.AtValue(entry),
                  fmt::format("'{}' is {} by its name, network-mode asks for {}", name,
                              named->precision, wanted->precision),
                  fix, edits);
    }
    if (told || engine.exists) return;
    report_.Add("engine-name", where.AtValue(entry),
                fmt::format("nvinfer never writes '{}': it saves {}", entry.text,
                            written.filename().string()),
                fix, std::move(edits));
  }

  void ReportNone(const fs::path& written) {
    const std::string mended = Mended(file_, written);
    std::vector<TextEdit> edits;
    if (!mended.empty()) edits.push_back(file_.Put(kProperty, "model-engine-file", mended));
    report_.Add("no-engine-name", file_.At(kProperty, model_key_),
                "without model-engine-file the engine is built anew at every start",
                "add model-engine-file=" + mended, std::move(edits));
  }

  // Where the batch size comes from the app and the engine does not, the app's line is at fault.
  Place AtBatch(const ConfigText& where, const Entry& entry) const {
    const bool apart = !from_app_ && use_.app != nullptr && use_.app->Has(use_.group, "batch-size");
    return apart ? use_.app->At(use_.group, "batch-size") : where.AtValue(entry);
  }

  // The value that names `written`, in the form in which the model is named.
  std::string Mended(const ConfigText& where, const fs::path& written) const {
    const std::string onnx = file_.Text(kProperty, model_key_).value_or("");
    const std::string suffix =
        written.string().substr(NvinferReference(file_, model_key_)->path.string().size());
    if (&where == &file_) return onnx + suffix;
    if (!onnx.empty() && onnx.front() == '/') return onnx + suffix;
    const fs::path folder = where.path().parent_path();
    const fs::path beside = file_.path().parent_path() / (onnx + suffix);
    const fs::path relative =
        beside.lexically_normal().lexically_relative(folder.lexically_normal());
    return relative.empty() ? "" : relative.string();
  }

  const NvinferUse& use_;
  const ConfigText& file_;
  Report& report_;
  bool from_app_ = false;
  std::string model_key_ = "onnx-file";
};

}  // namespace

void CheckEngine(const NvinferUse& use, Report& report) { EngineChecker(use, report).Check(); }

}  // namespace edet::lint
