// What `edet` writes for DeepStream: the facts, and the text of each file. The texts are made in
// memory only; every key is one that the facts' version of DeepStream knows.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "deepstream/config_text.h"

namespace edet::deepstream {

enum class Postprocessing { kPlugin, kOnnxNms, kRows, kDecoded, kNone };

// As nvinfer's network-mode has them.
enum class EnginePrecision { kFp32 = 0, kInt8 = 1, kFp16 = 2 };

// A tensor of the model, for Triton: its name, its type as Triton says it ("FP32", "INT32") and its
// dimensions without the batch.
struct TensorFacts {
  std::string name;
  std::string type = "FP32";
  std::vector<int64_t> dims;
};

// What the converter knows and the configs must say. Files are paths relative to the configs'
// folder (or absolute ones, of the device).
struct ModelFacts {
  std::string onnx_file = "model.onnx";
  std::string labels_file = "labels.txt";
  std::string parser_library = "libnvdsinfer_efficientdet.so";
  std::string model_name;                      // "efficientdet-d0", for comments and Triton
  uint32_t input_width = 0, input_height = 0;  // pixels
  bool nhwc = true;
  uint32_t num_classes = 0;  // classes of the model, 0-based class c is line c + 1 of the labels
  Postprocessing postprocessing = Postprocessing::kPlugin;
  std::vector<std::string> output_names;
  EnginePrecision precision = EnginePrecision::kFp16;
  std::string calibration_file;  // of INT8
  bool half_model = false;       // the ONNX file itself computes in FP16
  uint32_t batch_size = 1;
  bool dynamic_batch = false;  // the graph takes any batch: batch_size is a choice
  // Options of the parser library (EDET_PARSER_...) and their values, for its options file; empty:
  // no such file.
  std::vector<std::pair<std::string, std::string>> parser_options;
  std::string platform;            // for a comment: "xavier-jp5 (DeepStream 6.3, ...)"; empty: any
  std::string deepstream_version;  // "6.3": keys that it does not know are left out; empty: all
  bool jetson = true;              // of the platform; decides about screens and cameras
  float score_threshold = 0.4F;    // of the graph, and of every class in the config
  uint32_t max_detections = 100;   // objects of one class at the most
};

// The configuration of nvinfer: config_infer_primary.txt, .yml.
std::string NvinferConfigText(const ModelFacts& facts, ConfigFormat format = ConfigFormat::kIni);

// Name and text of the parser library's options file, which it reads from beside itself; the text
// is empty where the model needs none.
std::string ParserOptionsFile(const ModelFacts& facts);
std::string ParserOptionsText(const ModelFacts& facts);

enum class SourceKind { kUri, kRtsp, kUsbCamera, kCsiCamera };

struct SourceFacts {
  SourceKind kind = SourceKind::kUri;
  std::string uri;      // of kUri and kRtsp
  unsigned device = 0;  // of the cameras: N of /dev/videoN, or the CSI sensor's number
};

// "rtsp://..", "file://..", "http://..", "/dev/video0" or "usb:0", "csi:0", or a path, which is
// taken for one of the device. Errors: InvalidArgument.
Result<SourceFacts> SourceFromText(const std::string& text);

enum class SinkKind { kFile, kDisplay, kRtsp, kFake, kKafka, kMqtt, kRedis };
bool IsBroker(SinkKind kind);

enum class TrackerKind { kNone, kIou, kKlt, kNvDcf, kNvDcfAccuracy, kNvSort, kNvDeepSort };

struct BrokerFacts {
  std::string host = "localhost";
  uint32_t port = 0;  // 0: the protocol's usual one
  std::string topic = "detections";
};

struct AppFacts {
  std::string infer_config = "config_infer_primary.txt";
  bool server = false;                       // infer_config is one of nvinferserver
  std::vector<SourceFacts> sources;          // empty: DeepStream's sample video, to be replaced,
  uint32_t sample_sources = 1;               // so many times
  std::string sources_file = "sources.csv";  // where the YAML form has the sources
  std::vector<SinkKind> sinks = {SinkKind::kFile};
  std::string output_file = "out.mp4";
  std::string kitti_directory;  // empty: none
  TrackerKind tracker = TrackerKind::kNone;
  BrokerFacts broker;
  std::string message_config = "config_msgconv.txt";
  uint32_t width = 1920, height = 1080;  // pixels of the frames behind the muxer
};

// What this DeepStream or device does not have. Errors: Unsupported, with what it has instead.
Status CheckApp(const ModelFacts& model, const AppFacts& app, ConfigFormat format);

// The configuration of deepstream-app: deepstream_app.txt, .yml.
std::string AppConfigText(const ModelFacts& model, const AppFacts& app,
                          ConfigFormat format = ConfigFormat::kIni);
// The sources of the YAML form. Errors: Unsupported, for a source with a comma.
Result<std::string> SourcesText(const AppFacts& app);
// What the messages call each source; for sinks that are brokers.
std::string MessageConfigText(const AppFacts& app);

enum class TritonBackend { kTensorRt, kOnnxRuntime };

struct ServerFacts {
  TritonBackend backend = TritonBackend::kTensorRt;
  std::string repository = "triton";  // folder of the model repository
  TensorFacts input;
  std::vector<TensorFacts> outputs;

  // Where Triton looks for the model, below the repository.
  std::string ModelFolder(const ModelFacts& model) const;
  std::string ModelFile(const ModelFacts& model) const;
};

// Errors: Unsupported, for a model that this backend cannot run.
Status CheckServer(const ModelFacts& model, const ServerFacts& server);
// The configuration of nvinferserver, and config.pbtxt of the model in Triton's repository.
std::string InferServerConfigText(const ModelFacts& model, const ServerFacts& server);
std::string TritonConfigText(const ModelFacts& model, const ServerFacts& server);

}  // namespace edet::deepstream
