#include <fmt/format.h>

#include <filesystem>

#include "deepstream/device_path.h"
#include "deepstream/key_table.h"
#include "deepstream/write_configs.h"

namespace edet::deepstream {
namespace {

const char* OutputComment(Postprocessing postprocessing) {
  switch (postprocessing) {
    case Postprocessing::kPlugin:
      return "The graph ends in EfficientNMS_TRT: NMS runs on the GPU.";
    case Postprocessing::kOnnxNms:
      return "The graph ends in ONNX's own NonMaxSuppression.";
    case Postprocessing::kRows:
      return "The graph gives one tensor of rows: box, score, class.";
    case Postprocessing::kDecoded:
      return "The graph gives decoded boxes and scores; the parser library runs NMS.";
    case Postprocessing::kNone:
      return "The graph gives the raw heads; the parser library decodes and runs NMS.";
  }
  return "";
}

void WriteBatch(const ModelFacts& facts, ConfigText& text) {
  if (facts.dynamic_batch) {
    text.Comment(
        "The model takes any number of frames at once; the engine is built for up to so many.");
    text.Comment(
        "One a source is best. The engine's name above has this number too: change both (_b4_ for "
        "4),");
    text.Comment("and batch-size of [streammux] in the application's config.");
  }
  text.Set("batch-size", facts.batch_size);
}

void WritePrecision(const ModelFacts& facts, ConfigText& text) {
  text.Comment("0 FP32, 1 INT8 (needs int8-calib-file), 2 FP16.");
  if (facts.half_model) {
    text.Comment(
        "The model computes in FP16 by itself, with float input and outputs: keep 2, which lets");
    text.Comment(
        "TensorRT 8 to 10 build it. In a strongly typed network (the only kind of TensorRT 11;");
    text.Comment("DeepStream 9.1 also has the key strongly-typed=1) the model's own types decide.");
  }
  text.Set("network-mode", static_cast<uint32_t>(facts.precision));
  if (facts.precision != EnginePrecision::kInt8) return;
  text.Comment(
      "The ranges that calibration found. Without the file DeepStream builds FP16 and says "
      "nothing,");
  text.Comment("under another engine name than the one above: again at every start.");
  text.Set("int8-calib-file", facts.calibration_file);
}

void WriteModel(const ModelFacts& facts, ConfigText& text) {
  text.Comment("File names are relative to the folder of this file.");
  text.Set("onnx-file", facts.onnx_file);
  text.Comment(
      "The name under which DeepStream itself saves the engine that it builds at the first start "
      "(minutes).");
  text.Comment(
      "With any other name, batch size, GPU or precision it would build again at every start.");
  text.Set("model-engine-file",
           EngineFileName(facts.onnx_file, facts.batch_size, 0, static_cast<int>(facts.precision)));
  text.Set("labelfile-path", facts.labels_file);
  WriteBatch(facts, text);
  WritePrecision(facts, text);
  text.Comment("0: a detector.").Set("network-type", 0U);
  text.Comment("1: the full frame goes in.").Set("process-mode", 1U);
  text.Comment("Frames skipped between two inferences.").Set("interval", 0U);
  text.Set("gie-unique-id", 1U);
}

void WriteInput(const ModelFacts& facts, ConfigText& text) {
  text.Comment("RGB as it is, 0..255: scaling by mean and deviation is a part of the graph,");
  text.Comment("because DeepStream knows only one factor for all three channels.");
  text.Set("net-scale-factor", "1.0").Set("model-color-format", 0U);
  text.Comment("Always channels;height;width, whatever the order in memory.");
  text.Set("infer-dims", fmt::format("3;{};{}", facts.input_height, facts.input_width));
  if (facts.nhwc) {
    text.Comment(
        "1: the input is NHWC, as TensorFlow has it (DeepStream 6.0 or newer; needs infer-dims).");
    text.Set("network-input-order", 1U);
  } else {
    text.Comment("0: the input is NCHW.").Set("network-input-order", 0U);
  }
  text.Comment(
      "AutoML scales to fit and pads at the right and the bottom, not around the picture.");
  text.Set("maintain-aspect-ratio", 1U).Set("symmetric-padding", 0U);
  text.Comment(
      "1: bilinear as in training. Without this key DeepStream takes the nearest pixel, which "
      "costs accuracy.");
  text.Set("scaling-filter", 1U);
}

void WriteOutput(const ModelFacts& facts, ConfigText& text) {
  text.Comment(OutputComment(facts.postprocessing));
  if (!facts.output_names.empty()) text.SetList("output-blob-names", facts.output_names);
  text.Set("custom-lib-path", facts.parser_library);
  text.Comment("Finds out by itself which outputs the graph has.");
  if (!facts.parser_options.empty()) {
    text.Comment("The library takes what the tensors do not tell from " + ParserOptionsFile(facts) +
                 " beside it: keep the two together.");
  }
  text.Set("parse-bbox-func-name", "NvDsInferParseEfficientDet");
  text.Set("num-detected-classes", facts.num_classes);
  text.Comment(
      "4: no clustering, NMS is done. Left out, or 0, stock builds run NMS once more with IoU 0.5 "
      "and");
  text.Comment("at most 20 objects of a class, whatever [class-attrs-all] says.");
  text.Set("cluster-mode", 4U);
  text.Comment(
      "Objects that reach over the edge of the frame are cut there. Without this key DeepStream "
      "drops those");
  text.Comment(
      "that reach over the bottom without a word (the key is there since 6.2; older versions warn "
      "and ignore it).");
  text.Set("crop-objects-to-roi-boundary", 1U);
}

void WriteClasses(const ModelFacts& facts, ConfigText& text) {
  text.Group("class-attrs-all");
  text.Comment(
      "Objects with a lower score are dropped. For other values for class N: a group "
      "[class-attrs-N].");
  text.Set("pre-cluster-threshold", fmt::format("{}", facts.score_threshold));
  text.Comment("At most so many objects of each class (0 would drop all of them).");
  text.Set("topk", facts.max_detections);
}

}  // namespace

std::string NvinferConfigText(const ModelFacts& facts, ConfigFormat format) {
  ConfigText text(NvinferKeys(), facts.deepstream_version);
  text.Comment(fmt::format("How DeepStream runs {} (element nvinfer).",
                           OneLine(facts.model_name.empty() ? "this model" : facts.model_name)));
  if (!facts.platform.empty()) text.Comment("For " + OneLine(facts.platform) + ".");
  text.Comment(
      "Comments stand on lines of their own: behind a value they would become a part of it.");
  text.Group("property");
  text.Set("gpu-id", 0U);
  WriteModel(facts, text);
  WriteInput(facts, text);
  WriteOutput(facts, text);
  WriteClasses(facts, text);
  return text.Text(format);
}

std::string ParserOptionsFile(const ModelFacts& facts) {
  return std::filesystem::path(facts.parser_library).replace_extension(".conf").string();
}

std::string ParserOptionsText(const ModelFacts& facts) {
  if (facts.parser_options.empty()) return "";
  std::string text = "# Options of " + facts.parser_library +
                     ", read from beside it; environment variables come first.\n";
  for (const auto& [key, value] : facts.parser_options) text += key + "=" + value + "\n";
  return text;
}

}  // namespace edet::deepstream
