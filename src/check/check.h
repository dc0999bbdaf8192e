// What a platform's TensorRT and DeepStream will refuse in an ONNX file: all of it at once, with
// the repair.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "lint/lint.h"

namespace edet::check {

// Who is asked.
struct Target {
  std::string name;        // as the user said it
  std::string tensorrt;    // "8.5.2"
  std::string deepstream;  // empty: only TensorRT is asked
  std::string platform;    // the one that the linter goes by; empty: none in particular
};

// A platform ("xavier-jp5"), a JetPack ("jetpack-5.1.2") or a TensorRT ("trt-10.3"). Errors:
// InvalidArgument, with the nearest platform.
Result<Target> FindTarget(const std::string& name);

// Findings of CheckRules(), one for each cause, with the nodes that it concerns; worst first.
// Weights are not looked at. Errors: NotFound, Io, LimitExceeded, Corrupt (not an ONNX model,
// truncated). One thread.
Result<lint::LintResult> CheckModel(const std::filesystem::path& model, const Target& target);

}  // namespace edet::check
