#include "video/feeder.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace edet::video {

Feeder::Feeder(std::vector<Source>& sources, std::vector<Slot>& slots, Detector& detector,
               const FeederOptions& options)
    : sources_(sources),
      slots_(slots),
      detector_(detector),
      options_(options),
      jobs_(slots.size() + 2),
      free_slots_(slots.size()) {
  for (size_t i = 0; i < slots.size(); ++i) free_slots_.Push(static_cast<int>(i));
}

Feeder::~Feeder() {
  jobs_.Close();
  free_slots_.Close();
  if (thread_.joinable()) thread_.join();
  // The callbacks of running inferences touch this object.
  for (Slot& slot : slots_) {
    const Status ignored = slot.request.Wait();
    (void)ignored;
  }
}

void Feeder::Start() {
  thread_ = std::thread([this] { Work(); });
}

void Feeder::Work() {
  try {
    std::vector<unsigned> open;
    for (unsigned i = 0; i < sources_.size(); ++i) open.push_back(i);
    for (uint64_t frame = 0; !open.empty() && !over_; ++frame) {
      if (options_.frame_limit > 0 && frame >= options_.frame_limit) break;
      open.erase(std::remove_if(open.begin(), open.end(),
                                [&](unsigned source) { return over_ || !Feed(source, frame); }),
                 open.end());
    }
  } catch (const std::exception& error) {  // no memory
    Fail(Error{ErrorCode::kInternal, error.what(), "", ""});
  }
  jobs_.Close();
}

bool Feeder::Fail(Error error) {
  Job job;
  job.error = std::move(error);
  over_ = true;
  jobs_.Push(std::move(job));
  return false;
}

bool Feeder::Feed(unsigned source, uint64_t frame) {
  const auto begin = Clock::now();
  auto picture = sources_[source].Next();
  decode_seconds_ += Seconds(begin, Clock::now());
  if (!picture.ok()) return Fail(picture.error());
  if (picture->empty()) return false;
  Job job;
  job.source = source;
  job.frame = frame;
  job.pts_s = picture->pts_s();
  job.picture = std::move(*picture);
  if (frame % (options_.interval + 1) == 0 && !Infer(job)) return false;
  if (!options_.keep_pictures) job.picture.Release();
  if (jobs_.Push(std::move(job))) return true;
  over_ = true;
  return false;
}

bool Feeder::Infer(Job& job) {
  const std::optional<int> slot = free_slots_.Pop();
  if (!slot) {
    over_ = true;
    return false;
  }
  Slot& target = slots_[static_cast<size_t>(*slot)];
  const auto begin = Clock::now();
  BgrxView view;
  if (!job.picture.MapForReading(view)) {
    return Fail(Error{ErrorCode::kInternal, "a decoded frame cannot be read",
                      sources_[job.source].uri(), ""});
  }
  detector_.Preprocess(view, target);
  job.picture.Unmap();
  const auto started = Clock::now();
  preprocess_seconds_ += Seconds(begin, started);
  const Status status = target.request.Start([this, started] {
    infer_nanoseconds_ +=
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - started).count();
  });
  if (!status.ok()) return Fail(status.error());
  job.slot = *slot;
  return true;
}

}  // namespace edet::video
