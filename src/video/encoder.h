// Frames into a video file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/file.h"
#include "base/result.h"
#include "video/frame.h"

namespace edet::video {

enum class Codec { kH264, kH265, kMpeg4 };
enum class Container { kMp4, kMatroska };

struct EncoderOptions {
  std::filesystem::path path;  // final name; its folder is made if absent
  unsigned width = 0, height = 0;
  int frame_rate_n = 30, frame_rate_d = 1;
  Codec codec = Codec::kH264;
  Container container = Container::kMp4;
  unsigned bitrate_bps = 0;  // 0: by size and frame rate
  unsigned iframe_interval = 30;
};

// Written under a temporary name; Finish() gives the file its name, without it nothing stays.
// Encoding runs on GStreamer's threads, a few frames behind. One thread.
class Encoder {
 public:
  // Errors: Environment (an element lacks), Io.
  static Result<Encoder> Open(const EncoderOptions& options);
  Encoder(Encoder&&) noexcept;
  Encoder& operator=(Encoder&&) noexcept;
  ~Encoder();

  // A frame of the size given, with its own time; waits where the encoder is behind.
  Status Write(Frame frame);
  // Writes the rest and renames the file. Errors: Io (disk full, ...).
  Status Finish();

 private:
  struct Impl;
  explicit Encoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace edet::video
