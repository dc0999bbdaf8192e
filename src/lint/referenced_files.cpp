#include "lint/referenced_files.h"

#include <fmt/format.h>

#include <string_view>

#include "deepstream/device_path.h"

namespace edet::lint {
namespace {

namespace fs = std::filesystem;

Reference ReferenceTo(const fs::path& path) {
  std::error_code ignored;
  return {path, fs::is_regular_file(path, ignored)};
}

template <typename T>
const T* Keep(std::optional<T>& kept, Result<T> read) {
  if (read.ok()) kept = std::move(read).value();
  return kept ? &*kept : nullptr;
}

}  // namespace

const onnx_format::ModelOutline* ReferencedFiles::Model(const fs::path& path) {
  const auto [place, fresh] = models_.try_emplace(path);
  if (!fresh) return place->second ? &*place->second : nullptr;
  return Keep(place->second, onnx_format::ReadOutline(path));
}

const parser::LibraryDescription* ReferencedFiles::Library(const fs::path& path) {
  const auto [place, fresh] = libraries_.try_emplace(path);
  if (!fresh) return place->second ? &*place->second : nullptr;
  return Keep(place->second, parser::DescribeLibrary(path));
}

std::optional<Reference> NvinferReference(const ConfigText& file, const std::string& key) {
  const std::optional<std::string> text = file.Text("property", key);
  if (!text) return std::nullopt;
  Result<std::string> path = deepstream::ResolveNvinferPath(file.path(), *text);
  // A path that is too long, or through a file: as good as not there.
  return ReferenceTo(path.ok() ? *path : *text);
}

std::optional<Reference> AppReference(const ConfigText& file, const std::string& group,
                                      const std::string& key) {
  const std::optional<std::string> text = file.Text(group, key);
  if (!text) return std::nullopt;
  Result<std::string> path = deepstream::ResolveAppPath(file.path(), *text);
  return ReferenceTo(path.ok() ? *path : *text);
}

namespace {

// The version in /opt/nvidia/deepstream/deepstream-6.0/...; empty without one.
std::string VersionIn(const std::string& path) {
  constexpr std::string_view kFolder = "/deepstream/deepstream-";
  const size_t at = path.find(kFolder);
  if (at == std::string::npos) return "";
  const size_t begin = at + kFolder.size();
  return path.substr(begin, path.find('/', begin) - begin);
}

}  // namespace

void CheckVersion(const std::string& written, const Place& place, Report& report) {
  const std::string version = VersionIn(written);
  if (version.empty() || !report.target() || version == report.target()->deepstream) return;
  report.Add("other-version-path", place,
             fmt::format("'{}' is of DeepStream {}, {} has {}", written, version,
                         report.target()->name, report.target()->deepstream));
}

void CheckExists(const Reference& reference, Place place, const std::string& written,
                 Report& report) {
  CheckVersion(written, place, report);
  if (reference.exists) return;
  if (written.find('~') == 0 || written.find('$') != std::string::npos) {
    return report.Add("home-path", std::move(place),
                      fmt::format("'{}' is taken as it is: ~ and $ are not replaced", written));
  }
  if (!written.empty() && written.front() == '/') {
    return report.Add("not-on-this-machine", std::move(place),
                      fmt::format("there is no {} on this machine", written));
  }
  std::error_code ignored;
  const char* kind =
      fs::is_directory(reference.path, ignored) ? "a folder, not a file" : "not there";
  report.Add("missing-file", std::move(place),
             fmt::format("'{}' is {}; DeepStream opens {}", written, kind, reference.path.string()),
             "paths are relative to the folder of this file");
}

}  // namespace edet::lint
