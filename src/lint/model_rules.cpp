#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "lint/nvinfer_rules.h"

namespace edet::lint {
namespace {

using onnx_format::ModelOutline;
using onnx_format::TensorInfo;

constexpr const char* kProperty = "property";

// A dimension that is a number; nothing for a symbol.
std::optional<long> Fixed(const std::string& dim) {
  char* end = nullptr;
  const long number = std::strtol(dim.c_str(), &end, 10);
  if (dim.empty() || *end != '\0' || number <= 0) return std::nullopt;
  return number;
}

bool IsChannels(const std::string& dim) { return dim == "3" || dim == "1"; }

std::string ShapeText(const TensorInfo& tensor) {
  return fmt::format("[{}]", fmt::join(tensor.shape, ", "));
}

class ModelChecker {
 public:
  ModelChecker(const NvinferUse& use, const ModelOutline& model, Report& report)
      : use_(use), file_(*use.file), model_(model), report_(report) {}

  void Check() {
    ours_ = model_.producer == "edet";
    if (!model_.inputs.empty() && !file_.IsOn(kProperty, "input-tensor-from-meta"))
      CheckInput(model_.inputs.front());
    CheckOutputs();
    CheckPreprocessing();
    if (NetworkType(file_) != 0) return;
    CheckClustering();
    CheckParser();
  }

 private:
  Place AtOnnx() const { return file_.At(kProperty, "onnx-file"); }

  void CheckInput(const TensorInfo& input) {
    if (input.type != "float32") {
      report_.Add("uint8-input", AtOnnx(),
                  fmt::format("the model's input '{}' is {}", input.name, input.type));
    }
    if (input.shape.size() != 4) {
      return report_.Add("input-rank", AtOnnx(),
                         fmt::format("the model's input '{}' is {}", input.name, ShapeText(input)));
    }
    CheckBatch(input);
    CheckOrder(input);
    CheckDims(input);
  }

  void CheckBatch(const TensorInfo& input) {
    const std::optional<long> fixed = Fixed(input.shape[0]);
    const int batch = OverruledInt(use_, "batch-size", 1);
    if (!fixed || *fixed == batch) return;
    const bool from_app = use_.app != nullptr && use_.app->Has(use_.group, "batch-size");
    report_.Add(
        "fixed-batch",
        from_app ? use_.app->At(use_.group, "batch-size") : file_.At(kProperty, "batch-size"),
        fmt::format("batch-size is {}, the model is fixed to {}", batch, *fixed));
  }

  bool IsNhwc(const TensorInfo& input) const {
    return IsChannels(input.shape[3]) && !IsChannels(input.shape[1]);
  }
  bool IsNchw(const TensorInfo& input) const {
    return IsChannels(input.shape[1]) && !IsChannels(input.shape[3]);
  }

  void CheckOrder(const TensorInfo& input) {
    const bool nhwc_set = file_.Int(kProperty, "network-input-order").value_or(0) == 1;
    const Place place = file_.At(kProperty, "network-input-order");
    const std::string what = fmt::format("the model's input is {}", ShapeText(input));
    if (IsNhwc(input) && report_.TargetBefore("6.0")) {
      return report_.Add("nhwc-too-old", AtOnnx(), what + ", and this DeepStream feeds NCHW only");
    }
    if (IsNhwc(input) && !nhwc_set) {
      report_.Add("nhwc-model", place, what + ": NHWC", "set network-input-order=1",
                  {file_.Put(kProperty, "network-input-order", "1")});
    }
    if (IsNchw(input) && nhwc_set) {
      report_.Add("nchw-model", place, what + ": NCHW", "set network-input-order=0",
                  {file_.Put(kProperty, "network-input-order", "0")});
    }
  }

  // The model's own channels, height and width, where all are numbers.
  std::optional<std::string> OwnDims(const TensorInfo& input) const {
    const bool nhwc = IsNhwc(input);
    const auto channels = Fixed(input.shape[nhwc ? 3 : 1]);
    const auto height = Fixed(input.shape[nhwc ? 1 : 2]), width = Fixed(input.shape[nhwc ? 2 : 3]);
    if (!channels || !height || !width) return std::nullopt;
    return fmt::format("{};{};{}", *channels, *height, *width);
  }

  void CheckDims(const TensorInfo& input) {
    const std::vector<double> dims = file_.Numbers(kProperty, "infer-dims");
    if (dims.empty()) {
      if (!OwnDims(input) && !file_.Has(kProperty, "input-dims")) {
        report_.Add(
            "dynamic-dims", file_.At(kProperty),
            fmt::format("the model's input is {}, and infer-dims is absent", ShapeText(input)));
      }
      return;
    }
    if (dims.size() != 3) return;
    const bool nhwc = IsNhwc(input);
    const size_t places[] = {nhwc ? 3U : 1U, nhwc ? 1U : 2U, nhwc ? 2U : 3U};
    for (size_t i = 0; i < 3; ++i) {
      const std::optional<long> own = Fixed(input.shape[places[i]]);
      if (!own || static_cast<double>(*own) == dims[i]) continue;
      std::vector<TextEdit> edits;
      if (const auto text = OwnDims(input)) edits = {file_.Put(kProperty, "infer-dims", *text)};
      return report_.Add("infer-dims-mismatch", file_.At(kProperty, "infer-dims"),
                         fmt::format("infer-dims={} for an input of {}",
                                     file_.Find(kProperty, "infer-dims")->text, ShapeText(input)),
                         OwnDims(input) ? "write " + *OwnDims(input) : "", std::move(edits));
    }
  }

  void CheckOutputs() {
    std::vector<std::string> names;
    for (const TensorInfo& output : model_.outputs) {
      names.push_back(output.name);
      if (output.shape.size() >= 2 || output.shape.empty()) continue;
      report_.Add("output-without-batch", AtOnnx(),
                  fmt::format("the output '{}' is {}", output.name, ShapeText(output)));
    }
    for (const std::string& name : file_.List(kProperty, "output-blob-names")) {
      if (name.empty() || std::find(names.begin(), names.end(), name) != names.end()) continue;
      report_.Add("output-not-in-model", file_.At(kProperty, "output-blob-names"),
                  fmt::format("the model has no output '{}'", name),
                  fmt::format("its outputs are {}", fmt::join(names, ";")));
    }
  }

  double Scale() const {
    const double scale = file_.Number(kProperty, "net-scale-factor").value_or(1.);
    return scale > 0. ? scale : 1.;
  }
  bool HasOffsets() const {
    const std::vector<double> offsets = file_.Numbers(kProperty, "offsets");
    return file_.Has(kProperty, "mean-file") ||
           std::any_of(offsets.begin(), offsets.end(), [](double offset) { return offset != 0.; });
  }

  void CheckPreprocessing() {
    if (ours_) return CheckOwnPreprocessing();
    const auto& chain = model_.before_convolution;
    const bool inside = std::any_of(chain.begin(), chain.end(), [](const std::string& op) {
      return op == "Sub" || op == "Mul" || op == "Div" || op == "BatchNormalization";
    });
    const bool outside = Scale() != 1. || HasOffsets();
    const Place place = file_.At(kProperty, "net-scale-factor");
    if (inside && outside) {
      report_.Add("double-normalisation", place,
                  fmt::format("the model begins with {}, and the config scales too",
                              fmt::join(chain, ", ")));
    }
    const bool direct = !model_.inputs.empty() && chain.empty() && model_.begins_with_convolution;
    if (direct && !outside) {
      report_.Add("no-normalisation", place,
                  "the input goes straight into a convolution, as 0 to 255");
    }
  }

  void CheckOwnPreprocessing() {
    std::vector<TextEdit> edits;
    std::string what, key;
    const auto note = [&](bool wrong, const char* name, const char* text) {
      if (!wrong) return false;
      what += (what.empty() ? "" : ", ") + std::string(text);
      if (key.empty()) key = name;
      return true;
    };
    if (note(Scale() != 1., "net-scale-factor", "net-scale-factor is not 1"))
      edits.push_back(file_.Put(kProperty, "net-scale-factor", "1.0"));
    if (note(HasOffsets(), file_.Has(kProperty, "offsets") ? "offsets" : "mean-file",
             "a mean is subtracted")) {
      for (const char* name : {"offsets", "mean-file"}) {
        if (const Entry* entry = file_.Find(kProperty, name))
          edits.push_back(file_.RemoveLine(*entry));
      }
    }
    if (note(file_.Int(kProperty, "model-color-format").value_or(0) != 0, "model-color-format",
             "the colours are not RGB"))
      edits.push_back(file_.Put(kProperty, "model-color-format", "0"));
    if (!what.empty()) {
      report_.Add("preprocess-mismatch", file_.At(kProperty, key),
                  what + "; the model takes RGB 0..255 and normalises it itself", "",
                  std::move(edits));
    }
    CheckAspect();
  }

  void CheckAspect() {
    std::vector<TextEdit> edits;
    const bool stretched = !file_.IsOn(kProperty, "maintain-aspect-ratio");
    const bool centred = file_.IsOn(kProperty, "symmetric-padding");
    if (!stretched && !centred) return;
    if (stretched) edits.push_back(file_.Put(kProperty, "maintain-aspect-ratio", "1"));
    if (centred) edits.push_back(file_.Put(kProperty, "symmetric-padding", "0"));
    report_.Add("aspect-mismatch",
                file_.At(kProperty, stretched ? "maintain-aspect-ratio" : "symmetric-padding"),
                stretched ? "the picture is stretched; the model was trained with its shape kept"
                          : "the picture is centred; the model was trained with padding at the "
                            "right and the bottom",
                "", std::move(edits));
  }

  // Whether what comes out of the parser went through NMS.
  bool NmsDone() const {
    for (const char* op : {"EfficientNMS_TRT", "BatchedNMS_TRT", "BatchedNMSDynamic_TRT",
                           "NonMaxSuppression", "NMS_TRT"}) {
      if (model_.operators.count(op) != 0) return true;
    }
    const std::string function = file_.Text(kProperty, "parse-bbox-func-name").value_or("");
    return ours_ && function.rfind("NvDsInferParseEfficientDet", 0) == 0;
  }

  void CheckClustering() {
    if (!NmsDone()) return;
    const bool dbscan = file_.IsOn(kProperty, "enable-dbscan");
    const int mode = file_.Int(kProperty, "cluster-mode").value_or(dbscan ? 1 : 0);
    const Place place = file_.At(kProperty, "cluster-mode");
    const std::vector<TextEdit> edits{file_.Put(kProperty, "cluster-mode", "4")};
    if (mode == 0) {
      report_.Add("cluster-mode-zero", place,
                  "cluster-mode 0 becomes NMS with IoU 0.5 and topk 20, and the model has done NMS",
                  "set cluster-mode=4", edits);
    } else if (mode != 4) {
      report_.Add("double-nms", place,
                  fmt::format("cluster-mode={} after the NMS that is done already", mode),
                  "set cluster-mode=4", edits);
    }
  }

  // The outputs of NVIDIA's DetectNet_v2: a coverage and a box layer.
  bool SuitsBuiltInParser() const {
    return std::any_of(model_.outputs.begin(), model_.outputs.end(), [](const TensorInfo& output) {
      return output.name.find("cov") != std::string::npos ||
             output.name.find("Sigmoid") != std::string::npos;
    });
  }

  void CheckParser() {
    for (const char* key :
         {"custom-lib-path", "parse-bbox-func-name", "parse-bbox-instance-mask-func-name"}) {
      if (file_.Has(kProperty, key)) return;
    }
    if (SuitsBuiltInParser() || file_.IsOn(kProperty, "output-tensor-meta")) return;
    report_.Add("no-parser", AtOnnx(),
                "the built-in parser does not know this model's outputs, and no library is named");
  }

  const NvinferUse& use_;
  const ConfigText& file_;
  const ModelOutline& model_;
  Report& report_;
  bool ours_ = false;
};

}  // namespace

void CheckModel(const NvinferUse& use, const ModelOutline& model, Report& report) {
  ModelChecker(use, model, report).Check();
}

}  // namespace edet::lint
