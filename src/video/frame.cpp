#include "video/frame.h"

#include <utility>

namespace edet::video {

Frame& Frame::operator=(Frame&& other) noexcept {
  if (this == &other) return *this;
  Release();
  other.Unmap();
  buffer_ = std::exchange(other.buffer_, nullptr);
  info_ = other.info_;
  return *this;
}

double Frame::pts_s() const {
  if (buffer_ == nullptr || !GST_BUFFER_PTS_IS_VALID(buffer_)) return 0.;
  return static_cast<double>(GST_BUFFER_PTS(buffer_)) / GST_SECOND;
}

bool Frame::MapForReading(BgrxView& view) {
  Unmap();
  if (buffer_ == nullptr || !gst_video_frame_map(&mapped_, &info_, buffer_, GST_MAP_READ)) {
    return false;
  }
  is_mapped_ = true;
  view.data = static_cast<const uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&mapped_, 0));
  view.stride_bytes = static_cast<size_t>(GST_VIDEO_FRAME_PLANE_STRIDE(&mapped_, 0));
  view.width = width();
  view.height = height();
  return true;
}

bool Frame::MapForWriting(uint8_t*& data, int& stride_bytes) {
  Unmap();
  if (buffer_ == nullptr) return false;
  buffer_ = gst_buffer_make_writable(buffer_);
  const auto flags = static_cast<GstMapFlags>(GST_MAP_READ | GST_MAP_WRITE);
  if (!gst_video_frame_map(&mapped_, &info_, buffer_, flags)) return false;
  is_mapped_ = true;
  data = static_cast<uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&mapped_, 0));
  stride_bytes = GST_VIDEO_FRAME_PLANE_STRIDE(&mapped_, 0);
  return true;
}

void Frame::Unmap() {
  if (is_mapped_) gst_video_frame_unmap(&mapped_);
  is_mapped_ = false;
}

void Frame::Release() {
  Unmap();
  if (buffer_ != nullptr) gst_buffer_unref(buffer_);
  buffer_ = nullptr;
}

GstBuffer* Frame::Take() {
  Unmap();
  return std::exchange(buffer_, nullptr);
}

}  // namespace edet::video
