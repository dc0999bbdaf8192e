#include "video/preprocess.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace edet::video {
namespace {

constexpr int kWeightBits = 11;
constexpr int kOne = 1 << kWeightBits;

}  // namespace

FilterChoice ChooseFilter(int scaling_filter) {
  if (scaling_filter == 0 || scaling_filter == 6) return {Filter::kNearest, true};
  return {Filter::kBilinear, scaling_filter == 1};
}

void Preprocessor::Prepare(const BgrxView& frame) {
  if (frame.width == frame_width_ && frame.height == frame_height_) return;
  frame_width_ = frame.width;
  frame_height_ = frame.height;
  fit_ =
      detect::FitFrame(frame.width, frame.height, options_.network_width, options_.network_height,
                       options_.maintain_aspect_ratio, options_.symmetric_padding);
  // Pixel centres: the middle of a scaled pixel lies at (i + 0.5) * source / scaled.
  auto taps = [this](unsigned source, unsigned scaled) {
    std::vector<Tap> result(scaled);
    for (unsigned i = 0; i < scaled; ++i) {
      const double centre = (i + 0.5) * source / scaled;
      if (options_.filter == Filter::kNearest) {
        result[i].first = result[i].second = std::min(source - 1, static_cast<unsigned>(centre));
        continue;
      }
      const double position = std::clamp(centre - 0.5, 0., static_cast<double>(source - 1));
      result[i].first = static_cast<unsigned>(position);
      result[i].second = std::min(source - 1, result[i].first + 1);
      result[i].weight = static_cast<int>(std::lround((position - result[i].first) * kOne));
    }
    return result;
  };
  columns_ = taps(fit_.source_width, fit_.scaled_width);
  rows_ = taps(fit_.source_height, fit_.scaled_height);
  row_.resize(size_t{4} * fit_.scaled_width);
  for (auto& cached : cached_) cached.resize(size_t{4} * fit_.scaled_width);
}

void Preprocessor::NearestRow(const BgrxView& frame, unsigned y) {
  const uint8_t* source = frame.data + rows_[y].first * frame.stride_bytes;
  for (unsigned x = 0; x < fit_.scaled_width; ++x) {
    std::memcpy(&row_[size_t{4} * x], source + size_t{4} * columns_[x].first, 4);
  }
}

// A source row scaled sideways, kept while the next scaled rows still need it.
const int* Preprocessor::SourceRow(const BgrxView& frame, unsigned y) {
  const unsigned slot = y & 1U;
  int* out = cached_[slot].data();
  if (cached_row_[slot] == static_cast<int>(y)) return out;
  cached_row_[slot] = static_cast<int>(y);
  const uint8_t* source = frame.data + y * frame.stride_bytes;
  for (unsigned x = 0; x < fit_.scaled_width; ++x) {
    const uint8_t* a = source + size_t{4} * columns_[x].first;
    const uint8_t* b = source + size_t{4} * columns_[x].second;
    const int weight = columns_[x].weight;
    for (int c = 0; c < 4; ++c) out[4 * x + c] = a[c] * (kOne - weight) + b[c] * weight;
  }
  return out;
}

void Preprocessor::BilinearRow(const BgrxView& frame, unsigned y) {
  const Tap tap = rows_[y];
  // Neighbouring rows differ in their lowest bit, so both fit into the cache at once.
  const int* a = SourceRow(frame, tap.first);
  const int* b = tap.second == tap.first ? a : SourceRow(frame, tap.second);
  const int upper = kOne - tap.weight, lower = tap.weight;
  const size_t count = size_t{4} * fit_.scaled_width;
  for (size_t i = 0; i < count; ++i) {
    row_[i] = static_cast<uint8_t>((a[i] * upper + b[i] * lower + (1 << (2 * kWeightBits - 1))) >>
                                   (2 * kWeightBits));
  }
}

void Preprocessor::StoreRow(unsigned y, float* tensor) const {
  const unsigned width = fit_.scaled_width;
  const size_t plane = size_t{options_.network_width} * options_.network_height;
  const size_t begin = size_t{y} * options_.network_width + fit_.offset_left;
  const float scale = options_.scale;
  const float* offset = options_.offsets;
  const int first = options_.bgr ? 0 : 2, last = 2 - first;
  const uint8_t* pixel = row_.data();
  if (options_.nhwc) {
    float* out = tensor + begin * 3;
    for (unsigned x = 0; x < width; ++x, pixel += 4, out += 3) {
      out[0] = scale * (static_cast<float>(pixel[first]) - offset[0]);
      out[1] = scale * (static_cast<float>(pixel[1]) - offset[1]);
      out[2] = scale * (static_cast<float>(pixel[last]) - offset[2]);
    }
    return;
  }
  const int channels[] = {first, 1, last};
  for (int c = 0; c < 3; ++c) {
    float* out = tensor + c * plane + begin;
    const int channel = channels[c];
    for (unsigned x = 0; x < width; ++x) {
      out[x] = scale * (static_cast<float>(pixel[4 * x + channel]) - offset[c]);
    }
  }
}

// Black goes through the normalisation like any pixel.
void Preprocessor::StorePadding(unsigned y, unsigned begin, unsigned end, float* tensor) const {
  const size_t plane = size_t{options_.network_width} * options_.network_height;
  const size_t row = size_t{y} * options_.network_width;
  for (int c = 0; c < 3; ++c) {
    const float black = options_.scale * (0.F - options_.offsets[c]);
    for (unsigned x = begin; x < end; ++x) {
      tensor[options_.nhwc ? (row + x) * 3 + c : c * plane + row + x] = black;
    }
  }
}

detect::FrameFit Preprocessor::Fill(const BgrxView& frame, float* tensor) {
  Prepare(frame);
  cached_row_[0] = cached_row_[1] = -1;
  const unsigned top = fit_.offset_top, bottom = top + fit_.scaled_height;
  for (unsigned y = 0; y < options_.network_height; ++y) {
    if (y < top || y >= bottom) {
      StorePadding(y, 0, options_.network_width, tensor);
      continue;
    }
    if (options_.filter == Filter::kNearest) {
      NearestRow(frame, y - top);
    } else {
      BilinearRow(frame, y - top);
    }
    StorePadding(y, 0, fit_.offset_left, tensor);
    StoreRow(y, tensor);
    StorePadding(y, fit_.offset_left + fit_.scaled_width, options_.network_width, tensor);
  }
  return fit_;
}

}  // namespace edet::video
