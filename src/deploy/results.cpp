#include "deploy/results.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>

#include "base/file.h"

namespace edet::deploy {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxFiles = 200000;

struct FreeArchive {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

bool StaysInside(const fs::path& name) {
  if (name.empty() || name.is_absolute()) return false;
  for (const fs::path& part : name) {
    if (part == "..") return false;
  }
  return true;
}

Error Odd(const std::string& name) {
  return {ErrorCode::kCorrupt, "the device sent something else than results", name, ""};
}

}  // namespace

Result<std::map<std::string, std::string>> ReadResults(const std::string& tar) {
  std::unique_ptr<archive, FreeArchive> reader(archive_read_new());
  archive_read_support_format_tar(reader.get());
  if (archive_read_open_memory(reader.get(), tar.data(), tar.size()) != ARCHIVE_OK)
    return Odd("no tar");
  std::map<std::string, std::string> files;
  archive_entry* entry = nullptr;
  int result = ARCHIVE_OK;
  while ((result = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK) {
    const char* text = archive_entry_pathname(entry);
    const std::string name = text != nullptr ? text : "";
    if (!StaysInside(name)) return Odd(name);
    if (archive_entry_filetype(entry) == AE_IFDIR) continue;
    const la_int64_t size = archive_entry_size(entry);
    if (archive_entry_filetype(entry) != AE_IFREG || size < 0 ||
        static_cast<uint64_t>(size) > tar.size() || files.size() >= kMaxFiles)
      return Odd(name);
    std::string bytes(static_cast<size_t>(size), '\0');
    if (archive_read_data(reader.get(), bytes.data(), bytes.size()) != size) return Odd(name);
    files[fs::path(name).lexically_normal().string()] = std::move(bytes);
  }
  if (result != ARCHIVE_EOF) return Odd("its end is missing");
  return files;
}

Status WriteResults(const std::map<std::string, std::string>& files, const fs::path& folder) {
  OutputFiles output;
  for (const auto& [name, bytes] : files) EDET_RETURN_IF_ERROR(output.Stage(folder / name, bytes));
  return output.Commit();
}

}  // namespace edet::deploy
