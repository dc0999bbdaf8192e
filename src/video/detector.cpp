#include "video/detector.h"

#include <fmt/format.h>

#include <utility>

namespace edet::video {
namespace {

using deepstream::NvinferConfig;

std::string KeyOf(const NvinferConfig& config, const char* key) {
  return config.file.string() + ": " + key;
}

// What gst-nvinfer can do and this program does not, or neither.
Status CheckKind(const NvinferConfig& config) {
  if (config.network_type != 0) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("network-type={} is no detector", config.network_type),
                 KeyOf(config, "network-type"), "only detectors (network-type=0) run here"};
  }
  if (config.process_mode != 1) {
    return Error{ErrorCode::kUnsupported, "process-mode=2 (objects) does not run here",
                 KeyOf(config, "process-mode"), "use process-mode=1"};
  }
  if (config.model_color_format == deepstream::ColorFormat::kGray) {
    return Error{ErrorCode::kUnsupported, "model-color-format=2 (grey) does not run here",
                 KeyOf(config, "model-color-format"),
                 "EfficientDet takes RGB: model-color-format=0"};
  }
  if (config.onnx_file.empty()) {
    return Error{ErrorCode::kUnsupported,
                 "no onnx-file is given, and TensorRT engines do not run on a CPU",
                 config.file.string(), "add onnx-file="};
  }
  if (config.custom_lib_path.empty() || config.parse_bbox_func_name.empty()) {
    return Error{ErrorCode::kUnsupported, "custom-lib-path or parse-bbox-func-name is missing",
                 config.file.string(), "name the parser library and its function"};
  }
  if (!config.offsets.empty() && config.offsets.size() != 3) {
    return Error{
        ErrorCode::kCorrupt,
        fmt::format("offsets has {} numbers, the network 3 channels", config.offsets.size()),
        KeyOf(config, "offsets"), "give 3 numbers or none"};
  }
  return {};
}

Error Disagree(const NvinferConfig& config, const char* key, const std::string& what,
               const std::string& hint) {
  return Error{ErrorCode::kCorrupt, what, KeyOf(config, key), hint};
}

struct InputForm {
  unsigned width = 0, height = 0;
  bool nhwc = true;
};

Result<InputForm> FormOf(const inference::Engine& engine, const NvinferConfig& config) {
  const auto& inputs = engine.inputs();
  if (inputs.size() != 1 || inputs[0].shape.size() != 4 ||
      inputs[0].type != inference::ElementType::kFloat32) {
    return Error{ErrorCode::kUnsupported,
                 "the model's input is not one float image [N,H,W,3] or [N,3,H,W]",
                 config.onnx_file.string(),
                 "convert the checkpoint again: gst-nvinfer feeds float images only"};
  }
  const auto& shape = inputs[0].shape;
  InputForm form;
  form.nhwc = shape[3] == 3;
  if (!form.nhwc && shape[1] != 3) {
    return Error{ErrorCode::kUnsupported, "the model's input has not 3 channels",
                 config.onnx_file.string(), ""};
  }
  form.height = static_cast<unsigned>(form.nhwc ? shape[1] : shape[2]);
  form.width = static_cast<unsigned>(form.nhwc ? shape[2] : shape[3]);
  return form;
}

Status CheckForm(const InputForm& form, const NvinferConfig& config) {
  const bool says_nhwc = config.network_input_order == deepstream::InputOrder::kNhwc;
  if (says_nhwc != form.nhwc) {
    return Disagree(config, "network-input-order",
                    fmt::format("the model's input is {}, the config says {}",
                                form.nhwc ? "NHWC" : "NCHW", says_nhwc ? "NHWC" : "NCHW"),
                    fmt::format("set network-input-order={}", form.nhwc ? 1 : 0));
  }
  if (!config.infer_dims) {
    if (!form.nhwc) return {};
    return Disagree(config, "infer-dims",
                    "an NHWC model needs infer-dims, or gst-nvinfer refuses it",
                    fmt::format("set infer-dims=3;{};{}", form.height, form.width));
  }
  if (config.infer_dims->size() != 3 || (*config.infer_dims)[1] != form.height ||
      (*config.infer_dims)[2] != form.width) {
    return Disagree(config, "infer-dims", "infer-dims is not the size of the model's input",
                    fmt::format("set infer-dims=3;{};{}", form.height, form.width));
  }
  return {};
}

PreprocessOptions PreprocessOf(const NvinferConfig& config, const InputForm& form) {
  PreprocessOptions options;
  options.network_width = form.width;
  options.network_height = form.height;
  options.maintain_aspect_ratio = config.maintain_aspect_ratio;
  options.symmetric_padding = config.symmetric_padding;
  options.filter = ChooseFilter(config.scaling_filter).filter;
  options.bgr = config.model_color_format == deepstream::ColorFormat::kBgr;
  options.nhwc = form.nhwc;
  options.scale = config.net_scale_factor;
  for (size_t c = 0; c < config.offsets.size(); ++c) options.offsets[c] = config.offsets[c];
  return options;
}

parser::DataType TypeOf(inference::ElementType type) {
  switch (type) {
    case inference::ElementType::kFloat16:
      return parser::DataType::kHalf;
    case inference::ElementType::kInt8:
      return parser::DataType::kInt8;
    case inference::ElementType::kInt32:
      return parser::DataType::kInt32;
    case inference::ElementType::kInt64:
      return parser::DataType::kInt64;
    case inference::ElementType::kUint8:
      return parser::DataType::kUint8;
    case inference::ElementType::kFloat32:
      break;
  }
  return parser::DataType::kFloat;
}

// As nvinfer hands it over: without the batch; an output of rank 1 has one element for each frame.
Result<parser::OutputTensor> TensorOf(const std::string& name, const inference::TensorView& view) {
  if (view.shape.size() > 9) {
    return Error{ErrorCode::kUnsupported, "output '" + name + "' has more than 8 dimensions", "",
                 ""};
  }
  parser::OutputTensor tensor;
  tensor.name = name;
  tensor.type = TypeOf(view.type);
  for (size_t i = 1; i < view.shape.size(); ++i)
    tensor.dims.push_back(static_cast<uint32_t>(view.shape[i]));
  if (tensor.dims.empty()) tensor.dims.push_back(1);
  tensor.data = view.data;
  return tensor;
}

}  // namespace

Result<Detector> Detector::Load(const NvinferConfig& config,
                                const inference::EngineOptions& options) {
  EDET_RETURN_IF_ERROR(CheckKind(config));
  // The library first: it is quickly opened, and its absence quickly told.
  EDET_ASSIGN_OR_RETURN(auto library, parser::CustomLibrary::Open(config.custom_lib_path,
                                                                  config.parse_bbox_func_name));
  std::vector<std::string> labels;
  if (!config.labelfile_path.empty()) {
    EDET_ASSIGN_OR_RETURN(labels, deepstream::ReadLabels(config.labelfile_path));
  }
  EDET_ASSIGN_OR_RETURN(auto engine, inference::Engine::Load(config.onnx_file, options));
  EDET_ASSIGN_OR_RETURN(const InputForm form, FormOf(engine, config));
  EDET_RETURN_IF_ERROR(CheckForm(form, config));
  Detector detector(std::move(engine), std::move(library),
                    Preprocessor(PreprocessOf(config, form)));
  detector.postprocess_ = config.postprocess;
  detector.labels_ = std::move(labels);
  detector.width_ = form.width;
  detector.height_ = form.height;
  return detector;
}

Result<Slot> Detector::CreateSlot() const {
  EDET_ASSIGN_OR_RETURN(auto request, engine_.CreateRequest());
  auto* input = static_cast<float*>(request.input(0));
  return Slot{std::move(request), input, {}, 0, 0};
}

void Detector::Preprocess(const BgrxView& frame, Slot& slot) {
  slot.fit = preprocessor_.Fill(frame, slot.input);
  slot.frame_width = frame.width;
  slot.frame_height = frame.height;
}

Result<Detected> Detector::Collect(Slot& slot) {
  EDET_RETURN_IF_ERROR(slot.request.Wait());
  Detected detected;
  for (size_t i = 0; i < engine_.outputs().size(); ++i) {
    EDET_ASSIGN_OR_RETURN(const inference::TensorView view, slot.request.output(i));
    EDET_ASSIGN_OR_RETURN(auto tensor, TensorOf(engine_.outputs()[i].name, view));
    detected.outputs.push_back(std::move(tensor));
  }
  const auto parsed =
      library_.Parse(detected.outputs, width_, height_, postprocess_.classes, detected.parsed);
  detected.network = detect::ClusterObjects(parsed, postprocess_);
  detected.frame = detect::AttachToFrame(detected.network, postprocess_, slot.fit, slot.frame_width,
                                         slot.frame_height);
  return detected;
}

}  // namespace edet::video
