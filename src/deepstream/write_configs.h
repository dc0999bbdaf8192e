#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace edet::deepstream {

enum class Postprocessing { kPlugin, kOnnxNms, kRows, kDecoded, kNone };

// What the converter knows and the configs must say.
struct ModelFacts {
  std::string onnx_file = "model.onnx";  // all files by name, in the folder of the configs
  std::string labels_file = "labels.txt";
  std::string parser_library = "libnvdsinfer_efficientdet.so";
  std::string model_name;                      // "efficientdet-d0", for comments
  uint32_t input_width = 0, input_height = 0;  // pixels
  bool nhwc = true;
  uint32_t num_classes = 0;  // classes of the model, 0-based class c is line c + 1 of the labels
  Postprocessing postprocessing = Postprocessing::kPlugin;
  std::vector<std::string> output_names;
  bool fp16 = true;         // network-mode 2 on the device
  bool half_model = false;  // the ONNX file itself computes in FP16
  uint32_t batch_size = 1;
  bool dynamic_batch = false;  // the graph takes any batch: batch_size is a first choice
  // Options of the parser library (EDET_PARSER_...) and their values, for its options file; empty:
  // no such file.
  std::vector<std::pair<std::string, std::string>> parser_options;
  std::string platform;            // for a comment: "xavier-jp5 (DeepStream 6.3, ...)"; empty: any
  std::string deepstream_version;  // "6.3": keys that it does not know are left out; empty: all
  float score_threshold = 0.4F;    // of the graph, and of every class in the config
  uint32_t max_detections = 100;   // objects of one class at the most
};

// Text of config_infer_primary.txt.
std::string NvinferConfigText(const ModelFacts& facts);

// Name and text of the parser library's options file, which it reads from beside itself; the text
// is empty where the model needs none.
std::string ParserOptionsFile(const ModelFacts& facts);
std::string ParserOptionsText(const ModelFacts& facts);

struct AppFacts {
  std::string infer_config = "config_infer_primary.txt";
  std::string source_uri;  // file:// or rtsp:// URI; empty: a placeholder that the comments explain
  std::string output_file = "out.mp4";
  std::string kitti_directory;  // empty: none
  uint32_t width = 1920, height = 1080;
};

// Text of deepstream_app.txt: one source, primary inference, drawing, H.264 file.
std::string AppConfigText(const ModelFacts& model, const AppFacts& app);

}  // namespace edet::deepstream
