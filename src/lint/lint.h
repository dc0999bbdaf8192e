// What DeepStream accepts although it does harm, and what it refuses: all of it at once.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "deepstream/platforms.h"
#include "lint/report.h"

namespace edet::lint {

struct LintOptions {
  std::optional<deepstream::Platform> target;  // absent: what no version forgives
};

struct LintResult {
  std::vector<Diagnostic> diagnostics;       // by file, then by line
  std::vector<std::filesystem::path> files;  // configs and labels that were looked at
};

enum class FileKind { kNvinfer, kApp, kServer, kLabels, kOther };

// By what the text holds, not by its name; whether it is YAML is decided by the extension, as
// DeepStream does it.
FileKind RecognizeKind(const std::string& text, const std::filesystem::path& path);

// Looks at the files and at what they name: app config, inferences, labels, model, library. Errors:
// NotFound, Io, LimitExceeded, for a file of `files`; one that a config names is a finding instead.
// One thread.
Result<LintResult> Lint(const std::vector<std::filesystem::path>& files,
                        const LintOptions& options);

}  // namespace edet::lint
