#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "check/check.h"
#include "check/model_index.h"
#include "lint/lint.h"

namespace edet::check {

// "8.5.2" -> "8.5".
std::string Family(const std::string& version);

// Collects what is found: one finding for each cause, whatever the number of its nodes. One thread.
class Causes {
 public:
  Causes(std::filesystem::path model, Target target);

  const Target& target() const { return target_; }
  // Whether the target's TensorRT, its DeepStream are older.
  bool TensorRtBefore(const std::string& version) const;
  bool DeepStreamBefore(const std::string& version) const;
  // A further node of the same rule and message joins it. Where the rule is not about the target's
  // TensorRT, nothing is added.
  void Add(const char* rule, const std::string& message, const ::onnx::NodeProto* node = nullptr,
           const std::string& fix = "");
  lint::LintResult Take();

 private:
  std::filesystem::path model_;
  Target target_;
  std::vector<lint::Diagnostic> all_;
  std::map<std::pair<std::string, std::string>, size_t> places_;  // (rule, message) -> of all_
};

// The rules, by what they look at.
void CheckInputs(const ModelIndex& index, Causes& causes);
void CheckTypes(const ModelIndex& index, Causes& causes);
void CheckOperators(const ModelIndex& index, Causes& causes);
void CheckArguments(const ModelIndex& index, Causes& causes);
void CheckForms(const ModelIndex& index, Causes& causes);
void CheckFiles(const ModelIndex& index, const std::filesystem::path& folder, Causes& causes);

}  // namespace edet::check
