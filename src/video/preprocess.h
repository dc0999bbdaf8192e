// A frame into the network's input tensor, as gst-nvinfer does it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "detect/nvinfer_postprocess.h"

namespace edet::video {

// A picture of 4-byte pixels in memory order blue, green, red, unused. Borrowed.
struct BgrxView {
  const uint8_t* data = nullptr;
  size_t stride_bytes = 0;
  unsigned width = 0, height = 0;
};

enum class Filter { kNearest, kBilinear };

// nvinfer's scaling-filter: 0 and 6 (its default) are nearest, 1 is bilinear; the others have no
// open counterpart and become bilinear (`exact` false).
struct FilterChoice {
  Filter filter = Filter::kNearest;
  bool exact = true;
};
FilterChoice ChooseFilter(int scaling_filter);

struct PreprocessOptions {
  unsigned network_width = 0, network_height = 0;
  bool maintain_aspect_ratio = false, symmetric_padding = false;
  Filter filter = Filter::kNearest;
  bool bgr = false;                    // model-color-format=1
  bool nhwc = true;                    // else planes
  float scale = 1.F;                   // net-scale-factor
  float offsets[3] = {0.F, 0.F, 0.F};  // by channel of the network
};

// Scales, pads with black, then normalises: y = scale * (x - offset[channel]), as nvinfer, whose
// pictures have 8 bits between scaling and normalising. Not thread-safe (keeps tables and rows).
class Preprocessor {
 public:
  explicit Preprocessor(const PreprocessOptions& options) : options_(options) {}
  // `tensor`: float [height, width, 3] or [3, height, width]. Returns how the frame was fitted.
  detect::FrameFit Fill(const BgrxView& frame, float* tensor);

 private:
  void Prepare(const BgrxView& frame);
  void NearestRow(const BgrxView& frame, unsigned y);
  void BilinearRow(const BgrxView& frame, unsigned y);
  const int* SourceRow(const BgrxView& frame, unsigned y);
  void StoreRow(unsigned y, float* tensor) const;
  void StorePadding(unsigned y, unsigned begin, unsigned end, float* tensor) const;

  PreprocessOptions options_;
  detect::FrameFit fit_;
  unsigned frame_width_ = 0, frame_height_ = 0;
  struct Tap {
    unsigned first = 0, second = 0;  // pixels
    int weight = 0;                  // of `second`, in 1/2048
  };
  std::vector<Tap> columns_, rows_;
  std::vector<uint8_t> row_;    // one scaled row, BGRX
  std::vector<int> cached_[2];  // two source rows scaled sideways
  int cached_row_[2] = {-1, -1};
};

}  // namespace edet::video
