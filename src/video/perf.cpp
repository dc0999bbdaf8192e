#include "video/perf.h"

#include <fmt/format.h>

#include <algorithm>

namespace edet::video {

void PerfPrinter::Count(unsigned source, Clock::time_point now) {
  if (!started_) begin_ = window_begin_ = now;
  started_ = true;
  ++current_[source];
  ++total_[source];
  const double window_s = std::chrono::duration<double>(now - window_begin_).count();
  if (window_s < interval_s_) return;
  Print(window_s, std::chrono::duration<double>(now - begin_).count());
  std::fill(current_.begin(), current_.end(), 0);
  window_begin_ = now;
}

void PerfPrinter::Print(double window_s, double total_s) {
  if (lines_++ % 20 == 0) {
    std::string header = "**PERF:  ";
    for (size_t i = 0; i < total_.size(); ++i) header += fmt::format("FPS {} (Avg)\t", i);
    print_(header);
  }
  std::string line = "**PERF:  ";
  for (size_t i = 0; i < total_.size(); ++i) {
    line += fmt::format("{:.2f} ({:.2f})\t", static_cast<double>(current_[i]) / window_s,
                        static_cast<double>(total_[i]) / total_s);
  }
  print_(line);
}

}  // namespace edet::video
