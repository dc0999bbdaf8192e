#include "cli/convert_output.h"


#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/file.h"
#include "cli/hparams_json.h"
#include "cli/parser_library.h"
#include "cli/source_argument.h"
#include "deepstream/config_stamp.h"
#include "deepstream/write_configs.h"
#include "efficientdet/anchor_spec.h"
#include "onnx/write.h"

namespace edet::cli {
namespace fs = std::filesystem;
using efficientdet::Layout;
using efficientdet::NmsKind;
using efficientdet::NmsSemantics;
using nlohmann::ordered_json;
namespace {

bool IsDynamic(const ConvertOptions& options) { return options.batch == graph::kDynamic; }

ordered_json BatchJson(const ConvertOptions& options) {
  if (IsDynamic(options)) return "dynamic";
  return options.batch;
}

// What the parser library cannot see in the tensors.
std::vector<std::pair<std::string, std::string>> ParserOptionsFor(const ConvertOptions& options,
                                                                  const Conversion& conversion) {
  std::vector<std::pair<std::string, std::string>> values;
  if (NmsInGraph(options.nms)) return values;
  const ConvertOptions usual;
  if (options.nms == NmsKind::kNone)
    values.emplace_back("EDET_PARSER_ANCHORS", efficientdet::AnchorSpec(conversion.hparams));
  if (conversion.semantics == NmsSemantics::kPerClass)
    values.emplace_back("EDET_PARSER_NMS", "per-class");
  if (options.iou_threshold != usual.iou_threshold)
    values.emplace_back("EDET_PARSER_IOU", fmt::format("{}", options.iou_threshold));
  if (options.max_detections != usual.max_detections)
    values.emplace_back("EDET_PARSER_MAX_OBJECTS", fmt::format("{}", options.max_detections));
  if (conversion.soft_sigma > 0.F)
    values.emplace_back("EDET_PARSER_SOFT_SIGMA", fmt::format("{}", conversion.soft_sigma));
  return values;
}

ordered_json Record(const ConvertOptions& options, const Conversion& conversion) {
  const efficientdet::Hparams& h = conversion.hparams;
  bool decides = NmsInGraph(options.nms);
  ordered_json record = {
      {"edet", EDET_VERSION},
      {"checkpoint",
       {{"name", options.checkpoint.filename().string()}, {"holds", conversion.checkpoint}}},
      {"weights", conversion.uses_ema ? "ema" : "raw"},
      {"model",
       {{"name", h.model_name},
        {"image_size", {{"height", h.image_height}, {"width", h.image_width}}},
        {"num_classes", h.num_classes}}},
      {"hparams", HparamsJson(h)},
      {"onnx",
       {{"file", "model.onnx"},
        {"opset", options.opset},
        {"batch", BatchJson(options)},
        {"precision", NameOf(options.precision)},
        {"layout", NameOf(options.layout)},
        {"outputs", conversion.outputs},
        {"nodes", conversion.nodes},
        {"parameters", conversion.parameters}}},
      {"nms", {{"kind", NameOf(options.nms)}}},
      {"configs",
       {{"score_threshold", options.score_threshold},
        {"max_detections", options.max_detections},
        {"parser_options", ordered_json::object()}}},
      {"reasons", conversion.reasons},
  };
  for (const auto& [key, value] : ParserOptionsFor(options, conversion))
    record["configs"]["parser_options"][key] = value;
  if (const auto& platform = conversion.platform) {
    record["target"] = {{"name", platform->name},         {"deepstream", platform->deepstream},
                        {"tensorrt", platform->tensorrt}, {"cuda", platform->cuda},
                        {"glibc", platform->glibc},       {"arch", platform->arch}};
  }
  if (decides) {
    record["nms"]["semantics"] = NameOf(conversion.semantics);
    record["nms"]["score_threshold"] = options.score_threshold;
    record["nms"]["iou_threshold"] = options.iou_threshold;
    record["nms"]["max_detections"] = options.max_detections;
  }
  return record;
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

deepstream::ModelFacts FactsFor(const ConvertOptions& options, const Conversion& conversion) {
  deepstream::ModelFacts facts;
  facts.model_name = conversion.hparams.model_name;
  facts.input_width = static_cast<uint32_t>(conversion.hparams.image_width);
  facts.input_height = static_cast<uint32_t>(conversion.hparams.image_height);
  facts.nhwc = options.layout == Layout::kNhwc;
  facts.num_classes = static_cast<uint32_t>(conversion.hparams.num_classes);
  facts.postprocessing = PostprocessingOf(options.nms);
  facts.half_model = options.precision == Precision::kFp16;
  facts.output_names = conversion.outputs;
  facts.dynamic_batch = IsDynamic(options);
  facts.batch_size = facts.dynamic_batch ? 1 : static_cast<uint32_t>(options.batch);
  facts.parser_options = ParserOptionsFor(options, conversion);
  facts.score_threshold = options.score_threshold;
  facts.max_detections = static_cast<uint32_t>(options.max_detections);
  if (const auto& platform = conversion.platform) {
    facts.deepstream_version = platform->deepstream;
    facts.platform = fmt::format("{} ({})", platform->name, platform->Versions());
    facts.jetson = platform->arch == "aarch64";
  }
  return facts;
}

}  // namespace

Status WriteFolder(graph::Graph graph, const ConvertOptions& options,
                   const Conversion& conversion) {
  EDET_ASSIGN_OR_RETURN(fs::path library, FindParserLibrary());
  EDET_ASSIGN_OR_RETURN(std::string library_bytes, ReadFile(library));
  deepstream::ModelFacts facts = FactsFor(options, conversion);
  deepstream::AppFacts app;
  if (!options.input.empty()) {
    EDET_ASSIGN_OR_RETURN(deepstream::SourceFacts source, SourceArgument(options.input));
    app.sources.push_back(std::move(source));
  }
  OutputFiles output;
  EDET_ASSIGN_OR_RETURN(fs::path onnx_file, output.StageName(options.output / "model.onnx"));
  onnx_format::WriteOptions write;
  write.opset = options.opset;
  write.producer_version = EDET_VERSION;
  EDET_RETURN_IF_ERROR(onnx_format::WriteModel(std::move(graph), write, onnx_file));
  EDET_RETURN_IF_ERROR(output.Stage(options.output / facts.labels_file, Joined(conversion.labels)));
  EDET_RETURN_IF_ERROR(output.Stage(options.output / app.infer_config,
                                    deepstream::Stamped(deepstream::NvinferConfigText(facts))));
  EDET_RETURN_IF_ERROR(output.Stage(options.output / "deepstream_app.txt",
                                    deepstream::Stamped(deepstream::AppConfigText(facts, app))));
  EDET_RETURN_IF_ERROR(output.Stage(options.output / facts.parser_library, library_bytes, true));
  if (std::string text = deepstream::ParserOptionsText(facts); !text.empty()) {
    EDET_RETURN_IF_ERROR(
        output.Stage(options.output / deepstream::ParserOptionsFile(facts), std::move(text)));
  }
  EDET_RETURN_IF_ERROR(
      output.Stage(options.output / "edet.json", Record(options, conversion).dump(2) + "\n"));
  return output.Commit();
}

void PrintResult(const ConvertOptions& options, const Conversion& conversion) {
  if (options.json) {
    ordered_json record = Record(options, conversion);
    record["folder"] = options.output.string();
    fmt::print("{}\n", record.dump(2));
    return;
  }
  const efficientdet::Hparams& h = conversion.hparams;
  std::string out = options.output.string();
  fmt::print("checkpoint  {}\n", conversion.checkpoint);
  for (const std::string& reason : conversion.reasons) fmt::print("            {}\n", reason);
  fmt::print(
      "input       input: float32 RGB 0..255, {} {}x{} (width x height), normalised inside\n",
      options.layout == Layout::kNhwc ? "NHWC" : "NCHW", h.image_width, h.image_height);
  fmt::print("batch       {}\n", IsDynamic(options) ? "any number of images (dynamic)"
                                                    : fmt::format("{}", options.batch));
  fmt::print("outputs     {}\n", fmt::join(conversion.outputs, ", "));
  if (!NmsInGraph(options.nms)) {
    fmt::print("nms         {}: left to the parser library\n", NameOf(options.nms));
  } else {
    fmt::print("nms         {}, {} semantics, score > {}, IoU > {} suppresses, at most {} boxes\n",
               NameOf(options.nms), NameOf(conversion.semantics), options.score_threshold,
               options.iou_threshold, options.max_detections);
  }
  fmt::print("network     {} nodes, {:.1f} M parameters, opset {}, {}\n", conversion.nodes,
             conversion.parameters / 1e6, options.opset, NameOf(options.precision));
  fmt::print(
      "written     {}: model.onnx labels.txt config_infer_primary.txt deepstream_app.txt "
      "libnvdsinfer_efficientdet.so "
      "edet.json\n\n",
      out);
  fmt::print(
      "Next:\n  edet inspect {0}/model.onnx\n  edet run {0} VIDEO\n"
      "On {1}, in that folder with the library built for it:\n  deepstream-app -c "
      "deepstream_app.txt\n",
      out, conversion.platform ? conversion.platform->name : "the Jetson");
}

}  // namespace edet::cli
