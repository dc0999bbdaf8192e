#include "cli/inspect_fitness.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>

#include "deepstream/platforms.h"

namespace edet::cli {
namespace fs = std::filesystem;
using onnx_format::ModelSummary;
using onnx_format::TensorInfo;
namespace {

// A dimension of a stated shape; 0 for a symbol.
int64_t Fixed(const std::string& dimension) {
  constexpr size_t kLongest = 9;
  bool number = !dimension.empty() && dimension.size() <= kLongest &&
                dimension.find_first_not_of("0123456789") == std::string::npos;
  return number ? std::atoll(dimension.c_str()) : 0;
}

// create_onnx.py rewrites what tf2onnx made and leaves its name in place.
std::string Exporter(const ModelSummary& summary) {
  std::string producer = summary.producer.empty() ? "unknown" : summary.producer;
  constexpr const char* kNoCommit = " None";  // as tf2onnx's releases call themselves
  if (size_t at = producer.find(kNoCommit); at != std::string::npos) producer.resize(at);
  bool plugin = std::any_of(
      summary.operators.begin(), summary.operators.end(),
      [](const auto& entry) { return entry.first.find("EfficientNMS_TRT") != std::string::npos; });
  bool tensorflow = producer.rfind("tf2onnx", 0) == 0;
  if (tensorflow && plugin)
    return producer + ", then rewritten for EfficientNMS_TRT (as create_onnx.py does)";
  if (tensorflow) return producer + " (TensorFlow)";
  if (producer.rfind("pytorch", 0) == 0) return producer + " (PyTorch)";
  return producer;
}

struct ImageInput {
  bool is_image = false, nchw = false;
  std::string type;
  int64_t batch = 0, channels = 0, height = 0, width = 0;  // 0: free
};

ImageInput ImageOf(const ModelSummary& summary) {
  ImageInput image;
  if (summary.inputs.empty() || summary.inputs[0].shape.size() != 4) return image;
  std::vector<int64_t> dims;
  for (const std::string& dimension : summary.inputs[0].shape) dims.push_back(Fixed(dimension));
  auto is_channels = [](int64_t n) { return n == 3 || n == 1; };
  image.type = summary.inputs[0].type;
  image.nchw = is_channels(dims[1]) && !is_channels(dims[3]);
  image.is_image = image.nchw || is_channels(dims[3]);
  image.batch = dims[0];
  image.channels = image.nchw ? dims[1] : dims[3];
  image.height = image.nchw ? dims[2] : dims[1];
  image.width = image.nchw ? dims[3] : dims[2];
  return image;
}

// What is in the way of every nvinfer; empty: nothing.
std::string Obstacle(const ModelSummary& summary, const ImageInput& image) {
  if (summary.inputs.size() != 1)
    return fmt::format("nvinfer feeds one image input, the model has {}", summary.inputs.size());
  const TensorInfo& input = summary.inputs[0];
  if (input.type != "float32")
    return fmt::format("nvinfer writes float32, the input is {}", input.type);
  if (input.shape.size() != 4)
    return fmt::format("nvinfer feeds batch, channels and two sides, the input has {} dimensions",
                       input.shape.size());
  if (!image.is_image) return "no dimension of the input is its 3 (or 1) channels";
  return "";
}

std::string Keys(const ImageInput& image) {
  std::string keys = image.nchw ? "network-input-order=0" : "network-input-order=1";
  keys += image.height > 0 && image.width > 0
              ? fmt::format(", infer-dims={};{};{}", image.channels, image.height, image.width)
              : ", infer-dims must be set: the size is free";
  if (image.batch > 0) keys += fmt::format(", batch-size={}", image.batch);
  return keys;
}

FeedVerdict VerdictFor(const deepstream::Platform& platform, const ImageInput& image,
                       const std::string& obstacle) {
  if (!obstacle.empty()) return {platform.deepstream, false, obstacle};
  if (!image.nchw && !platform.nhwc)
    return {platform.deepstream, false, "this nvinfer feeds NCHW only, the input is NHWC"};
  return {platform.deepstream, true, Keys(image)};
}

std::vector<FeedVerdict> Feeding(const ModelSummary& summary) {
  ImageInput image = ImageOf(summary);
  std::string obstacle = Obstacle(summary, image);
  std::vector<deepstream::Platform> platforms = deepstream::Platforms();
  std::stable_sort(platforms.begin(), platforms.end(), [](const auto& a, const auto& b) {
    return deepstream::CompareVersions(a.deepstream, b.deepstream) < 0;
  });
  std::vector<FeedVerdict> verdicts;
  std::string first;
  for (const deepstream::Platform& platform : platforms) {
    FeedVerdict verdict = VerdictFor(platform, image, obstacle);
    bool same = !verdicts.empty() && verdicts.back().why == verdict.why;
    if (!same) {
      first = platform.deepstream;
      verdicts.push_back(std::move(verdict));
    } else if (platform.deepstream != first) {
      verdicts.back().versions = first + " to " + platform.deepstream;
    }
  }
  return verdicts;
}

std::vector<std::string> NextCommands(const ModelSummary& summary, const Fitness& fitness,
                                      const fs::path& path) {
  bool feeds = std::all_of(fitness.feeding.begin(), fitness.feeding.end(),
                           [](const FeedVerdict& verdict) { return verdict.good; });
  bool some = std::any_of(fitness.feeding.begin(), fitness.feeding.end(),
                          [](const FeedVerdict& verdict) { return verdict.good; });
  std::string file = path.string();
  bool ours = summary.producer.rfind("edet", 0) == 0;
  std::error_code ignored;
  std::string folder = path.parent_path().empty() ? "." : path.parent_path().string();
  std::vector<std::string> next;
  if (ours && fs::is_regular_file(fs::path(folder) / "edet.json", ignored))
    next.push_back("edet config new " + folder + " --target NAME");
  if (!ours) next.push_back("edet check " + file + " --target NAME");
  if (!ours || !some || !fitness.contract)
    next.push_back("edet repair " + file + " -o repaired.onnx --target NAME");
  if (some && !feeds)
    next.push_back("edet repair " + file +
                   " -o repaired.onnx --layout nchw   (before DeepStream 6)");
  return next;
}

}  // namespace

Fitness JudgeFitness(const ModelSummary& summary, const fs::path& path) {
  Fitness fitness;
  fitness.exporter = Exporter(summary);
  std::vector<parser::DeclaredOutput> outputs;
  for (const TensorInfo& output : summary.outputs) {
    outputs.push_back({output.name, output.type, {}});
    for (const std::string& dimension : output.shape)
      outputs.back().shape.push_back(Fixed(dimension));
  }
  fitness.contract = parser::RecogniseOutputs(outputs);
  fitness.feeding = Feeding(summary);
  fitness.next = NextCommands(summary, fitness, path);
  return fitness;
}

}  // namespace edet::cli
