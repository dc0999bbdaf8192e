#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/findings.h"
#include "base/result.h"
#include "detect/nvinfer_postprocess.h"

namespace edet::deepstream {

enum class ColorFormat { kRgb = 0, kBgr = 1, kGray = 2 };
enum class InputOrder { kNchw = 0, kNhwc = 1 };

// An nvinfer configuration file as gst-nvinfer holds it after reading: paths resolved against the
// file's folder, defaults filled in. Keys that this program does not act on are in `other_keys`,
// for messages.
struct NvinferConfig {
  std::filesystem::path file;
  unsigned gie_unique_id = 15;
  unsigned gpu_id = 0;
  unsigned batch_size = 1;
  unsigned process_mode = 1;  // 1 full frame, 2 objects
  unsigned interval = 0;
  int network_type = 0;  // 0 detector
  int network_mode = 0;  // 0 FP32, 1 INT8, 2 FP16
  unsigned num_detected_classes = 0;
  std::filesystem::path onnx_file, model_engine_file, labelfile_path, custom_lib_path,
      int8_calib_file;
  std::string parse_bbox_func_name;
  std::vector<std::string> output_blob_names;
  float net_scale_factor = 1.F;
  std::vector<float> offsets;
  ColorFormat model_color_format = ColorFormat::kRgb;
  InputOrder network_input_order = InputOrder::kNchw;
  std::optional<std::vector<uint32_t>> infer_dims;  // channels, height, width
  bool maintain_aspect_ratio = false;
  bool symmetric_padding = false;
  int scaling_filter =
      6;  // NvBufSurfTransformInter: 0 nearest, 1 bilinear, ... 6 default = nearest
  detect::PostprocessOptions
      postprocess;  // cluster-mode, class-attrs (one for each class), filters
  bool output_tensor_meta = false;
  std::vector<std::string> other_keys;  // "group/key"
};

// Reads as gst-nvinfer does: INI by GLib's key file parser, .yml and .yaml as its YAML reader. What
// nvinfer refuses is an error (Corrupt, with file:line where it can be told); what it only warns
// about, or silently ignores though a user would not expect it, goes to `findings`: an unknown key
// comes with the nearest known one.
Result<NvinferConfig> ReadNvinferConfig(const std::filesystem::path& path, Findings& findings);

// A labels file as nvinfer reads it: blank lines skipped, '\r' kept, the first ';' field of each
// line.
Result<std::vector<std::string>> ReadLabels(const std::filesystem::path& path);

}  // namespace edet::deepstream
