#include "check/check.h"

#include <regex>

#include "check/causes.h"
#include "deepstream/platforms.h"
#include "onnx/read.h"

namespace edet::check {
Result<Target> FindTarget(const std::string& name) {
  std::smatch match;
  // Bounded: std::regex recurses for each repetition, and a part must fit an int.
  static const std::regex tensorrt(
      "(?:trt|tensorrt)-?([0-9]{1,4}\\.[0-9]{1,4}(?:\\.[0-9]{1,4}){0,3})"),
      jetpack("(?:jetpack|jp)-?([0-9]{1,4}(?:\\.[0-9]{1,4}){0,3})");
  if (std::regex_match(name, match, tensorrt)) return Target{name, match[1], "", ""};
  if (std::regex_match(name, match, jetpack)) {
    const auto found = deepstream::FindJetPack(match[1]);
    if (found) return Target{name, found->tensorrt, found->deepstream, found->platform};
  }
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
