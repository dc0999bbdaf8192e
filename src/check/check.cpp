#include "check/check.h"

#include <algorithm>
#include <regex>

#include "check/causes.h"
#include "deepstream/platforms.h"
#include "onnx/read.h"

namespace edet::check {
namespace {

// The platform of a JetPack, the one whose list of releases names it.
const deepstream::Platform* OfJetPack(const std::string& release) {
  const deepstream::Platform* nearest = nullptr;
  for (const deepstream::Platform& platform : deepstream::Platforms()) {
    const std::string first = platform.jetpack.substr(0, platform.jetpack.find_first_of(" ,"));
    if (first.empty() || deepstream::CompareVersions(release, first) < 0) continue;
    if (release.substr(0, 1) == first.substr(0, 1)) nearest = &platform;
  }
  return nearest;
}

}  // namespace

Result<Target> FindTarget(const std::string& name) {
  std::smatch match;
  // Bounded: std::regex recurses for each repetition, and a part must fit an int.
  static const std::regex tensorrt(
      "(?:trt|tensorrt)-?([0-9]{1,4}\\.[0-9]{1,4}(?:\\.[0-9]{1,4}){0,3})"),
      jetpack("(?:jetpack|jp)-?([0-9]{1,4}(?:\\.[0-9]{1,4}){0,3})");
  if (std::regex_match(name, match, tensorrt)) return Target{name, match[1], "", ""};
  const bool is_jetpack = std::regex_match(name, match, jetpack);
  // The first 4.6 had another TensorRT than the platform that 4.6.1 and later share.
  if (is_jetpack && match[1] == "4.6") return Target{name, "8.0.1", "6.0", "xavier-jp4.6"};
  const deepstream::Platform* found = is_jetpack ? OfJetPack(match[1]) : nullptr;
  if (found != nullptr) return Target{name, found->tensorrt, found->deepstream, found->name};
  EDET_ASSIGN_OR_RETURN(const deepstream::Platform platform, deepstream::FindPlatform(name));
  return Target{name, platform.tensorrt, platform.deepstream, platform.name};
}

Result<lint::LintResult> CheckModel(const std::filesystem::path& path, const Target& target) {
  EDET_ASSIGN_OR_RETURN(const onnx_format::ModelFile file, onnx_format::ReadModel(path));
  const ModelIndex index(file.model);
  Causes causes(path, target);
  CheckInputs(index, causes);
  CheckTypes(index, causes);
  CheckOperators(index, causes);
  CheckArguments(index, causes);
  CheckForms(index, causes);
  CheckFiles(index, path.parent_path(), causes);
  return causes.Take();
}

}  // namespace edet::check
