#include "deploy/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>

#include "deploy/embedded_files.h"

namespace edet::deploy {
using nlohmann::json;
namespace {

// What the engine's name says, as nvinfer makes it.
struct EngineName {
  std::string onnx, batch, gpu, precision;
};

Result<EngineName> ParseEngineName(const std::string& engine) {
  static const std::regex form(
      "([A-Za-z0-9._-]{1,64})_b([0-9]{1,4})_gpu([0-9]{1,2})_(fp32|fp16|int8)\\.engine");
  std::smatch parts;
  if (std::regex_match(engine, parts, form) && engine[0] != '-')
    return EngineName{parts[1], parts[2], parts[3], parts[4]};
  return Error{ErrorCode::kCorrupt, "not an engine's name: " + engine, "MANIFEST.json",
               "make the bundle again"};
}

// Sizes that nvinfer asks for when the graph takes any number of frames: up to `batch`.
std::vector<std::string> Shapes(const json& converted, const std::string& batch) {
  const json& size = converted.at("model").at("image_size");
  const auto height = size.at("height").get<unsigned>(), width = size.at("width").get<unsigned>();
  const bool nhwc = converted.at("onnx").at("layout").get<std::string>() == "nhwc";
  const std::string frame =
      nhwc ? fmt::format("{}x{}x3", height, width) : fmt::format("3x{}x{}", height, width);
  return {fmt::format("--minShapes=input:1x{}", frame),
          fmt::format("--optShapes=input:{}x{}", batch, frame),
          fmt::format("--maxShapes=input:{}x{}", batch, frame)};
}

Result<std::vector<std::string>> ShapesOf(const Bundle& bundle, const std::string& batch) {
  const auto manifest =
      std::find_if(bundle.files.begin(), bundle.files.end(),
                   [](const BundleFile& file) { return file.path == "MANIFEST.json"; });
  if (manifest == bundle.files.end())
    return Error{ErrorCode::kCorrupt, "the bundle has no MANIFEST.json", bundle.name, ""};
  try {
    const json converted = json::parse(manifest->bytes).at("converted");
    if (!converted.at("onnx").at("batch").is_string()) return std::vector<std::string>();
    return Shapes(converted, batch);
  } catch (const std::exception&) {
    return Error{ErrorCode::kCorrupt, "how the model was converted cannot be read", "MANIFEST.json",
                 "make the bundle again"};
  }
}

}  // namespace

Result<std::vector<std::string>> TrtexecOptions(const Bundle& bundle) {
  EDET_ASSIGN_OR_RETURN(EngineName name, ParseEngineName(bundle.engine));
  if (name.precision == "int8") {
    return Error{ErrorCode::kUnsupported, "trtexec would build INT8 with invented ranges",
                 bundle.engine, "build it with --engine-with deepstream-app"};
  }
  std::vector<std::string> options = {"--onnx=" + name.onnx};
  if (name.precision == "fp16") options.emplace_back("--fp16");
  if (name.gpu != "0") options.push_back("--device=" + name.gpu);
  EDET_ASSIGN_OR_RETURN(std::vector<std::string> shapes, ShapesOf(bundle, name.batch));
  options.insert(options.end(), shapes.begin(), shapes.end());
  return options;
}

Result<bool> BuildWithTrtexec(SshConnection& device, const std::string& directory,
                              const std::string& trtexec, const Bundle& bundle,
                              unsigned timeout_seconds) {
  EDET_ASSIGN_OR_RETURN(std::vector<std::string> options, TrtexecOptions(bundle));
  std::vector<std::string> arguments = {directory, trtexec, bundle.engine};
  arguments.insert(arguments.end(), options.begin(), options.end());
  EDET_ASSIGN_OR_RETURN(
      ProcessResult result,
      device.Run(std::string(DeviceFile("remote/engine.sh")), arguments, {}, timeout_seconds));
  if (result.exit_code == 0) return LastLine(result.out) != "unchanged";
  return Error{ErrorCode::kEnvironment, "trtexec builds no engine: " + LastLine(result.err),
               directory + "/current/run/trtexec.log",
               "docs/troubleshooting.md has TensorRT's messages"};
}

Status LoadWithTrtexec(SshConnection& device, const std::string& directory,
                       const std::string& trtexec, const Bundle& bundle, unsigned timeout_seconds) {
  EDET_ASSIGN_OR_RETURN(ProcessResult result,
                        device.Run(std::string(DeviceFile("remote/load_engine.sh")),
                                   {directory, trtexec, bundle.engine}, {}, timeout_seconds));
  if (result.exit_code == 0) return {};
  return Error{ErrorCode::kFindings, "TensorRT does not take the engine: " + LastLine(result.err),
               directory + "/current/model/" + bundle.engine, "remove it and run this again"};
}

}  // namespace edet::deploy
