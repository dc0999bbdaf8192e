#include "lint/referenced_files.h"

#include <fmt/format.h>

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

void CheckExists(const Reference& reference, Place place, const std::string& written,
                 Report& report) {
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
