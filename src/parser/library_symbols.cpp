#include "parser/library_symbols.h"

#include <gelf.h>
#include <libelf.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <sstream>
#include <string_view>
#include <utility>

#include "base/file.h"

namespace edet::parser {
namespace {

#if defined(__aarch64__)
constexpr GElf_Half kThisMachine = EM_AARCH64;
#else
constexpr GElf_Half kThisMachine = EM_X86_64;
#endif

// No library needs as many versions; the tables of a damaged file may lead in circles.
constexpr int kMaxVersions = 10000;

using ElfHandle = std::unique_ptr<Elf, int (*)(Elf*)>;

const char* MachineName(GElf_Half machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86_64";
    case EM_AARCH64:
      return "aarch64";
    case EM_386:
      return "32-bit x86";
    case EM_ARM:
      return "32-bit ARM";
    default:
      return "another architecture";
  }
}

// `bytes` must outlive the handle. Null for what is no ELF file.
ElfHandle OpenElf(std::string& bytes) {
  elf_version(EV_CURRENT);
  ElfHandle elf(elf_memory(bytes.data(), bytes.size()), elf_end);
  if (elf != nullptr && elf_kind(elf.get()) != ELF_K_ELF) elf.reset();
  return elf;
}

struct Section {
  GElf_Shdr header;
  Elf_Data* data;
  std::string name;
};

std::string TextAt(Elf* elf, size_t table, size_t offset) {
  const char* text = elf_strptr(elf, table, offset);
  return text != nullptr ? text : "";
}

// Sections whose header or content cannot be read are left out.
std::vector<Section> Sections(Elf* elf) {
  std::vector<Section> sections;
  size_t names = 0;
  if (elf_getshdrstrndx(elf, &names) != 0) return sections;
  for (Elf_Scn* scn = elf_nextscn(elf, nullptr); scn != nullptr; scn = elf_nextscn(elf, scn)) {
    Section section{};
    if (gelf_getshdr(scn, &section.header) == nullptr) continue;
    section.data = elf_getdata(scn, nullptr);
    if (section.data == nullptr || section.data->d_buf == nullptr) continue;
    section.name = TextAt(elf, names, section.header.sh_name);
    sections.push_back(std::move(section));
  }
  return sections;
}

// Plain C names only: a mangled name is no answer to what to write into the config.
bool LooksLikeParseFunction(const std::string& name) {
  return name.rfind("_Z", 0) != 0 && name.find("Parse") != std::string::npos;
}

void CollectFunctions(Elf* elf, const Section& section, LibraryDescription& library) {
  GElf_Sym symbol;
  for (int i = 0; gelf_getsym(section.data, i, &symbol) != nullptr; ++i) {
    if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF) continue;
    std::string name = TextAt(elf, section.header.sh_link, symbol.st_name);
    if (LooksLikeParseFunction(name)) library.parse_functions.push_back(name);
    if (name.rfind("_Z", 0) != 0) library.functions.insert(std::move(name));
  }
}

void CollectNeededLibraries(Elf* elf, const Section& section, std::vector<std::string>& libraries) {
  GElf_Dyn entry;
  for (int i = 0; gelf_getdyn(section.data, i, &entry) != nullptr && entry.d_tag != DT_NULL; ++i) {
    if (entry.d_tag == DT_NEEDED)
      libraries.push_back(TextAt(elf, section.header.sh_link, entry.d_un.d_val));
  }
}

std::vector<int> NumbersOf(const std::string& version) {
  std::vector<int> numbers;
  std::istringstream stream(version);
  for (int number = 0; stream >> number; stream.ignore()) numbers.push_back(number);
  return numbers;
}

// "GLIBC_2.27": the family's newest is kept.
void KeepNewest(const std::string& name, std::map<std::string, std::string>& newest) {
  const size_t underscore = name.rfind('_');
  if (underscore == std::string::npos) return;
  const std::string version = name.substr(underscore + 1);
  std::string& kept = newest[name.substr(0, underscore)];
  if (kept.empty() || NumbersOf(kept) < NumbersOf(version)) kept = version;
}

// Where the next entry of a chain is; before the section's begin, which ends it, if that is
// nowhere.
int After(int at, GElf_Word distance) {
  return distance > static_cast<GElf_Word>(std::numeric_limits<int>::max() - at)
             ? -1
             : at + static_cast<int>(distance);
}

void CollectVersions(Elf* elf, const Section& section, std::map<std::string, std::string>& newest) {
  int left = kMaxVersions;
  GElf_Verneed need;
  for (int at = 0; left > 0 && gelf_getverneed(section.data, at, &need) != nullptr;
       at = After(at, need.vn_next)) {
    GElf_Vernaux version;
    for (int aux = After(at, need.vn_aux);
         left-- > 0 && gelf_getvernaux(section.data, aux, &version) != nullptr;
         aux = After(aux, version.vna_next)) {
      KeepNewest(TextAt(elf, section.header.sh_link, version.vna_name), newest);
      if (version.vna_next == 0) break;
    }
    if (need.vn_next == 0) break;
  }
}

SelfDescription ReadSelfDescription(const Section& section) {
  SelfDescription self;
  std::string text(static_cast<const char*>(section.data->d_buf), section.data->d_size);
  std::istringstream lines(text.substr(0, text.find('\0')));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    words >> key >> std::ws;
    if (key == "version") std::getline(words, self.version);
    if (key == "compiler") std::getline(words, self.compiler);
    if (key == "standard") words >> self.cplusplus;
    if (key == "objects")
      for (int bytes = 0; words >> bytes;) self.object_bytes.push_back(bytes);
    if (key == "contract") {
      SelfDescription::Contract contract;
      words >> contract.name >> contract.function >> std::ws;
      std::getline(words, contract.tensors);
      self.contracts.push_back(std::move(contract));
    }
  }
  return self;
}

void ReadSection(Elf* elf, const Section& section, LibraryDescription& library) {
  switch (section.header.sh_type) {
    case SHT_DYNSYM:
      return CollectFunctions(elf, section, library);
    case SHT_DYNAMIC:
      return CollectNeededLibraries(elf, section, library.needed_libraries);
    case SHT_GNU_verneed:
      return CollectVersions(elf, section, library.needed_newest);
    default:
      if (section.name == "edet_parser") library.self = ReadSelfDescription(section);
  }
}

}  // namespace

Result<LibraryDescription> DescribeLibrary(const std::filesystem::path& path) {
  EDET_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path));
  const ElfHandle elf = OpenElf(bytes);
  GElf_Ehdr header;
  if (elf == nullptr || gelf_getehdr(elf.get(), &header) == nullptr || header.e_type != ET_DYN ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB) {
    return Error{ErrorCode::kCorrupt, "it is not a 64-bit shared library", path.string(),
                 "give a parser library: libnvdsinfer_efficientdet.so"};
  }
  LibraryDescription library;
  library.architecture = MachineName(header.e_machine);
  library.for_this_machine = header.e_machine == kThisMachine;
  library.file_bytes = bytes.size();
  for (const Section& section : Sections(elf.get())) ReadSection(elf.get(), section, library);
  std::sort(library.parse_functions.begin(), library.parse_functions.end());
  return library;
}

std::vector<std::string> ExportedParseFunctions(const std::filesystem::path& path) {
  auto library = DescribeLibrary(path);
  return library.ok() ? std::move(library->parse_functions) : std::vector<std::string>();
}

std::string HintOfParseFunctions(const std::filesystem::path& path) {
  const std::vector<std::string> functions = ExportedParseFunctions(path);
  if (functions.empty()) return "it exports no parse function at all: is this a parser library?";
  std::string hint = "set parse-bbox-func-name to one that it has:";
  for (const std::string& name : functions) hint += " " + name;
  return hint;
}

std::string DescribeSharedObject(const std::filesystem::path& path) {
  auto file = ReadFile(path);
  if (!file.ok()) return file.error().what;
  const ElfHandle elf = OpenElf(*file);
  GElf_Ehdr header;
  if (elf == nullptr || gelf_getehdr(elf.get(), &header) == nullptr)
    return "it is not a shared library (no ELF file)";
  if (header.e_machine != kThisMachine) {
    return std::string("it was built for ") + MachineName(header.e_machine) + ", this machine is " +
           MachineName(kThisMachine);
  }
  return "ldd shows which of its libraries are missing here";
}

}  // namespace edet::parser
