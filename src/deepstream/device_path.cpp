#include "deepstream/device_path.h"

#include <fmt/format.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

namespace edet::deepstream {
namespace {

Error PathError(const std::string& text, int number) {
  return {ErrorCode::kNotFound,
          fmt::format("cannot resolve the path '{}': {}", text, std::strerror(number)), "", ""};
}

Result<std::string> FolderOf(const std::filesystem::path& config) {
  char buffer[PATH_MAX + 1];
  if (realpath(config.c_str(), buffer) == nullptr) return PathError(config.string(), errno);
  const std::string absolute = buffer;
  return absolute.substr(0, absolute.rfind('/') + 1);
}

}  // namespace

Result<std::string> ResolveNvinferPath(const std::filesystem::path& config,
                                       const std::string& text) {
  const bool absolute = !text.empty() && text.front() == '/';
  std::string path = text;
  if (!absolute) {
    EDET_ASSIGN_OR_RETURN(const std::string folder, FolderOf(config));
    path = folder + text;
  }
  char buffer[PATH_MAX + 1] = "";
  if (realpath(path.c_str(), buffer) != nullptr) return std::string(buffer);
  if (errno != ENOENT) return PathError(path, errno);
  return absolute ? std::string(buffer) : path;
}

Result<std::string> ResolveAppPath(const std::filesystem::path& config, const std::string& text) {
  if (!text.empty() && text.front() == '/') return text;
  EDET_ASSIGN_OR_RETURN(const std::string folder, FolderOf(config));
  return folder + text;
}

std::string EngineFileName(const std::string& onnx_file, unsigned batch_size, unsigned gpu_id,
                           int network_mode) {
  static constexpr const char* kPrecision[] = {"fp32", "int8", "fp16", "best"};
  const char* precision =
      network_mode >= 0 && network_mode <= 3 ? kPrecision[network_mode] : "fp32";
  return fmt::format("{}_b{}_gpu{}_{}.engine", onnx_file, batch_size, gpu_id, precision);
}

}  // namespace edet::deepstream
