// The first half of a run: frames of all sources in turn, preprocessed and handed to the network.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include "video/bounded_queue.h"
#include "video/detector.h"
#include "video/source.h"

namespace edet::video {

using Clock = std::chrono::steady_clock;
inline double Seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// One frame on its way, in the order in which frames came.
struct Job {
  unsigned source = 0;
  uint64_t frame = 0;  // 0-based in its source
  double pts_s = 0.;
  Frame picture;               // empty where nobody draws
  int slot = -1;               // index of the slot that infers it; -1: not inferred (interval)
  std::optional<Error> error;  // the run ends with it
};

struct FeederOptions {
  unsigned interval = 0;
  uint64_t frame_limit = 0;    // of each source; 0: all
  bool keep_pictures = false;  // for drawing
};

// Runs on a thread of its own between Start() and the destructor. Other members belong to the
// reader's thread.
class Feeder {
 public:
  // `sources`, `slots` and `detector` outlive the feeder. A slot belongs to the feeder until its
  // job comes out, then to the reader until GiveBack().
  Feeder(std::vector<Source>& sources, std::vector<Slot>& slots, Detector& detector,
         const FeederOptions& options);
  Feeder(const Feeder&) = delete;
  Feeder& operator=(const Feeder&) = delete;
  ~Feeder();

  void Start();
  // The next job; nothing at the end.
  std::optional<Job> Next() { return jobs_.Pop(); }
  void GiveBack(int slot) { free_slots_.Push(slot); }

  // After the last job.
  double decode_wait_seconds() const { return decode_seconds_; }
  double preprocess_seconds() const { return preprocess_seconds_; }
  // Sum over frames of the time between start and end of their inference.
  double infer_seconds() const { return static_cast<double>(infer_nanoseconds_.load()) * 1e-9; }

 private:
  void Work();
  // Reads one frame of a source; false at its end or where the run is over.
  bool Feed(unsigned source, uint64_t frame);
  bool Infer(Job& job);
  bool Fail(Error error);

  std::vector<Source>& sources_;
  std::vector<Slot>& slots_;
  Detector& detector_;
  FeederOptions options_;
  BoundedQueue<Job> jobs_;
  BoundedQueue<int> free_slots_;
  bool over_ = false;  // the worker's
  double decode_seconds_ = 0., preprocess_seconds_ = 0.;
  std::atomic<int64_t> infer_nanoseconds_{0};
  std::thread thread_;
};

}  // namespace edet::video
