// Weights that lie in other files.
#include <fmt/format.h>

#include "check/causes.h"

namespace edet::check {
namespace {

namespace fs = std::filesystem;

// A plain file in the model's folder or below.
bool IsThere(const fs::path& folder, const std::string& location) {
  const fs::path relative(location);
  if (location.empty() || relative.is_absolute()) return false;
  fs::path path = folder.empty() ? fs::path(".") : folder;
  for (const fs::path& part : relative) {
    if (part == "..") return false;
    path /= part;
    std::error_code ignored;
    if (fs::is_symlink(fs::symlink_status(path, ignored))) return false;
  }
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

void CheckTensor(const ::onnx::TensorProto& tensor, const fs::path& folder, Causes& causes) {
  if (tensor.data_location() != ::onnx::TensorProto::EXTERNAL) return;
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() != "location") continue;
    const bool there = IsThere(folder, entry.value());
    causes.Add(there ? "external-data" : "external-data-missing",
               fmt::format("weights are in '{}'{}", entry.value(),
                           there ? "" : ", which is not a plain file beside the model"));
  }
}

}  // namespace

void CheckFiles(const ModelIndex& index, const fs::path& folder, Causes& causes) {
  for (const auto* tensor : index.initializers()) CheckTensor(*tensor, folder, causes);
  for (const auto* node : index.nodes()) {
    for (const auto& attribute : node->attribute()) {
      if (attribute.has_t()) CheckTensor(attribute.t(), folder, causes);
    }
  }
}

}  // namespace edet::check
