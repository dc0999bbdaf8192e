#include "parser/library_symbols.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/file.h"

namespace edet::parser {
namespace {

#if defined(__aarch64__)
constexpr uint16_t kThisMachine = EM_AARCH64;
#else
constexpr uint16_t kThisMachine = EM_X86_64;
#endif

const char* MachineName(uint16_t machine) {
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

// A struct at an offset of the file, if it lies inside.
template <typename T>
std::optional<T> At(std::string_view bytes, uint64_t offset) {
  if (sizeof(T) > bytes.size() || offset > bytes.size() - sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::optional<Elf64_Ehdr> Header(std::string_view bytes) {
  auto header = At<Elf64_Ehdr>(bytes, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return std::nullopt;
  return header;
}

std::string_view TextAt(std::string_view bytes, const Elf64_Shdr& table, uint32_t offset) {
  if (table.sh_offset > bytes.size() || table.sh_size > bytes.size() - table.sh_offset) return {};
  std::string_view text = bytes.substr(table.sh_offset, table.sh_size);
  if (offset >= text.size()) return {};
  text.remove_prefix(offset);
  const size_t end = text.find('\0');
  return end == std::string_view::npos ? std::string_view() : text.substr(0, end);
}

void CollectFunctions(std::string_view bytes, const Elf64_Shdr& symbols, const Elf64_Shdr& names,
                      std::vector<std::string>& functions) {
  for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= symbols.sh_size; at += sizeof(Elf64_Sym)) {
    auto symbol = At<Elf64_Sym>(bytes, symbols.sh_offset + at);
    if (!symbol) return;
    if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx == SHN_UNDEF) continue;
    const std::string_view name = TextAt(bytes, names, symbol->st_name);
    // Plain C names only: a mangled name is no answer to what to write into the config.
    if (name.substr(0, 2) != "_Z" && name.find("Parse") != std::string_view::npos)
      functions.emplace_back(name);
  }
}

}  // namespace

std::vector<std::string> ExportedParseFunctions(const std::filesystem::path& path) {
  std::vector<std::string> functions;
  auto file = ReadFile(path);
  if (!file.ok()) return functions;
  const std::string_view bytes = *file;
  const auto header = Header(bytes);
  if (!header || header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
    return functions;
  const auto section = [&](uint64_t i) {
    return At<Elf64_Shdr>(bytes, header->e_shoff + i * sizeof(Elf64_Shdr));
  };
  for (unsigned i = 0; i < header->e_shnum; ++i) {
    const auto symbols = section(i);
    if (!symbols || symbols->sh_type != SHT_DYNSYM) continue;
    const auto names = section(symbols->sh_link);
    if (names) CollectFunctions(bytes, *symbols, *names, functions);
  }
  std::sort(functions.begin(), functions.end());
  return functions;
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
  const auto header = Header(*file);
  if (!header) return "it is not a shared library (no ELF file)";
  if (header->e_machine != kThisMachine) {
    return std::string("it was built for ") + MachineName(header->e_machine) +
           ", this machine is " + MachineName(kThisMachine);
  }
  return "ldd shows which of its libraries are missing here";
}

}  // namespace edet::parser
