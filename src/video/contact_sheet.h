// A PNG with some frames of a run, small, side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "video/overlay.h"

namespace edet::video {

// Keeps at most 2 x `pictures` small pictures, evenly over a run of unknown length. One thread.
class ContactSheet {
 public:
  explicit ContactSheet(size_t pictures = 12) : pictures_(pictures) {}
  // True where the frame of this number (counted from 0 over the whole run) would be kept: frames
  // that are not wanted need not be drawn for the sheet.
  bool Wants(uint64_t number) const { return number % stride_ == 0; }
  // A drawn frame, copied smaller.
  void Add(uint64_t number, const Canvas& frame, const std::string& caption);
  // Writes the PNG (atomically). Errors: Io, InvalidArgument (no frames).
  Status Write(const std::filesystem::path& path) const;

 private:
  struct Picture;
  size_t pictures_;
  uint64_t stride_ = 1;
  std::vector<std::shared_ptr<Picture>> kept_;
};

// Writes a picture as PNG under a temporary name; it gets its own with files.Commit(). Errors: Io.
Status StagePng(const Canvas& canvas, const std::filesystem::path& path, OutputFiles& files);

}  // namespace edet::video
