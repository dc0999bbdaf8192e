#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace edet {

// One line on standard error that tells how far long work has come; silent where standard error is
// no terminal. One thread.
class Progress {
 public:
  // `total` 0: unknown. `enabled` false (--quiet, --json): silent as well.
  Progress(std::string label, uint64_t total, bool enabled);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { Finish(); }
  // Draws at most ten times a second. `detail` follows the bar ("23.4 fps").
  void Update(uint64_t done, const std::string& detail = "");
  // Removes the line.
  void Finish();

 private:
  std::string label_;
  uint64_t total_;
  bool enabled_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_draw_{};
};

}  // namespace edet
