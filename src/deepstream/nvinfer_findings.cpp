#include "deepstream/nvinfer_findings.h"

#include <fmt/format.h>

#include "deepstream/device_path.h"
#include "deepstream/labels.h"

namespace edet::deepstream {
namespace {

namespace fs = std::filesystem;
constexpr const char* kProperty = "property";

class Checker {
 public:
  Checker(const KeyFile& file, const NvinferConfig& config, Findings& findings)
      : file_(file), config_(config), findings_(findings) {}

  void Check() {
    CheckFiles();
    CheckInput();
    CheckEngine();
    if (config_.network_type != 0) return;
    CheckParser();
    CheckClusters();
    CheckLabels();
  }

 private:
  bool Has(const char* key) const { return file_.HasKey(kProperty, key); }
  void Warn(const char* rule, const char* key, const std::string& what, const std::string& hint) {
    findings_.Warn(rule, what, Has(key) ? file_.Where(kProperty, key) : file_.Where(kProperty),
                   hint);
  }

  void CheckFiles() {
    CheckFile("onnx-file", config_.onnx_file);
    CheckFile("labelfile-path", config_.labelfile_path);
    CheckFile("custom-lib-path", config_.custom_lib_path);
    CheckFile("int8-calib-file", config_.int8_calib_file);
    if (!Has("onnx-file") && !Has("model-engine-file") && config_.onnx_file.empty()) {
      Warn("no-model", "onnx-file", "neither onnx-file nor model-engine-file is given",
           "add onnx-file=...");
    }
    if (Has("custom-network-config")) {
      findings_.Note(
          "cwd-relative",
          "custom-network-config is taken relative to the working folder, not to this file",
          file_.Where(kProperty, "custom-network-config"));
    }
  }

  // A path as the file has it.
  std::string Written(const char* key) const {
    Result<KeyFile::Value> value = file_.Get(kProperty, key, ValueType::kString);
    const auto* text = value.ok() ? std::get_if<std::string>(&*value) : nullptr;
    return text != nullptr ? *text : std::string();
  }

  // What is opened instead, where the path as written does not say it.
  std::string OpenedAs(const char* key, const fs::path& path) const {
    return path == fs::path(Written(key)) ? ""
                                          : fmt::format("; DeepStream opens {}", path.string());
  }

  void CheckFile(const char* key, const fs::path& path) {
    std::error_code ignored;
    if (!Has(key) || fs::is_regular_file(path, ignored)) return;
    Warn("missing-file", key,
         fmt::format("there is no file {}{}", Written(key), OpenedAs(key, path)),
         "paths are relative to the folder of this file");
  }

  void CheckInput() {
    if (config_.network_input_order == InputOrder::kNhwc && !config_.infer_dims) {
      Warn("nhwc-without-dims", "network-input-order",
           "without infer-dims the height is taken for the channels", "add infer-dims=3;H;W");
    }
    if (!Has("scaling-filter")) {
      findings_.Note("nearest-scaling",
                     "without scaling-filter frames are scaled by nearest neighbour",
                     file_.Where(kProperty), "add scaling-filter=1 for bilinear");
    }
    const size_t channels = config_.model_color_format == ColorFormat::kGray ? 1 : 3;
    if (!config_.offsets.empty() && config_.offsets.size() != channels) {
      Warn("offset-count", "offsets",
           fmt::format("{} offsets for {} channels", config_.offsets.size(), channels),
           "give one for each channel");
    }
    CheckScale();
  }

  void CheckScale() {
    Result<KeyFile::Value> value = file_.Get(kProperty, "net-scale-factor", ValueType::kDouble);
    if (!value.ok() || static_cast<float>(std::get<double>(*value)) > 0.F) return;
    Warn("scale-ignored", "net-scale-factor", "a factor that is not positive is ignored: 1 is used",
         "");
  }

  void CheckEngine() {
    if (config_.network_mode == 1 && config_.int8_calib_file.empty()) {
      Warn("int8-without-calibration", "network-mode",
           "INT8 without int8-calib-file silently becomes FP16",
           "give the calibration file or use network-mode=2");
    }
    if (config_.model_engine_file.empty() || config_.onnx_file.empty()) return;
    const std::string written = EngineFileName(config_.onnx_file.string(), config_.batch_size,
                                               config_.gpu_id, config_.network_mode);
    if (config_.model_engine_file == fs::path(written) || Has("enable-dla")) return;
    findings_.Note(
        "engine-name",
        "an engine that is not there is built at each start and saved under another name: " +
            written,
        file_.Where(kProperty, "model-engine-file"), "name that file");
  }

  void CheckParser() {
    if (config_.custom_lib_path.empty() != config_.parse_bbox_func_name.empty()) {
      Warn("parser-incomplete",
           config_.custom_lib_path.empty() ? "parse-bbox-func-name" : "custom-lib-path",
           "custom-lib-path and parse-bbox-func-name need each other", "give both");
    } else if (config_.custom_lib_path.empty()) {
      Warn("no-parser", "custom-lib-path",
           "no parser library is given; the built-in parser is not made for EfficientDet",
           "give custom-lib-path and parse-bbox-func-name");
    }
    if (Has("disable-output-host-copy")) {
      Warn("no-host-copy", "disable-output-host-copy",
           "with a value other than 0 the parser gets device memory and crashes", "remove it");
    }
  }

  void CheckClusters() {
    if (config_.num_detected_classes == 0) {
      Warn("no-classes", "num-detected-classes",
           "num-detected-classes is 0: every object is dropped",
           "set it to the number of classes of the model");
    }
    if (config_.postprocess.cluster_mode == detect::ClusterMode::kGroupRectangles) {
      Warn("cluster-mode-zero", "cluster-mode",
           "cluster-mode 0 becomes NMS with IoU 0.5 and topk 20 in stock builds, whatever "
           "[class-attrs-*] say",
           "set cluster-mode=4 for a model whose boxes went through NMS, 2 otherwise");
    }
  }

  void CheckLabels() {
    std::error_code ignored;
    if (config_.labelfile_path.empty() || !fs::is_regular_file(config_.labelfile_path, ignored))
      return;
    Result<std::vector<std::string>> labels = ReadLabels(config_.labelfile_path);
    if (!labels.ok()) {
      Warn("labels-unreadable", "labelfile-path", labels.error().ToString(), "");
      return;
    }
    FindLabelHarm(config_.labelfile_path, findings_);
    if (labels->size() != config_.num_detected_classes && config_.num_detected_classes != 0) {
      Warn("label-count", "labelfile-path",
           fmt::format("{} labels for {} classes", labels->size(), config_.num_detected_classes),
           "one line for each class, class 0 first");
    }
  }

  const KeyFile& file_;
  const NvinferConfig& config_;
  Findings& findings_;
};

}  // namespace

void FindSilentHarm(const KeyFile& file, const NvinferConfig& config, Findings& findings) {
  Checker(file, config, findings).Check();
}

}  // namespace edet::deepstream
