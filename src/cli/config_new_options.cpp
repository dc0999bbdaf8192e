#include "cli/config_new_options.h"

#include <map>

#include "cli/convert_options.h"

namespace edet::cli {
using deepstream::EnginePrecision;
using deepstream::SinkKind;
using deepstream::TrackerKind;
using deepstream::TritonBackend;
namespace {

const std::map<std::string, SinkKind> kSinks = {
    {"file", SinkKind::kFile},   {"display", SinkKind::kDisplay}, {"rtsp", SinkKind::kRtsp},
    {"fake", SinkKind::kFake},   {"kafka", SinkKind::kKafka},     {"mqtt", SinkKind::kMqtt},
    {"redis", SinkKind::kRedis},
};
const std::map<std::string, TrackerKind> kTrackers = {
    {"none", TrackerKind::kNone},
    {"iou", TrackerKind::kIou},
    {"klt", TrackerKind::kKlt},
    {"nvdcf", TrackerKind::kNvDcf},
    {"nvdcf-accuracy", TrackerKind::kNvDcfAccuracy},
    {"nvsort", TrackerKind::kNvSort},
    {"nvdeepsort", TrackerKind::kNvDeepSort},
};
const std::map<std::string, EnginePrecision> kPrecisions = {{"fp32", EnginePrecision::kFp32},
                                                            {"fp16", EnginePrecision::kFp16},
                                                            {"int8", EnginePrecision::kInt8}};
const std::map<std::string, TritonBackend> kBackends = {
    {"tensorrt", TritonBackend::kTensorRt}, {"onnxruntime", TritonBackend::kOnnxRuntime}};

void AddInputs(CLI::App* command, const std::shared_ptr<ConfigNewOptions>& options) {
  command->add_option("model", options->model, "The folder that edet convert wrote")->required();
  command->add_option("-o,--output", options->output,
                      "Folder for the configs (made if absent; default: the model's own)");
  command->add_option_function<std::string>(
      "--target",
      [options](const std::string& name) {
        if (name == "help") {
          PrintPlatforms();
          throw CLI::Success();
        }
        options->target = name;
      },
      "The platform (default: the one of edet convert --target): " + PlatformNames() +
          "; help tells about each");
  command->add_option("--sources", options->sources,
                      "How many, or each of them: a file, file:///on/the/device.mp4, "
                      "rtsp://camera/1, usb:0, csi:0");
  command->add_option("--frame-size", options->frame_size,
                      "WIDTHxHEIGHT of the frames behind the muxer (1920x1080)");
}

void AddOutputs(CLI::App* command, const std::shared_ptr<ConfigNewOptions>& options) {
  command
      ->add_option_function<std::vector<std::string>>(
          "--sink",
          [options](const std::vector<std::string>& names) {
            for (const std::string& name : names) options->sinks.push_back(kSinks.at(name));
          },
          "Where results go, one or several: file (default), display, rtsp, fake, kafka, mqtt, "
          "redis")
      ->check(CLI::IsMember(&kSinks));
  command->add_option("--output-file", options->output_file, "Video of --sink file (out.mp4)");
  command->add_option("--kitti", options->kitti,
                      "Folder, which must be there, for a text file of detections a frame");
  command->add_option("--broker", options->broker, "HOST:PORT of kafka, mqtt or redis (localhost)");
  command->add_option("--topic", options->topic, "Topic (redis: stream) of messages (detections)");
  command
      ->add_option_function<std::string>(
          "--tracker",
          [options](const std::string& name) { options->tracker = kTrackers.at(name); },
          "none (default), iou, nvdcf, nvdcf-accuracy, nvsort (6.2+), nvdeepsort (6.0+), klt (5.x)")
      ->check(CLI::IsMember(&kTrackers));
}

void AddInference(CLI::App* command, const std::shared_ptr<ConfigNewOptions>& options) {
  command
      ->add_option_function<std::string>(
          "--precision",
          [options](const std::string& name) { options->precision = kPrecisions.at(name); },
          "Of TensorRT's engine: fp16 (default), fp32, int8 (needs --calibration)")
      ->check(CLI::IsMember(&kPrecisions));
  command->add_option("--calibration", options->calibration,
                      "INT8 calibration table, as a path relative to the configs or on the device");
  command
      ->add_option("--batch", options->batch,
                   "Frames a run of the network (default: as many as sources, where the model "
                   "takes any number)")
      ->check(CLI::Range(1U, 1024U));
  command->add_option("--library", options->library,
                      "Parser library on the device (default: the one beside the model)");
  command->add_flag("--server", options->server,
                    "Also write nvinferserver's config and Triton's model repository");
  command
      ->add_option_function<std::string>(
          "--server-backend",
          [options](const std::string& name) { options->backend = kBackends.at(name); },
          "What Triton runs: tensorrt (default; the engine that nvinfer builds) or onnxruntime")
      ->check(CLI::IsMember(&kBackends));
}

}  // namespace

void AddConfigNewOptions(CLI::App* command, const std::shared_ptr<ConfigNewOptions>& options) {
  AddInputs(command, options);
  AddOutputs(command, options);
  AddInference(command, options);
  command->add_flag("--yaml", options->yaml,
                    "Also write the same as YAML, with the sources in a CSV file (6.1+)");
  command->add_flag("--force", options->force, "Overwrite files that were edited by hand");
  command->add_flag("--json", options->json, "Print what was written as JSON");
  command->footer(
      "\nExamples:\n"
      "  edet config new d0 --target xavier-jp5 --sources rtsp://10.0.0.5/1 rtsp://10.0.0.6/1 "
      "--sink rtsp\n"
      "  edet config new d0 --target orin-jp6 --sources street.mp4 --sink display --tracker nvdcf\n"
      "  edet config new d0 --target dgpu-7.1 --sources 4 --sink fake kafka --broker "
      "10.0.0.9:9092 -o d0/kafka\n"
      "  edet config new d0 --target dgpu-9.1 --server --yaml");
}

}  // namespace edet::cli
