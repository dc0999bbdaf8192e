#pragma once

#include <string>

namespace edet::efficientdet {

// True if --hparams names a YAML file; false for "key=value,key=value", which may end in .yaml too
// (label_map=names.yaml).
inline bool NamesHparamsFile(const std::string& given) {
  auto ends = [&](const std::string& end) {
    return given.size() > end.size() &&
           given.compare(given.size() - end.size(), end.size(), end) == 0;
  };
  if (!ends(".yaml") && !ends(".yml")) return false;
  size_t equals = given.find('=');
  return equals == std::string::npos || given.find('/') < equals;
}

}  // namespace edet::efficientdet
