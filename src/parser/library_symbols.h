#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace edet::parser {

// Names of the functions that a 64-bit little-endian ELF shared object exports, sorted; those only
// whose name looks like one of a bbox parser ("Parse" in it). Empty for any other file. Reads the
// file, loads nothing.
std::vector<std::string> ExportedParseFunctions(const std::filesystem::path& path);

// A hint for a wrong function name: the functions that are there.
std::string HintOfParseFunctions(const std::filesystem::path& path);

// A hint for a file that the loader refuses: what the file is ("built for aarch64, this machine is
// x86_64").
std::string DescribeSharedObject(const std::filesystem::path& path);

}  // namespace edet::parser
