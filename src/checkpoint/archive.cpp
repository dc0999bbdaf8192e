#include "checkpoint/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <memory>
#include <vector>

#include "checkpoint/data_file.h"
#include "checkpoint/loaded_tensors.h"
#include "checkpoint/locate.h"

namespace edet::checkpoint {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxEntries = 10000;
constexpr size_t kReadBytes = size_t{1} << 20;

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// Feeds libarchive from a file that was found to be a regular one.
struct Source {
  DataFile file;
  uint64_t at = 0;
  std::vector<char> buffer = std::vector<char>(kReadBytes);
};

la_ssize_t ReadSource(archive* reader, void* client, const void** bytes) {
  auto* source = static_cast<Source*>(client);
  uint64_t size = std::min<uint64_t>(kReadBytes, source->file.size_bytes() - source->at);
  Status read = source->file.ReadAt(source->at, source->buffer.data(), size);
  if (!read.ok()) {
    archive_set_error(reader, EIO, "%s", read.error().what.c_str());
    return -1;
  }
  source->at += size;
  *bytes = source->buffer.data();
  return static_cast<la_ssize_t>(size);
}

struct FreeArchive {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

class Unpacking {
 public:
  Unpacking(const fs::path& path, const Limits& limits) : path_(path), limits_(limits) {}

  Result<ArchivedCheckpoint> Run() {
    EDET_ASSIGN_OR_RETURN(DataFile file, DataFile::Open(path_));
    most_bytes_ = MostUnpackedBytes(file.size_bytes(), limits_);
    Source source{std::move(file)};
    reader_.reset(archive_read_new());
    if (!reader_) return Error{ErrorCode::kEnvironment, "libarchive does not start", "", ""};
    archive_read_support_format_tar(reader_.get());
    archive_read_support_filter_gzip(reader_.get());
    archive_read_support_filter_bzip2(reader_.get());
    archive_read_support_filter_xz(reader_.get());
    if (archive_read_open(reader_.get(), &source, nullptr, ReadSource, nullptr) != ARCHIVE_OK)
      return Damaged();
    archive_entry* entry = nullptr;
    int state = ARCHIVE_OK;
    for (size_t i = 0; (state = archive_read_next_header(reader_.get(), &entry)) == ARCHIVE_OK;
         ++i) {
      if (i >= kMaxEntries) return Over(fmt::format("holds more than {} files", kMaxEntries));
      EDET_RETURN_IF_ERROR(Take(entry));
    }
    if (state != ARCHIVE_EOF) return Damaged();
    return Choose();
  }

 private:
  Error Damaged() const {
    const char* text = archive_error_string(reader_.get());
    std::string why = text != nullptr ? text : "unknown format";
    for (char& c : why) c = static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    return {ErrorCode::kCorrupt, "the archive cannot be read: " + why, path_.string(),
            "it must be a tar archive (.tar, .tar.gz); download it again"};
  }
  Error Refused(const std::string& what) const {
    return {ErrorCode::kUnsupported, what, path_.string(),
            "unpack it where that does no harm and give the folder"};
  }
  Error Over(const std::string& what) const {
    return {ErrorCode::kLimitExceeded, "the archive " + what, path_.string(),
            "unpack it and give the folder"};
  }

  Result<std::string> CheckedName(archive_entry* entry) const {
    const char* raw = archive_entry_pathname(entry);
    std::string name = raw != nullptr ? raw : "";
    for (unsigned char c : name) {
      if (c < ' ' || c == 0x7f)
        return Refused("the archive holds a file with control characters in its name");
    }
    if (name.empty() || name.size() > 4096)
      return Refused("the archive holds a file without a name or with one that is too long");
    fs::path path(name);
    bool climbs = path.is_absolute();
    for (const fs::path& part : path) climbs = climbs || part == "..";
    if (climbs) return Refused("the archive holds a file that leaves its folder, '" + name + "'");
    bool link = archive_entry_hardlink(entry) != nullptr || archive_entry_symlink(entry) != nullptr;
    if (link) return Refused("the archive holds a link, '" + name + "'");
    return path.lexically_normal().generic_string();
  }

  static bool IsWanted(const fs::path& path) {
    std::string name = path.filename().string();
    if (name.compare(0, 2, "._") == 0) return false;  // what macOS adds
    return name == "checkpoint" || EndsWith(name, ".index") || !WithoutShard(name).empty();
  }

  Status Take(archive_entry* entry) {
    EDET_ASSIGN_OR_RETURN(std::string name, CheckedName(entry));
    if (archive_entry_filetype(entry) == AE_IFDIR) return {};
    if (archive_entry_filetype(entry) != AE_IFREG)
      return Refused("the archive holds a special file, '" + name + "'");
    std::string place = (path_ / name).string();
    if (fs::path(name).filename() == "saved_model.pb") saved_models_.push_back(place);
    EDET_ASSIGN_OR_RETURN(std::string bytes, Contents(name, IsWanted(name)));
    if (!IsWanted(name)) return {};
    if (!files_.emplace(place, std::move(bytes)).second)
      return Refused("the archive holds '" + name + "' twice");
    return {};
  }

  // Grows with what is really there: the size in an entry's header is only a claim. What is not
  // kept is read and counted as well, for it has to be decompressed.
  Result<std::string> Contents(const std::string& name, bool keep) {
    std::string bytes;
    std::vector<char> buffer(kReadBytes);
    for (;;) {
      la_ssize_t got = archive_read_data(reader_.get(), buffer.data(), buffer.size());
      if (got < 0) return Damaged();
      if (got == 0) return bytes;
      unpacked_bytes_ += static_cast<uint64_t>(got);
      if (unpacked_bytes_ > most_bytes_)
        return Over(fmt::format("unpacks to more than {} bytes, in '{}'", most_bytes_, name));
      if (keep) bytes.append(buffer.data(), static_cast<size_t>(got));
    }
  }

  std::vector<std::string> Prefixes() const {
    std::vector<std::string> prefixes;
    for (const auto& [name, bytes] : files_) {
      if (EndsWith(name, ".index")) prefixes.push_back(name.substr(0, name.size() - 6));
    }
    return prefixes;
  }

  // With several checkpoints the only state file decides, as in a folder.
  Result<ArchivedCheckpoint> Choose() {
    std::vector<std::string> prefixes = Prefixes();
    if (prefixes.empty()) {
      return Error{ErrorCode::kNotFound, "no checkpoint in this archive", path_.string(),
                   "a checkpoint is a .index file with its .data-00000-of-00001 file"};
    }
    std::string chosen = prefixes[0];
    if (prefixes.size() > 1) {
      EDET_ASSIGN_OR_RETURN(chosen, StatedPrefix(prefixes.size()));
    }
    ArchivedCheckpoint result;
    result.prefix = chosen;
    fs::path graph = fs::path(chosen).parent_path().parent_path() / "saved_model.pb";
    for (const std::string& name : saved_models_) result.saved_model |= name == graph.string();
    result.files = std::move(files_);
    return result;
  }

  Result<std::string> StatedPrefix(size_t count) const {
    std::vector<std::string> stated;
    for (const auto& [name, bytes] : files_) {
      if (fs::path(name).filename() != "checkpoint") continue;
      EDET_ASSIGN_OR_RETURN(fs::path path, ParseStateFile(bytes, name));
      std::string prefix = (fs::path(name).parent_path() / path.filename()).string();
      if (files_.count(prefix + ".index") != 0) stated.push_back(prefix);
    }
    if (stated.size() == 1) return stated[0];
    return Error{ErrorCode::kUnsupported, fmt::format("the archive holds {} checkpoints", count),
                 path_.string(), "unpack it and give one of them"};
  }

  const fs::path& path_;
  const Limits& limits_;
  std::unique_ptr<archive, FreeArchive> reader_;
  std::map<std::string, std::string> files_;
  std::vector<std::string> saved_models_;
  uint64_t most_bytes_ = 0;
  uint64_t unpacked_bytes_ = 0;
};

}  // namespace

bool LooksLikeArchive(const fs::path& path, std::string_view head) {
  auto begins = [&head](std::string_view magic) { return head.substr(0, magic.size()) == magic; };
  return begins("\x1f\x8b") || begins("BZh") ||
         begins(
             "\xfd"
             "7zXZ") ||
         EndsWith(path.string(), ".tar");
}

Result<ArchivedCheckpoint> ReadArchive(const fs::path& path, const Limits& limits) {
  return Unpacking(path, limits).Run();
}

}  // namespace edet::checkpoint
