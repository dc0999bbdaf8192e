// Files that are a part of the program, so that a bundle can be made wherever it is installed.
#pragma once

#include <string_view>
#include <vector>

namespace edet::deploy {

struct EmbeddedFile {
  std::string_view path;  // relative to the folder that it was taken from
  std::string_view text;
};

// What the parser library is built from, as paths of the source tree, sorted: with make and g++
// alone, by src/parser/library/Makefile.
const std::vector<EmbeddedFile>& ParserSource();

// device/*: the scripts that a bundle carries, and the template of its README; remote/*: what
// `edet deploy` has the device's shell do; devices.json.
const std::vector<EmbeddedFile>& DeviceFiles();

// One of DeviceFiles(); the program was built wrongly where it is absent: empty then.
std::string_view DeviceFile(std::string_view path);

}  // namespace edet::deploy
