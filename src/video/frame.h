#pragma once

#include <gst/video/video.h>

#include <cstdint>

#include "video/preprocess.h"

namespace edet::video {

// One decoded picture, BGRx, at the size that inference sees. Owns a GStreamer buffer; movable.
class Frame {
 public:
  Frame() = default;
  // Takes over the reference of `buffer`.
  Frame(GstBuffer* buffer, const GstVideoInfo& info) : buffer_(buffer), info_(info) {}
  Frame(Frame&& other) noexcept { *this = std::move(other); }
  Frame& operator=(Frame&& other) noexcept;
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
  ~Frame() { Release(); }

  bool empty() const { return buffer_ == nullptr; }
  unsigned width() const { return static_cast<unsigned>(info_.width); }
  unsigned height() const { return static_cast<unsigned>(info_.height); }
  // Presentation time in seconds; 0 if unknown.
  double pts_s() const;
  // Maps the pixels; valid until Unmap() or Release(). False where the memory cannot be mapped.
  // A writable map makes the buffer this frame's own first.
  bool MapForReading(BgrxView& view);
  bool MapForWriting(uint8_t*& data, int& stride_bytes);
  void Unmap();
  void Release();
  // Gives the buffer away (not mapped); the frame is empty afterwards.
  GstBuffer* Take();

 private:
  GstBuffer* buffer_ = nullptr;
  GstVideoInfo info_{};
  GstVideoFrame mapped_{};
  bool is_mapped_ = false;
};

}  // namespace edet::video
