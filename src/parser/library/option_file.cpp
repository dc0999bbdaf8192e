#include "parser/library/option_file.h"

#include <link.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "parser/library/report.h"

namespace edet {
namespace parser {
namespace {

struct Search {
  uintptr_t address;
  std::string path;
};

int FindObject(struct dl_phdr_info* object, size_t, void* data) {
  auto* search = static_cast<Search*>(data);
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    const uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
    if (segment.p_type != PT_LOAD || search->address < begin ||
        search->address - begin >= segment.p_memsz)
      continue;
    if (object->dlpi_name != nullptr) search->path = object->dlpi_name;
    return 1;
  }
  return 0;
}

// "" where this code is part of a program. (dladdr would do, but glibc 2.34 gave it a new version.)
std::string FileBesideLibrary() {
  Search search{reinterpret_cast<uintptr_t>(&FindObject), ""};
  dl_iterate_phdr(FindObject, &search);
  const std::string ending = ".so";
  if (search.path.size() <= ending.size() ||
      search.path.compare(search.path.size() - ending.size(), ending.size(), ending) != 0)
    return "";
  return search.path.substr(0, search.path.size() - ending.size()) + ".conf";
}

std::string Trim(const std::string& text) {
  const char* spaces = " \t\r\n";
  const size_t begin = text.find_first_not_of(spaces);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
}

void Refuse(const std::string& what) {
  if (ShouldReport(Cause::kBadOption)) PrintReport(Cause::kBadOption, what);
}

}  // namespace

OptionValues::OptionValues() : OptionValues(FileBesideLibrary()) {}

OptionValues::OptionValues(const std::string& path) {
  if (!path.empty()) ReadFile(path);
}

const char* OptionValues::Find(const char* key) const {
  if (const char* value = std::getenv(key)) return value;
  for (const auto& entry : values_) {
    if (entry.first == key) return entry.second.c_str();
  }
  return nullptr;
}

std::vector<std::string> OptionValues::Unknown(bool (*known)(const std::string& key)) const {
  std::vector<std::string> unknown;
  for (const auto& entry : values_) {
    if (!known(entry.first)) unknown.push_back(entry.first);
  }
  return unknown;
}

void OptionValues::ReadFile(const std::string& path) {
  constexpr size_t kMaxLine = 512, kMaxLines = 200;
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
  if (file == nullptr) return;
  char line[kMaxLine];
  for (size_t number = 1; number <= kMaxLines; ++number) {
    if (std::fgets(line, sizeof(line), file.get()) == nullptr) return;
    const std::string text = Trim(line);
    if (text.empty() || text[0] == '#') continue;
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      Refuse(path + " line " + std::to_string(number) + " is ignored: expected KEY=VALUE");
      continue;
    }
    values_.emplace_back(Trim(text.substr(0, equals)), Trim(text.substr(equals + 1)));
  }
  Refuse(path + " is read up to line " + std::to_string(kMaxLines) + " only");
}

}  // namespace parser
}  // namespace edet
