// Where frames come from: a file or URI, decoded and brought to the size that inference sees.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "video/frame.h"

namespace edet::video {

struct SourceOptions {
  std::string uri;                   // file:// or another URI of GStreamer, or a plain path
  unsigned width = 0, height = 0;    // streammux's; 0: the stream's own size
  bool enable_padding = false;       // streammux's: keep the aspect ratio, black around
  unsigned drop_frame_interval = 0;  // keep every n-th frame; 0 and 1: all
};

// A URI of a path or URI. Errors: NotFound where a local file is absent, InvalidArgument.
Result<std::string> ToUri(const std::string& path_or_uri);

// One stream. Decoding runs on GStreamer's threads, at most 4 frames ahead. One thread.
class Source {
 public:
  // Opens the stream and waits for its first frame. Errors: NotFound, Corrupt (nothing decodable),
  // Environment (a plugin lacks).
  static Result<Source> Open(const SourceOptions& options);
  Source(Source&&) noexcept;
  Source& operator=(Source&&) noexcept;
  ~Source();

  // The next frame; an empty one at the end of the stream. Errors: Corrupt with the number of
  // frames that came before.
  Result<Frame> Next();

  unsigned width() const;
  unsigned height() const;
  int frame_rate_n() const;  // 0: unknown or a still picture
  int frame_rate_d() const;
  bool still() const;                // one picture, not a video
  uint64_t expected_frames() const;  // by duration and frame rate; 0 if unknown
  const std::string& uri() const;

 private:
  struct Impl;
  explicit Source(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace edet::video
