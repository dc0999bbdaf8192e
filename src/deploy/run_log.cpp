#include "deploy/run_log.h"

#include <algorithm>
#include <cctype>
#include <locale>
#include <optional>
#include <sstream>

namespace edet::deploy {
namespace {

// A missing time stamp of the decoder makes a "latency" of the whole time since 1970.
constexpr double kLongestLatencyMs = 1e9;
// Sensors that are not there say -256.
constexpr double kColdestC = -100;
// tegrastats prints a constant 100 for it.
constexpr std::string_view kNoRealSensor = "PMIC";
constexpr size_t kMostNames = 200;

// The number that a text begins with, and what follows it. With a point, whatever the locale is
// (std::from_chars of GCC 10 knows no floating point).
std::optional<double> TakeNumber(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  const size_t end = text.find_first_not_of("-0123456789.");
  std::istringstream stream{std::string(text.substr(0, end))};
  stream.imbue(std::locale::classic());
  double value = 0;
  if (!(stream >> value)) return std::nullopt;
  text.remove_prefix(end == std::string_view::npos ? text.size() : end);
  return value;
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// What follows `words` in a line.
std::optional<std::string_view> After(std::string_view line, std::string_view words) {
  const size_t at = line.find(words);
  if (at == std::string_view::npos) return std::nullopt;
  return line.substr(at + words.size());
}

template <typename Take>
void ForEachLine(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    take(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

// "  29.97 (29.50)\t30.01 (29.49)\t": a pair for each source.
void ReadPerf(std::string_view rest, RunLog& log) {
  double interval = 0, average = 0;
  size_t sources = 0;
  while (true) {
    const std::optional<double> now = TakeNumber(rest);
    if (!now || !TakePrefix(rest, " (")) break;
    const std::optional<double> since_start = TakeNumber(rest);
    if (!since_start || !TakePrefix(rest, ")")) break;
    interval += *now;
    average += *since_start;
    ++sources;
  }
  if (sources == 0) return;  // the heading, "FPS 0 (Avg)"
  log.interval_fps.push_back(interval);
  log.average_fps = average;
}

void ReadComponent(std::string_view rest, RunLog& log) {
  const std::string name(rest.substr(0, rest.find(' ')));
  // nvstreammux's line has an underscore, the others a space.
  std::optional<std::string_view> value = After(rest, "component latency=");
  if (!value) value = After(rest, "component_latency =");
  if (!value || name.empty()) return;
  const std::optional<double> milliseconds = TakeNumber(*value);
  if (!milliseconds || *milliseconds > kLongestLatencyMs) return;
  auto found = std::find_if(log.component_ms.begin(), log.component_ms.end(),
                            [&](const auto& component) { return component.first == name; });
  if (found == log.component_ms.end()) {
    if (log.component_ms.size() >= kMostNames) return;
    found = log.component_ms.insert(found, {name, {}});
  }
  found->second.push_back(*milliseconds);
}

// "GPU@35.5C"
void ReadTemperature(std::string_view word, Tegrastats& stats) {
  const size_t at = word.find('@');
  if (at == 0 || at == std::string_view::npos || word.back() != 'C') return;
  const std::string_view name = word.substr(0, at);
  std::string_view rest = word.substr(at + 1);
  const std::optional<double> celsius = TakeNumber(rest);
  if (!celsius || rest != "C" || *celsius < kColdestC || name == kNoRealSensor) return;
  if (stats.temperature_c.size() < kMostNames)
    stats.temperature_c[std::string(name)].push_back(*celsius);
}

// "465/465", "465mW/460mW", "465mW"
std::optional<double> Milliwatts(std::string_view word) {
  const std::optional<double> now = TakeNumber(word);
  if (!now) return std::nullopt;
  const bool unit = TakePrefix(word, "mW");
  if (word.empty()) return unit ? now : std::nullopt;
  if (!TakePrefix(word, "/") || !TakeNumber(word)) return std::nullopt;
  TakePrefix(word, "mW");
  return word.empty() ? now : std::nullopt;
}

void ReadWords(std::string_view line, Tegrastats& stats) {
  std::istringstream words{std::string(line)};
  std::string before;
  for (std::string word; words >> word; before = word) {
    ReadTemperature(word, stats);
    const bool named = !before.empty() && std::isalpha(static_cast<unsigned char>(before[0])) != 0;
    const std::optional<double> power = named ? Milliwatts(word) : std::nullopt;
    if (power && stats.power_mw.size() < kMostNames) stats.power_mw[before].push_back(*power);
  }
}

}  // namespace

RunLog ParseRunLog(std::string_view text) {
  RunLog log;
  ForEachLine(text, [&](std::string_view line) {
    if (TakePrefix(line, "**PERF:")) {
      ReadPerf(line, log);
    } else if (TakePrefix(line, "Comp name = ")) {
      ReadComponent(line, log);
    } else if (std::optional<std::string_view> rest = After(line, "Frame latency = ")) {
      const std::optional<double> milliseconds = TakeNumber(*rest);
      if (milliseconds && *milliseconds < kLongestLatencyMs) log.frame_ms.push_back(*milliseconds);
    }
  });
  return log;
}

Tegrastats ParseTegrastats(std::string_view text) {
  Tegrastats stats;
  ForEachLine(text, [&](std::string_view line) {
    std::optional<std::string_view> memory = After(line, "RAM ");
    if (!memory) return;
    const std::optional<double> used = TakeNumber(*memory);
    if (!used || !TakePrefix(*memory, "/")) return;
    const std::optional<double> total = TakeNumber(*memory);
    if (!total || !TakePrefix(*memory, "MB")) return;
    stats.memory_mib.push_back(*used);
    stats.memory_total_mib = *total;
    if (std::optional<std::string_view> gpu = After(line, "GR3D_FREQ ")) {
      if (const std::optional<double> percent = TakeNumber(*gpu))
        stats.gpu_percent.push_back(*percent);
    }
    ReadWords(line, stats);
  });
  return stats;
}

}  // namespace edet::deploy
