// What deepstream-app and tegrastats print while they run, read back. The texts come from a device:
// lines that are no such lines are passed over.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace edet::deploy {

struct RunLog {
  // "**PERF:  29.97 (29.50)\t...": frames per second, of all sources together.
  std::vector<double> interval_fps;  // one value an interval
  double average_fps = 0;            // since the start, as the last line has it; 0 if unknown
  // "Comp name = ... component latency= 18.6": milliseconds in each component, in the order of
  // their first lines. With NVDS_ENABLE_COMPONENT_LATENCY_MEASUREMENT=1.
  std::vector<std::pair<std::string, std::vector<double>>> component_ms;
  // "Source id = 0 Frame_num = 8 Frame latency = 80.1 (ms)": from the decoder's input to the sink.
  // With NVDS_ENABLE_LATENCY_MEASUREMENT=1.
  std::vector<double> frame_ms;
};

RunLog ParseRunLog(std::string_view text);

// The lines of tegrastats, one a second, of L4T 32 to 36: "RAM 4321/31918MB (lfb 5x4MB) ...
// GR3D_FREQ 45%@1300 ... GPU@35.5C ... VDD_CPU_CV 570mW/560mW" ("GPU 465/465" on L4T 32).
struct Tegrastats {
  std::vector<double> memory_mib;
  double memory_total_mib = 0;
  std::vector<double> gpu_percent;
  std::map<std::string, std::vector<double>> temperature_c;  // by sensor
  std::map<std::string, std::vector<double>> power_mw;       // by rail, the instantaneous value
};

Tegrastats ParseTegrastats(std::string_view text);

}  // namespace edet::deploy
