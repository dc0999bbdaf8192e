#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "lint/report.h"
#include "onnx/outline.h"
#include "parser/library_symbols.h"

namespace edet::lint {

// What a path in a config leads to.
struct Reference {
  std::filesystem::path path;  // as DeepStream opens it
  bool exists = false;         // as a regular file
};

// Files that configs name, each read once. Null or nothing: it cannot be read. One thread.
class ReferencedFiles {
 public:
  const onnx_format::ModelOutline* Model(const std::filesystem::path& path);
  const parser::LibraryDescription* Library(const std::filesystem::path& path);

 private:
  std::map<std::filesystem::path, std::optional<onnx_format::ModelOutline>> models_;
  std::map<std::filesystem::path, std::optional<parser::LibraryDescription>> libraries_;
};

// Where a path key of an nvinfer config (or of an app config) leads; nothing where the key is
// absent, or DeepStream refuses the path.
std::optional<Reference> NvinferReference(const ConfigText& file, const std::string& key);
std::optional<Reference> AppReference(const ConfigText& file, const std::string& group,
                                      const std::string& key);

// A path into the folder of another DeepStream than the target's.
void CheckVersion(const std::string& written, const Place& place, Report& report);

// The same, and a file that is named and not there: missing-file, not-on-this-machine or home-path.
void CheckExists(const Reference& reference, Place place, const std::string& written,
                 Report& report);

}  // namespace edet::lint
