#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lint/report.h"

namespace edet::lint {

// An inference of an app config: its group and the file that it names.
struct Inference {
  std::string group;  // "primary-gie", "secondary-gie0"
  int plugin_type = 0;
  std::filesystem::path config_file;
  const ConfigText* config = nullptr;  // null: not there, or no nvinfer config
  int unique_id = 0;                   // that counts: the group's own, else the file's
};

// Whether deepstream-app looks into a group at all.
bool IsReadByApp(const ConfigText& file, const Group& group);

// Enabled inferences with a config-file, in the file's order; `config` is left empty.
std::vector<Inference> InferencesOf(const ConfigText& app);

// Everything about an app config but what is in the inferences' own files.
void CheckApp(const ConfigText& app, const std::vector<Inference>& inferences, Report& report);

}  // namespace edet::lint
