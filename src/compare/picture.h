// The picture that two networks are shown.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace edet::compare {

// RGB 0..255, [height, width, 3], row-major.
struct Picture {
  int64_t height = 0, width = 0;
  std::vector<float> rgb;
  // Without fractions: an integer input holds the very same numbers.
  bool whole() const;
  void Round();
};

// Where it comes from: a street drawn from `seed` where `file` is empty, else a picture of any
// format that GStreamer knows, or a .npy of [H,W,3], [3,H,W] or the same with a batch of 1.
struct PictureSource {
  std::filesystem::path file;
  uint32_t seed = 1;
};

// The picture for a network input of this size (pixels, at most 8192). Image files are scaled to
// fit, keeping their shape, black at the right and below, as nvinfer does it; a .npy must have the
// size. Errors: NotFound, Io, Corrupt, Unsupported (another size), Environment.
Result<Picture> MakePicture(const PictureSource& source, int64_t height, int64_t width);

// For people: "a street drawn from seed 1".
std::string Description(const PictureSource& source);

}  // namespace edet::compare
