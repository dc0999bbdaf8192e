// Boxes and labels into a frame, with cairo and pango.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "detect/nvinfer_postprocess.h"

namespace edet::video {

struct Color {
  double red = 0., green = 0., blue = 0.;
};
// A readable colour of its own for each class, the same in every run.
Color ClassColor(unsigned class_index);

struct OverlayOptions {
  bool boxes = true, text = true;
  unsigned border_width_px = 1;
  unsigned text_size_pt = 15;
  std::string font = "Serif";
};

// A picture of 4-byte pixels (blue, green, red, unused) to draw into. Borrowed.
struct Canvas {
  uint8_t* data = nullptr;
  int width = 0, height = 0, stride_bytes = 0;
};

// The name of class c is labels[c]; without one "class c". Thread-safe.
std::string ClassName(unsigned class_index, const std::vector<std::string>& labels);

// Draws each object's frame and "name 87%" above it, inside the picture.
void DrawObjects(const Canvas& canvas, const std::vector<detect::FrameObject>& objects,
                 const std::vector<std::string>& labels, const OverlayOptions& options);

}  // namespace edet::video
