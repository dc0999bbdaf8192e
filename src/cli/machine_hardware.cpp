#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "cli/machine.h"

namespace edet::cli {
namespace {

// Files of /proc have no size, so that base/file.h cannot read them.
std::string ReadWhole(const char* path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string Trim(const std::string& text) {
  size_t begin = text.find_first_not_of(" \t\"");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\"\r") - begin + 1);
}

// Cores that this process may use, which in a container are fewer than the machine has.
int UsableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

std::string Join(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

std::string OperatingSystem() {
  std::istringstream lines(ReadWhole("/etc/os-release"));
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("PRETTY_NAME=", 0) == 0) return Trim(line.substr(12));
  }
  return "";
}

std::string Gibibytes(const std::string& kilobytes) {
  return fmt::format("{:.1f} GiB", std::strtod(kilobytes.c_str(), nullptr) / (1 << 20));
}

}  // namespace

std::optional<std::string> ProcValue(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    size_t colon = line.find(':');
    if (colon != std::string::npos && Trim(line.substr(0, colon)) == key) {
      return Trim(line.substr(colon + 1));
    }
  }
  return std::nullopt;
}

std::vector<std::string> CpuFeatures(const std::string& cpuinfo) {
  const std::vector<std::string> telling = {
      "sse4_2",   "avx2",  "fma",     "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile",
      "amx_bf16", "asimd", "asimdhp", "asimddp", "sve",         "bf16"};
  std::istringstream words(
      ProcValue(cpuinfo, "flags").value_or(ProcValue(cpuinfo, "Features").value_or("")));
  std::vector<std::string> there((std::istream_iterator<std::string>(words)), {});
  std::vector<std::string> found;
  for (const std::string& feature : telling) {
    if (std::find(there.begin(), there.end(), feature) != there.end()) found.push_back(feature);
  }
  return found;
}

std::vector<Check> InspectHardware() {
  std::vector<Check> checks;
  auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) checks.push_back({"machine", name, Check::State::kFound, value, ""});
  };
  std::string cpuinfo = ReadWhole("/proc/cpuinfo");
  std::string meminfo = ReadWhole("/proc/meminfo");
  add("operating system", OperatingSystem());
  add("processor", ProcValue(cpuinfo, "model name").value_or(""));
  add("usable cores", fmt::format("{}", UsableCores()));
  add("features", Join(CpuFeatures(cpuinfo)));
  if (auto total = ProcValue(meminfo, "MemTotal")) {
    add("memory", fmt::format("{}, {} available", Gibibytes(*total),
                              Gibibytes(ProcValue(meminfo, "MemAvailable").value_or("0"))));
  }
  return checks;
}

}  // namespace edet::cli
