// Frames a second, told in the form that deepstream-app prints.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace edet::video {

// "**PERF:  <current> (<average>)\t" for each source, with a header every 20 lines. One thread.
class PerfPrinter {
 public:
  using Clock = std::chrono::steady_clock;
  PerfPrinter(size_t sources, double interval_s, std::function<void(const std::string&)> print)
      : current_(sources), total_(sources), interval_s_(interval_s), print_(std::move(print)) {}
  // A frame of a source is done.
  void Count(unsigned source, Clock::time_point now);

 private:
  void Print(double window_s, double total_s);

  std::vector<uint64_t> current_, total_;
  double interval_s_;
  std::function<void(const std::string&)> print_;
  unsigned lines_ = 0;
  bool started_ = false;
  Clock::time_point begin_, window_begin_;
};

}  // namespace edet::video
