#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace edet::parser {

// What our own library says about itself (library/program/description.h).
struct SelfDescription {
  struct Contract {
    std::string name;      // "nms"
    std::string function;  // NvDsInferParseEfficientDetNms
    std::string tensors;   // what the function expects, in words
  };
  std::string version;   // "0.1.0"
  std::string compiler;  // "GCC 12.2.0"
  int cplusplus = 0;     // 201402
  std::vector<int> object_bytes;
  std::vector<Contract> contracts;
};

// A shared library as a file: of any architecture, and never loaded.
struct LibraryDescription {
  std::string architecture;  // as uname -m says: "aarch64"
  bool for_this_machine = false;
  uint64_t file_bytes = 0;
  std::vector<std::string> needed_libraries;         // in the file's order: "libstdc++.so.6"
  std::map<std::string, std::string> needed_newest;  // "GLIBCXX" -> "3.4.21"
  // Names of exported C functions that look like bbox parsers ("Parse" in them), sorted.
  std::vector<std::string> parse_functions;
  std::set<std::string> functions;      // all exported functions of C names
  std::optional<SelfDescription> self;  // absent: not our library
};

// Errors: NotFound, Io, Corrupt (no 64-bit little-endian ELF shared object).
Result<LibraryDescription> DescribeLibrary(const std::filesystem::path& path);

// The parse functions alone; empty where DescribeLibrary() fails.
std::vector<std::string> ExportedParseFunctions(const std::filesystem::path& path);

// A hint for a wrong function name: the functions that are there.
std::string HintOfParseFunctions(const std::filesystem::path& path);

// A hint for a file that the loader refuses: what the file is ("built for aarch64, this machine is
// x86_64").
std::string DescribeSharedObject(const std::filesystem::path& path);

}  // namespace edet::parser
