#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "compare/picture.h"
#include "compare/values.h"

namespace edet::compare {

// Runs an ONNX file with one image input (NHWC or NCHW, float32, float16, uint8, int8, int32 or
// int64; RGB 0..255) on a picture of its size, in f32. In a batch every image is that picture, and
// outputs are the first image's where they have the batch in front. Errors: those of reading and
// preparing it, InvalidArgument (the picture has another size), Unsupported (other inputs).
Result<Outputs> RunNetwork(const std::filesystem::path& onnx, const Picture& picture);

// Runs a copy of the file for one image of the picture's size, with tensors within as outputs too
// (`only_these`: instead of its own). `folder` is for the copy. `input`: its image input's name.
struct ProbeRun {
  std::filesystem::path onnx, folder;
  std::string input;
  bool channels_last = true;
  std::vector<std::string> tensors;
  bool only_these = false;
};
Result<Outputs> RunProbe(const ProbeRun& probe, const Picture& picture);

}  // namespace edet::compare
