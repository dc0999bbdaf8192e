#pragma once

#include "lint/referenced_files.h"
#include "lint/report.h"

namespace edet::lint {

// An nvinferserver config (protobuf text).
void CheckServer(const std::filesystem::path& path, const std::string& text, ReferencedFiles& files,
                 Report& report);

}  // namespace edet::lint
