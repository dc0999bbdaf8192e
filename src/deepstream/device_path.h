#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace edet::deepstream {

// A path in an nvinfer config: relative to the config's folder, symbolic links followed. What does
// not exist stays as written when relative; when absolute it ends at its first missing part, as
// there. Errors: NotFound, for what nvinfer refuses on this machine (a file used as a folder, no
// permission, too long).
Result<std::string> ResolveNvinferPath(const std::filesystem::path& config,
                                       const std::string& text);

// A path in a deepstream-app config: absolute as written, otherwise appended to the config's
// folder, unchanged.
Result<std::string> ResolveAppPath(const std::filesystem::path& config, const std::string& text);

// The engine's name as nvinfer writes it beside the ONNX file:
// "<onnx>_b<batch>_gpu<N>_<precision>.engine".
std::string EngineFileName(const std::string& onnx_file, unsigned batch_size, unsigned gpu_id,
                           int network_mode);

}  // namespace edet::deepstream
