#pragma once

#include <yaml-cpp/yaml.h>

#include "base/result.h"
#include "deepstream/key_file.h"

namespace edet::deepstream {

// Converts as the stock YAML readers do (see YamlForm). Error: Corrupt, without a place, when their
// conversion throws.
Result<KeyFile::Value> YamlValue(const YAML::Node& node, YamlForm form);
// The same for text of the table of sources.
Result<KeyFile::Value> TextValue(const std::string& text, YamlForm form);
// The nearest to what KeyFile::Get promises for INI.
Result<KeyFile::Value> YamlValue(const YAML::Node& node, ValueType type);

// The pieces between the separators, empty ones included; never none.
std::vector<std::string> SplitText(const std::string& text, char separator);

}  // namespace edet::deepstream
