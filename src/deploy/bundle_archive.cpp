#include <archive.h>
#include <archive_entry.h>

#include <memory>

#include "base/file.h"
#include "deploy/bundle.h"

namespace edet::deploy {
namespace fs = std::filesystem;
namespace {

struct FreeArchive {
  void operator()(archive* writer) const { archive_write_free(writer); }
};
using Writer = std::unique_ptr<archive, FreeArchive>;

bool EndsWith(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

Error Failed(archive* writer, const fs::path& path) {
  const char* why = archive_error_string(writer);
  return {ErrorCode::kIo, std::string("cannot write the bundle: ") + (why != nullptr ? why : ""),
          path.string(), ""};
}

// The compression, with settings that put neither time nor file name into the bytes.
Status ChooseFilter(archive* writer, const fs::path& path) {
  const std::string name = path.filename().string();
  int result = ARCHIVE_FATAL;
  if (EndsWith(name, ".tar.zst")) {
    result = archive_write_add_filter_zstd(writer);
  } else if (EndsWith(name, ".tar.gz")) {
    result = archive_write_add_filter_gzip(writer);
    if (result == ARCHIVE_OK)
      result = archive_write_set_filter_option(writer, "gzip", "timestamp", nullptr);
  } else if (EndsWith(name, ".tar")) {
    result = archive_write_add_filter_none(writer);
  } else {
    return Error{ErrorCode::kInvalidArgument, "a bundle's name ends in .tar.zst, .tar.gz or .tar",
                 path.string(), "for a device without zstd take .tar.gz"};
  }
  return result == ARCHIVE_OK ? Status() : Status(Failed(writer, path));
}

// Same owner, same times, whoever makes it and when.
Status AddEntry(archive* writer, const std::string& name, const std::string& bytes, bool folder,
                bool executable, const fs::path& path) {
  std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(),
                                                                 archive_entry_free);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_filetype(entry.get(), folder ? AE_IFDIR : AE_IFREG);
  archive_entry_set_perm(entry.get(), folder || executable ? 0755 : 0644);
  archive_entry_set_mtime(entry.get(), 0, 0);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
  if (archive_write_header(writer, entry.get()) != ARCHIVE_OK) return Failed(writer, path);
  for (size_t at = 0; at < bytes.size();) {
    const la_ssize_t written = archive_write_data(writer, bytes.data() + at, bytes.size() - at);
    if (written <= 0) return Failed(writer, path);
    at += static_cast<size_t>(written);
  }
  return {};
}

Status AddFolders(archive* writer, const std::string& name, std::string& last,
                  const fs::path& path) {
  for (size_t slash = name.find('/'); slash != std::string::npos;
       slash = name.find('/', slash + 1)) {
    const std::string folder = name.substr(0, slash + 1);
    if (last.compare(0, folder.size(), folder) == 0) continue;
    EDET_RETURN_IF_ERROR(AddEntry(writer, folder, "", true, false, path));
  }
  last = name;
  return {};
}

}  // namespace

Status WriteBundle(const Bundle& bundle, const fs::path& path) {
  Writer writer(archive_write_new());
  if (!writer) return Error{ErrorCode::kEnvironment, "libarchive does not start", "", ""};
  // ustar knows neither access times nor extended attributes.
  if (archive_write_set_format_ustar(writer.get()) != ARCHIVE_OK) return Failed(writer.get(), path);
  EDET_RETURN_IF_ERROR(ChooseFilter(writer.get(), path));
  OutputFiles output;
  EDET_ASSIGN_OR_RETURN(fs::path temporary, output.StageName(path));
  if (archive_write_open_filename(writer.get(), temporary.c_str()) != ARCHIVE_OK)
    return Failed(writer.get(), path);
  std::string last;
  for (const BundleFile& file : bundle.files) {
    const std::string name = bundle.name + "/" + file.path;
    EDET_RETURN_IF_ERROR(AddFolders(writer.get(), name, last, path));
    EDET_RETURN_IF_ERROR(AddEntry(writer.get(), name, file.bytes, false, file.executable, path));
  }
  if (archive_write_close(writer.get()) != ARCHIVE_OK) return Failed(writer.get(), path);
  return output.Commit();
}

Result<std::string> TarOf(const std::vector<std::pair<std::string, const BundleFile*>>& files) {
  size_t most = size_t{2} * 10240;  // what follows the last file, rounded to the tape's blocks
  for (const auto& [name, file] : files) most += size_t{2} * 512 + file->bytes.size();
  std::string tar(most, '\0');
  size_t used = 0;
  Writer writer(archive_write_new());
  if (!writer || archive_write_set_format_ustar(writer.get()) != ARCHIVE_OK ||
      archive_write_open_memory(writer.get(), tar.data(), tar.size(), &used) != ARCHIVE_OK)
    return Error{ErrorCode::kEnvironment, "libarchive does not start", "", ""};
  for (const auto& [name, file] : files)
    EDET_RETURN_IF_ERROR(AddEntry(writer.get(), name, file->bytes, false, false, name));
  if (archive_write_close(writer.get()) != ARCHIVE_OK) return Failed(writer.get(), "");
  tar.resize(used);
  return tar;
}

}  // namespace edet::deploy
