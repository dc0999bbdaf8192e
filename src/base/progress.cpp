#include "base/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace edet {

Progress::Progress(std::string label, uint64_t total, bool enabled)
    : label_(std::move(label)), total_(total), enabled_(enabled && isatty(STDERR_FILENO) != 0) {}

void Progress::Update(uint64_t done, const std::string& detail) {
  if (!enabled_) return;
  auto now = std::chrono::steady_clock::now();
  if (now < next_draw_) return;
  next_draw_ = now + std::chrono::milliseconds(100);
  std::string bar;
  if (total_ > 0) {
    constexpr uint64_t kWidth = 30;
    uint64_t filled = std::min(kWidth, done * kWidth / total_);
    bar = "[" + std::string(filled, '#') + std::string(kWidth - filled, '.') + "] " +
          std::to_string(done) + "/" + std::to_string(total_);
  } else {
    bar = std::to_string(done);
  }
  std::fprintf(stderr, "\r\033[K%s %s  %s", label_.c_str(), bar.c_str(), detail.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::Finish() {
  if (drawn_) std::fprintf(stderr, "\r\033[K");
  drawn_ = false;
}

}  // namespace edet
