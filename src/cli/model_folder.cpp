#include "cli/model_folder.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/file.h"
#include "onnx/summary.h"

namespace edet::cli {
namespace fs = std::filesystem;
using deepstream::Postprocessing;
using deepstream::TensorFacts;
using nlohmann::json;
namespace {

constexpr const char* kConvertAgain = "convert again: edet convert CHECKPOINT -o DIR";

Error Damaged(const fs::path& file, const std::string& what) {
  return {ErrorCode::kCorrupt, what, file.string(), kConvertAgain};
}

Postprocessing PostprocessingFromName(const std::string& name) {
  static const std::map<std::string, Postprocessing> kinds{{"plugin", Postprocessing::kPlugin},
                                                           {"onnx", Postprocessing::kOnnxNms},
                                                           {"rows", Postprocessing::kRows},
                                                           {"decoded", Postprocessing::kDecoded},
                                                           {"none", Postprocessing::kNone}};
  return kinds.at(name);
}

// nlohmann's checks and at() throw for what is absent or of another type.
void TakeOnnx(const json& record, ModelFolder& model) {
  const json& onnx = record.at("onnx");
  deepstream::ModelFacts& facts = model.facts;
  facts.onnx_file = onnx.at("file");
  facts.nhwc = onnx.at("layout").get<std::string>() == "nhwc";
  facts.half_model = onnx.at("precision").get<std::string>() == "fp16";
  facts.output_names = onnx.at("outputs").get<std::vector<std::string>>();
  facts.dynamic_batch = onnx.at("batch").is_string();
  if (!facts.dynamic_batch) facts.batch_size = onnx.at("batch");
  model.needs.nhwc = facts.nhwc;
  model.needs.opset = onnx.at("opset").get<int64_t>();
}

void TakeConfigs(const json& record, ModelFolder& model) {
  const json& configs = record.at("configs");
  model.facts.score_threshold = configs.at("score_threshold");
  model.facts.max_detections = configs.at("max_detections");
  for (const auto& [key, value] : configs.at("parser_options").items())
    model.facts.parser_options.emplace_back(key, value.get<std::string>());
}

ModelFolder FromRecord(const json& record) {
  ModelFolder model;
  const json& network = record.at("model");
  model.facts.model_name = network.at("name");
  model.facts.input_width = network.at("image_size").at("width");
  model.facts.input_height = network.at("image_size").at("height");
  model.facts.num_classes = network.at("num_classes");
  TakeOnnx(record, model);
  const json& nms = record.at("nms");
  model.facts.postprocessing = PostprocessingFromName(nms.at("kind"));
  model.needs.postprocessing = model.facts.postprocessing;
  if (nms.contains("semantics"))
    model.needs.automl = nms.at("semantics").get<std::string>() == "automl";
  TakeConfigs(record, model);
  if (record.contains("target")) model.target = record.at("target").at("name");
  return model;
}

// Names go into configs and paths: plain words only.
bool IsPlain(const std::string& name) {
  return !name.empty() && name.front() != '.' &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "-_.") == std::string::npos;
}

Result<ModelFolder> ParseRecord(const fs::path& file) {
  constexpr uint64_t kMostBytes = 16 << 20;
  EDET_ASSIGN_OR_RETURN(std::string text, ReadFile(file, kMostBytes));
  try {
    ModelFolder model = FromRecord(json::parse(text));
    if (IsPlain(model.facts.model_name) && IsPlain(model.facts.onnx_file)) return model;
    return Damaged(file, "the names of the model are no plain words");
  } catch (const json::parse_error&) {
    return Damaged(file, "not JSON");
  } catch (const std::exception& error) {
    return Damaged(
        file, fmt::format("not as edet convert writes it ({})", deepstream::OneLine(error.what())));
  }
}

std::string TritonType(const std::string& type) {
  if (type == "float32") return "FP32";
  return type == "int32" ? "INT32" : type == "int64" ? "INT64" : type;
}

// What is free (the batch) is left out or, elsewhere, -1.
TensorFacts TensorFrom(const onnx_format::TensorInfo& info) {
  TensorFacts tensor;
  tensor.name = info.name;
  tensor.type = TritonType(info.type);
  for (size_t i = 1; i < info.shape.size(); ++i) {
    const std::string& text = info.shape[i];
    const bool number = !text.empty() && text.size() < 10 &&
                        text.find_first_not_of("0123456789") == std::string::npos;
    tensor.dims.push_back(number ? std::stoll(text) : -1);
  }
  return tensor;
}

Status CheckTensors(const fs::path& file, const ModelFolder& model) {
  const int64_t width = model.facts.input_width, height = model.facts.input_height;
  const std::vector<int64_t> nhwc{height, width, 3}, nchw{3, height, width};
  std::vector<std::string> outputs;
  for (const TensorFacts& output : model.outputs) outputs.push_back(output.name);
  if (model.input.dims == (model.facts.nhwc ? nhwc : nchw) && model.input.type == "FP32" &&
      outputs == model.facts.output_names)
    return {};
  return Damaged(file, "the model is not the one that edet.json tells of");
}

}  // namespace

Result<ModelFolder> ReadModelFolder(const fs::path& folder) {
  std::error_code error;
  const fs::path record = folder / "edet.json";
  if (!fs::exists(record, error)) {
    return Error{ErrorCode::kNotFound, "the folder holds no edet.json", folder.string(),
                 "give the folder that edet convert wrote: edet convert CHECKPOINT -o DIR"};
  }
  EDET_ASSIGN_OR_RETURN(ModelFolder model, ParseRecord(record));
  const fs::path onnx_file = folder / model.facts.onnx_file;
  EDET_ASSIGN_OR_RETURN(onnx_format::ModelSummary onnx, onnx_format::SummarizeModel(onnx_file));
  if (onnx.inputs.size() != 1)
    return Damaged(onnx_file, fmt::format("the model has {} inputs, not one", onnx.inputs.size()));
  model.input = TensorFrom(onnx.inputs[0]);
  for (const onnx_format::TensorInfo& output : onnx.outputs)
    model.outputs.push_back(TensorFrom(output));
  EDET_RETURN_IF_ERROR(CheckTensors(onnx_file, model));
  return model;
}

}  // namespace edet::cli
