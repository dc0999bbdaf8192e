#include <fmt/format.h>

#include "deepstream/app_parts.h"
#include "deepstream/device_path.h"
#include "deepstream/proto_text.h"
#include "deepstream/write_configs.h"

namespace edet::deepstream {
namespace {

// Triton's ONNX Runtime takes batches only of a model whose first dimension is free: one that was
// converted for a fixed batch is told as a model without batches, whose tensors it reshapes.
bool Batches(const ModelFacts& model, const ServerFacts& server) {
  return server.backend == TritonBackend::kTensorRt || model.dynamic_batch;
}

std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

void WriteModelSource(const ModelFacts& model, const ServerFacts& server, ProtoText& text) {
  text.Open("backend");
  // Called so until 5.1.
  text.Open(AtLeast(model, "6.0") ? "triton" : "trt_is");
  text.Comment("The model's folder in the repository, and -1: its newest version.");
  text.Text("model_name", model.model_name).Number("version", -1);
  text.Open("model_repo");
  text.Comment("Relative to the folder of this file.");
  text.Text("root", server.repository);
  text.Comment("config.pbtxt says all about the tensors: nothing is to be guessed.");
  text.Word("strict_model_config", "true");
  text.Close().Close().Close();
}

void WritePreprocess(const ModelFacts& model, const ServerFacts& server, ProtoText& text) {
  text.Open("preprocess");
  text.Word("network_format", "IMAGE_FORMAT_RGB");
  text.Comment(model.nhwc ? "As TensorFlow has it." : "Channels first.");
  text.Word("tensor_order", model.nhwc ? "TENSOR_ORDER_NHWC" : "TENSOR_ORDER_LINEAR");
  text.Text("tensor_name", server.input.name);
  text.Comment(
      "AutoML scales to fit and pads at the right and the bottom, not around the picture.");
  text.Number("maintain_aspect_ratio", 1);
  if (AtLeast(model, "6.0")) text.Number("symmetric_padding", 0);
  text.Comment("1: bilinear as in training.");
  text.Word("frame_scaling_hw", "FRAME_SCALING_HW_DEFAULT").Number("frame_scaling_filter", 1);
  text.Comment("RGB as it is, 0..255: scaling by mean and deviation is a part of the graph.");
  text.Open("normalize").Word("scale_factor", "1.0").Numbers("channel_offsets", {0, 0, 0}).Close();
  text.Close();
}

void WritePostprocess(const ModelFacts& model, ProtoText& text) {
  text.Open("postprocess");
  text.Text("labelfile_path", model.labels_file);
  text.Open("detection");
  text.Number("num_detected_classes", model.num_classes);
  text.Comment("Finds out by itself which outputs the graph has.");
  text.Text("custom_parse_bbox_func", "NvDsInferParseEfficientDet");
  text.Comment("No clustering, NMS is done; objects with a lower score are dropped.");
  text.Open("simple_cluster").Word("threshold", fmt::format("{}", model.score_threshold)).Close();
  text.Close().Close();
  text.Open("custom_lib").Text("path", model.parser_library).Close();
}

const char* TypeOf(const TensorFacts& tensor) {
  return tensor.type == "INT32"   ? "TYPE_INT32"
         : tensor.type == "INT64" ? "TYPE_INT64"
                                  : "TYPE_FP32";
}

void WriteTensor(const char* field, const TensorFacts& tensor, const char* layout, bool reshape,
                 ProtoText& text) {
  text.Open(field);
  text.Text("name", tensor.name).Word("data_type", TypeOf(tensor));
  if (layout != nullptr) text.Word("format", layout);
  text.Numbers("dims", tensor.dims);
  if (reshape) {
    std::vector<int64_t> shape = tensor.dims;
    shape.insert(shape.begin(), 1);
    text.Open("reshape").Numbers("shape", shape).Close();
  }
  text.Close();
}

void WriteBatchSize(const ModelFacts& model, const ServerFacts& server, ProtoText& text) {
  if (!Batches(model, server)) {
    text.Comment("The model takes one frame at a time, whose batch dimension is put back below.");
    text.Number("max_batch_size", 0);
    return;
  }
  if (server.backend == TritonBackend::kTensorRt)
    text.Comment("That of the engine, whose name has it too (_b1_).");
  text.Number("max_batch_size", model.batch_size);
}

}  // namespace

std::string ServerFacts::ModelFolder(const ModelFacts& model) const {
  return repository + "/" + model.model_name;
}

std::string ServerFacts::ModelFile(const ModelFacts& model) const {
  if (backend == TritonBackend::kOnnxRuntime) return "model.onnx";
  return FileName(
      EngineFileName(model.onnx_file, model.batch_size, 0, static_cast<int>(model.precision)));
}

Status CheckServer(const ModelFacts& model, const ServerFacts& server) {
  if (server.backend != TritonBackend::kOnnxRuntime) return {};
  constexpr const char* kOption = "--server-backend onnxruntime";
  if (model.postprocessing == Postprocessing::kPlugin) {
    return Error{ErrorCode::kUnsupported,
                 "the model ends in EfficientNMS_TRT, which only TensorRT knows", kOption,
                 "take --server-backend tensorrt, or convert with --nms onnx or decoded"};
  }
  if (model.batch_size > 1 && !model.dynamic_batch) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("the model takes {} frames at once, neither one nor any number",
                             model.batch_size),
                 kOption, "convert with --batch dynamic, or take --server-backend tensorrt"};
  }
  return {};
}

std::string InferServerConfigText(const ModelFacts& model, const ServerFacts& server) {
  ProtoText text;
  text.Comment(fmt::format("How DeepStream runs {} by Triton (element nvinferserver).",
                           OneLine(model.model_name)));
  if (!model.platform.empty()) text.Comment("For " + OneLine(model.platform) + ".");
  text.Open("infer_config");
  text.Number("unique_id", 1).Numbers("gpu_ids", {0});
  text.Comment("At most so many frames at once.");
  text.Number("max_batch_size", model.batch_size);
  WriteModelSource(model, server, text);
  WritePreprocess(model, server, text);
  WritePostprocess(model, text);
  if (AtLeast(model, "6.3")) {
    text.Comment("Objects that reach over the edge of the frame are cut there.");
    text.Word("clip_object_outside_roi", "true");
  }
  text.Close();
  text.Comment("The full frame goes in; frames skipped between two inferences.");
  text.Open("input_control").Word("process_mode", "PROCESS_MODE_FULL_FRAME").Number("interval", 0);
  text.Close();
  return text.Take();
}

std::string TritonConfigText(const ModelFacts& model, const ServerFacts& server) {
  const bool onnx = server.backend == TritonBackend::kOnnxRuntime;
  const bool reshape = !Batches(model, server);
  ProtoText text;
  text.Comment(fmt::format("How Triton runs {}. The file is 1/{}.", OneLine(model.model_name),
                           server.ModelFile(model)));
  if (!onnx) {
    text.Comment(
        "It is the engine that nvinfer builds: run deepstream_app.txt once, then copy it.");
  }
  text.Text("name", model.model_name);
  text.Text("platform", onnx ? "onnxruntime_onnx" : "tensorrt_plan");
  text.Text("default_model_filename", server.ModelFile(model));
  WriteBatchSize(model, server, text);
  WriteTensor("input", server.input, model.nhwc ? "FORMAT_NHWC" : "FORMAT_NCHW", reshape, text);
  for (const TensorFacts& output : server.outputs)
    WriteTensor("output", output, nullptr, reshape, text);
  text.Open("instance_group").Word("kind", "KIND_GPU").Number("count", 1).Numbers("gpus", {0});
  text.Close();
  return text.Take();
}

}  // namespace edet::deepstream
