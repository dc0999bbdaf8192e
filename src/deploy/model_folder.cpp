#include "deploy/model_folder.h"

#include <map>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "deepstream/nvinfer_config.h"

namespace edet::deploy {
namespace fs = std::filesystem;
using deepstream::Postprocessing;
using nlohmann::json;
namespace {

constexpr uint64_t kMaxRecordBytes = uint64_t{1} << 20;
constexpr uint64_t kMaxOptionsBytes = uint64_t{64} << 10;

const std::map<std::string, Postprocessing> kPostprocessing = {
    {"plugin", Postprocessing::kPlugin},
    {"onnx", Postprocessing::kOnnxNms},
    {"rows", Postprocessing::kRows},
    {"decoded", Postprocessing::kDecoded},
    {"none", Postprocessing::kNone}};

// What the record tells; throws json::exception or std::out_of_range where it is another file.
void TakeRecord(const json& record, ModelFolder& folder) {
  const json& model = record.at("model");
  const json& onnx = record.at("onnx");
  deepstream::ModelFacts& facts = folder.facts;
  facts.model_name = model.at("name").get<std::string>();
  facts.input_width = model.at("image_size").at("width").get<uint32_t>();
  facts.input_height = model.at("image_size").at("height").get<uint32_t>();
  facts.num_classes = model.at("num_classes").get<uint32_t>();
  facts.nhwc = onnx.at("layout") == "nhwc";
  facts.half_model = onnx.at("precision") == "fp16";
  facts.output_names = onnx.at("outputs").get<std::vector<std::string>>();
  facts.dynamic_batch = onnx.at("batch").is_string();
  const json& nms = record.at("nms");
  facts.postprocessing = kPostprocessing.at(nms.at("kind").get<std::string>());
  folder.wishes.postprocessing = facts.postprocessing;
  folder.wishes.nhwc = facts.nhwc;
  folder.wishes.opset = onnx.at("opset").get<int64_t>();
  if (nms.contains("semantics")) folder.wishes.automl = nms.at("semantics") == "automl";
  if (record.contains("target")) folder.target = record.at("target").at("name").get<std::string>();
}

// What a user may have tuned in the config goes into the new ones.
Status TakeConfig(const fs::path& path, deepstream::ModelFacts& facts) {
  Findings ignored;
  EDET_ASSIGN_OR_RETURN(deepstream::NvinferConfig config,
                        deepstream::ReadNvinferConfig(path, ignored));
  if (config.network_mode == 1) {
    return Error{ErrorCode::kUnsupported, "an INT8 model cannot be bundled", path.string(),
                 "its calibration belongs to one TensorRT: set network-mode=2"};
  }
  facts.fp16 = config.network_mode == 2;
  facts.batch_size = config.batch_size;
  if (!config.postprocess.classes.empty()) {
    facts.score_threshold = config.postprocess.classes[0].pre_cluster_threshold;
    if (config.postprocess.classes[0].top_k > 0)
      facts.max_detections = static_cast<uint32_t>(config.postprocess.classes[0].top_k);
  }
  return {};
}

// The library's options file, KEY=VALUE lines, as `edet convert` writes it.
Status TakeParserOptions(const fs::path& path, deepstream::ModelFacts& facts) {
  std::error_code failed;
  if (!fs::exists(path, failed)) return {};
  EDET_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxOptionsBytes));
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    at = end + 1;
    size_t equals = line.find('=');
    if (line.empty() || line[0] == '#' || equals == std::string::npos) continue;
    facts.parser_options.emplace_back(line.substr(0, equals), line.substr(equals + 1));
  }
  return {};
}

}  // namespace

Result<ModelFolder> ReadModelFolder(const fs::path& path) {
  ModelFolder folder;
  folder.path = path;
  fs::path record_file = path / "edet.json";
  std::error_code failed;
  if (!fs::exists(record_file, failed)) {
    return Error{ErrorCode::kNotFound, "the folder holds no edet.json", path.string(),
                 "give a folder that 'edet convert' wrote"};
  }
  EDET_ASSIGN_OR_RETURN(folder.record, ReadFile(record_file, kMaxRecordBytes));
  try {
    TakeRecord(json::parse(folder.record), folder);
  } catch (const std::exception&) {
    return Error{ErrorCode::kCorrupt, "this is no record of 'edet convert'", record_file.string(),
                 "convert the model again"};
  }
  EDET_RETURN_IF_ERROR(TakeConfig(path / "config_infer_primary.txt", folder.facts));
  EDET_RETURN_IF_ERROR(
      TakeParserOptions(path / deepstream::ParserOptionsFile(folder.facts), folder.facts));
  return folder;
}

}  // namespace edet::deploy
