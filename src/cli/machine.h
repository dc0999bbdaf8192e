#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace edet::cli {

// What `edet doctor` looks at, one line of its table.
struct Check {
  // kFound: there. kMissing: a job cannot be done without it. kAbsent: nice to have, or for another
  // machine.
  enum class State { kFound, kMissing, kAbsent };

  std::string group;  // "machine", "convert", "run", "device"
  std::string name;   // "avdec_h264"
  State state = State::kAbsent;
  std::string value;  // version or description; for what is not there: what it would be good for
  std::string fix;    // a command or a sentence; empty where it is there
};

// Processor, memory, operating system. Never fails: what cannot be found out is left out.
std::vector<Check> InspectHardware();

// GStreamer, the elements that `edet run` uses, fonts. Initialises GStreamer.
std::vector<Check> InspectVideo();

// OpenVINO's version and devices, loading its plugins (about 0.2 s).
std::vector<Check> InspectInference();

// The parser library: beside the program, loadable.
std::vector<Check> InspectParserLibrary();

// Whether this is a machine that DeepStream runs on: Jetson release, DeepStream, TensorRT, CUDA.
std::vector<Check> InspectDevice();

// "/proc/cpuinfo" -> the features that matter for the speed of inference ("avx2", "amx_tile",
// "asimddp").
std::vector<std::string> CpuFeatures(const std::string& cpuinfo);

// Value of a "key : value" line of /proc/cpuinfo or /proc/meminfo; nothing if there is none.
std::optional<std::string> ProcValue(const std::string& text, const std::string& key);

// First line of /etc/nv_tegra_release -> "35.4.1"; nothing if it is no such line.
std::optional<std::string> L4tVersion(const std::string& release);

// What getInferLibVersion() returns -> "8.5.2" or "10.15.0" (from 10 on major has two digits more).
std::string TensorRtVersion(int number);

}  // namespace edet::cli
