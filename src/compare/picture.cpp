#include "compare/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "compare/npy.h"
#include "video/preprocess.h"
#include "video/scene.h"
#include "video/source.h"

namespace edet::compare {
namespace {

constexpr int64_t kLargest = 8192;

Picture Empty(int64_t height, int64_t width) {
  return {height, width, std::vector<float>(static_cast<size_t>(height * width) * 3)};
}

// The street is drawn in a size that it can have; its upper left part is taken.
Picture DrawStreet(uint32_t seed, int64_t height, int64_t width) {
  constexpr int64_t kSmallest = 64;
  auto canvas_height = static_cast<int>(std::max(kSmallest, height + height % 2)),
       canvas_width = static_cast<int>(std::max(kSmallest, width + width % 2));
  std::vector<uint8_t> bgrx(static_cast<size_t>(canvas_width) * canvas_height * 4, 0);
  video::Scene(seed, static_cast<unsigned>(canvas_width), static_cast<unsigned>(canvas_height))
      .Draw(50, {bgrx.data(), canvas_width, canvas_height, canvas_width * 4});
  Picture picture = Empty(height, width);
  float* to = picture.rgb.data();
  for (int64_t y = 0; y < height; ++y) {
    const uint8_t* from = &bgrx[static_cast<size_t>(y * canvas_width) * 4];
    for (int64_t x = 0; x < width; ++x, from += 4)
      for (int c = 0; c < 3; ++c) *to++ = from[2 - c];
  }
  return picture;
}

Result<Picture> ReadImage(const std::filesystem::path& file, int64_t height, int64_t width) {
  video::SourceOptions options;
  options.uri = file.string();
  EDET_ASSIGN_OR_RETURN(video::Source source, video::Source::Open(options));
  EDET_ASSIGN_OR_RETURN(video::Frame frame, source.Next());
  video::BgrxView view;
  if (frame.empty() || !frame.MapForReading(view))
    return Error{ErrorCode::kCorrupt, "holds no picture", file.string(), ""};
  video::PreprocessOptions preprocess;
  preprocess.network_width = static_cast<unsigned>(width);
  preprocess.network_height = static_cast<unsigned>(height);
  preprocess.maintain_aspect_ratio = true;
  preprocess.filter = video::Filter::kBilinear;
  Picture picture = Empty(height, width);
  video::Preprocessor(preprocess).Fill(view, picture.rgb.data());
  return picture;
}

Result<Picture> FromArray(const std::filesystem::path& file, int64_t height, int64_t width) {
  EDET_ASSIGN_OR_RETURN(TensorValues array, ReadNpy(file));
  const bool finite = std::all_of(array.values.begin(), array.values.end(),
                                  [](float value) { return std::isfinite(value); });
  if (!finite)
    return Error{ErrorCode::kCorrupt, "the array holds NaN or infinity", file.string(),
                 "RGB 0..255, one picture"};
  std::vector<int64_t> shape = array.shape;
  if (shape.size() == 4 && shape[0] == 1) shape.erase(shape.begin());
  Picture picture{height, width, {}};
  if (shape == std::vector<int64_t>{height, width, 3}) {
    picture.rgb = std::move(array.values);
    return picture;
  }
  if (shape != std::vector<int64_t>{3, height, width}) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("the array is {}, the networks take [{}, {}, 3]",
                             ShapeText(array.shape), height, width),
                 file.string(), "RGB 0..255, one picture"};
  }
  picture.rgb.resize(array.values.size());
  auto area = static_cast<size_t>(height * width);
  for (size_t i = 0; i < area; ++i)
    for (size_t c = 0; c < 3; ++c) picture.rgb[i * 3 + c] = array.values[c * area + i];
  return picture;
}

}  // namespace

bool Picture::whole() const {
  return std::all_of(rgb.begin(), rgb.end(), [](float x) { return x == std::floor(x); });
}

void Picture::Round() {
  for (float& value : rgb) value = std::clamp(std::round(value), 0.F, 255.F);
}

Result<Picture> MakePicture(const PictureSource& source, int64_t height, int64_t width) {
  if (height < 1 || width < 1 || height > kLargest || width > kLargest)
    return Error{ErrorCode::kLimitExceeded,
                 fmt::format("an image input of {}x{} is too large or empty", width, height),
                 "at most 8192 by 8192", ""};
  if (source.file.empty()) return DrawStreet(source.seed, height, width);
  if (source.file.extension() == ".npy") return FromArray(source.file, height, width);
  return ReadImage(source.file, height, width);
}

std::string Description(const PictureSource& source) {
  return source.file.empty() ? fmt::format("a street drawn from seed {}", source.seed)
                             : source.file.string();
}

}  // namespace edet::compare
