#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/findings.h"
#include "base/result.h"

namespace edet::deepstream {

struct SourceConfig {
  unsigned id = 0;  // N of [sourceN]
  bool enable = true;
  int type = 0;     // 1 V4L2, 2 URI, 3 multi URI, 4 RTSP, 5 CSI, ...
  std::string uri;  // file:// URIs resolved as deepstream-app does
  unsigned num_sources = 1;
  unsigned drop_frame_interval = 0;
  unsigned latency_ms = 0;
  unsigned camera_width = 0, camera_height = 0, camera_fps_n = 0, camera_fps_d = 0;
  int camera_v4l2_dev_node = 0;
};

struct SinkConfig {
  unsigned id = 0;
  bool enable = true;
  int type = 1;  // 1 fake, 2 display, 3 encode to file, 4 UDP/RTSP, 5 overlay, 6 message broker
  bool sync = true;
  int container = 1;  // 1 mp4, 2 mkv
  int codec = 1;      // 1 h264, 2 h265, 3 mpeg4
  int enc_type = 0;   // 0 hardware, 1 software
  unsigned bitrate_bps = 0;
  unsigned iframe_interval = 30;
  std::filesystem::path output_file;  // relative to the working folder, as deepstream-app takes it
  unsigned source_id = 0;
  unsigned rtsp_port = 0, udp_port = 0;
};

struct StreammuxConfig {
  unsigned batch_size = 1;
  unsigned width = 0, height = 0;  // pixels of the frames that inference sees; 0: not given
  int batched_push_timeout_us = -1;
  bool live_source = false;
  bool enable_padding = false;
};

struct PrimaryGieConfig {
  bool enable = false;
  int plugin_type = 0;  // 0 nvinfer, 1 nvinferserver
  std::filesystem::path config_file, model_engine_file, labelfile_path;
  std::optional<unsigned> batch_size, interval, gie_unique_id;  // override the nvinfer config
};

struct OsdConfig {
  bool enable = false;
  unsigned border_width = 1;
  unsigned text_size = 15;
  std::string font = "Serif";
  bool display_text = true, display_bbox = true;
  std::optional<std::vector<float>> text_color;  // r;g;b;a in 0..1
};

struct TiledDisplayConfig {
  bool enable = false;
  unsigned rows = 0, columns = 0, width = 0, height = 0;
};

struct TrackerConfig {
  bool enable = false;
  std::filesystem::path ll_lib_file, ll_config_file;
};

// A deepstream-app configuration as deepstream-app holds it after reading.
struct AppConfig {
  std::filesystem::path file;
  bool enable_perf_measurement = false;
  unsigned perf_measurement_interval_sec = 5;
  std::filesystem::path gie_kitti_output_dir, kitti_track_output_dir;
  bool file_loop = false;
  std::vector<SourceConfig> sources;
  std::vector<SinkConfig> sinks;
  StreammuxConfig streammux;
  PrimaryGieConfig primary_gie;
  OsdConfig osd;
  TiledDisplayConfig tiled_display;
  TrackerConfig tracker;
  std::vector<std::string>
      other_groups;  // enabled groups that this program has no part for, for messages
};

// As ReadNvinferConfig, for deepstream-app's own file.
Result<AppConfig> ReadAppConfig(const std::filesystem::path& path, Findings& findings);

}  // namespace edet::deepstream
