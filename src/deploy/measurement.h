#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "deploy/distribution.h"
#include "deploy/kitti.h"
#include "deploy/run_log.h"

namespace edet::deploy {

// What a measured run came to, out of the files that the device sent back: run/deepstream-app.log,
// run/tegrastats.log and kitti/*.txt.
struct Measurement {
  double average_fps = 0;  // over the whole run, all sources together; 0 if unknown
  Distribution interval_fps;
  Distribution frame_ms;                                           // from the decoder to the sink
  std::vector<std::pair<std::string, Distribution>> component_ms;  // in the pipeline's order
  Distribution memory_mib, gpu_percent;
  double memory_total_mib = 0;
  std::map<std::string, Distribution> temperature_c, power_mw;
  KittiFrames detections;
  size_t objects = 0;
};

// `files`: by their path. Errors: Corrupt (a KITTI file that is none).
Result<Measurement> ReadMeasurement(const std::map<std::string, std::string>& files);

nlohmann::ordered_json ToJson(const Measurement& measurement);

// The same for people: lines of a table, none where nothing was measured.
std::vector<std::string> Table(const Measurement& measurement);
std::vector<std::string> Table(const Parity& parity);

}  // namespace edet::deploy
