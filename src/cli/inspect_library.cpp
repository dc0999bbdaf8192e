#include "cli/inspect_library.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <string>

#include "parser/library_symbols.h"

namespace edet::cli {
namespace fs = std::filesystem;
using nlohmann::ordered_json;
using parser::LibraryDescription;
using parser::SelfDescription;
namespace {

int StandardYear(const SelfDescription& self) { return self.cplusplus / 100 % 100; }

ordered_json SelfJson(const SelfDescription& self) {
  ordered_json contracts = ordered_json::array();
  for (const auto& contract : self.contracts) {
    contracts.push_back(
        {{"name", contract.name}, {"function", contract.function}, {"tensors", contract.tensors}});
  }
  return {{"version", self.version},
          {"compiler", self.compiler},
          {"standard", fmt::format("C++{}", StandardYear(self))},
          {"object_bytes", self.object_bytes},
          {"contracts", contracts}};
}

ordered_json LibraryJson(const LibraryDescription& library) {
  ordered_json report = {{"kind", "parser_library"},
                         {"architecture", library.architecture},
                         {"for_this_machine", library.for_this_machine},
                         {"file_bytes", library.file_bytes},
                         {"needed_libraries", library.needed_libraries},
                         {"needed_versions", library.needed_newest},
                         {"functions", library.parse_functions},
                         {"self", nullptr}};
  if (library.self) report["self"] = SelfJson(*library.self);
  return report;
}

void PrintSelf(const SelfDescription& self) {
  fmt::print("version     {}\n", self.version);
  fmt::print("build       {}, C++{}\n", self.compiler, StandardYear(self));
  fmt::print("objects     of {} bytes\n", fmt::join(self.object_bytes, " and "));
  for (const auto& contract : self.contracts) {
    fmt::print("\n{:<12}{}\n{:<12}{}\n", contract.name, contract.function, "", contract.tensors);
  }
}

void PrintLibrary(const LibraryDescription& library) {
  std::vector<std::string> needs;
  for (const auto& [family, version] : library.needed_newest)
    needs.push_back(fmt::format("{} {}", family, version));
  fmt::print("library     for {}{}, {:.1f} kB\n", library.architecture,
             library.for_this_machine ? ", as this machine" : "; it cannot run on this machine",
             static_cast<double>(library.file_bytes) / 1e3);
  fmt::print("needs       {}\n            {}\n", fmt::join(needs, ", "),
             fmt::join(library.needed_libraries, ", "));
  if (library.self) return PrintSelf(*library.self);
  fmt::print("version     unknown: not edet's parser library\n");
  for (size_t i = 0; i < library.parse_functions.size(); ++i)
    fmt::print("{:<12}{}\n", i == 0 ? "functions" : "", library.parse_functions[i]);
}

}  // namespace

bool IsLibraryName(const fs::path& path) {
  return path.extension() == ".so" || path.filename().string().find(".so.") != std::string::npos;
}

Status InspectLibrary(const fs::path& path, bool json) {
  EDET_ASSIGN_OR_RETURN(LibraryDescription library, parser::DescribeLibrary(path));
  if (json) {
    fmt::print("{}\n",
               LibraryJson(library).dump(2, ' ', false, ordered_json::error_handler_t::replace));
  } else {
    PrintLibrary(library);
  }
  return {};
}

}  // namespace edet::cli
