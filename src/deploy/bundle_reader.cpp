#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "deploy/bundle.h"
#include "deploy/checksum.h"

namespace edet::deploy {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr size_t kMaxFiles = 1000;

struct FreeArchive {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

Error NoBundle(const fs::path& path, const std::string& why) {
  return {ErrorCode::kCorrupt, "this is no bundle of edet: " + why, path.string(),
          "make it again with 'edet bundle'"};
}

// The names go to a device's shell and file system: plain ones only, none that leads elsewhere.
bool IsPlainPath(const std::string& path) {
  if (path.empty() || path.size() > 200 || path[0] == '/') return false;
  if (path.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/+") !=
      std::string::npos)
    return false;
  for (const fs::path& part : fs::path(path)) {
    if (part.empty() || part == "." || part == ".." || part.string()[0] == '-') return false;
  }
  return true;
}

Status TakeEntry(archive* reader, archive_entry* entry, const fs::path& path, Bundle& bundle) {
  const char* name = archive_entry_pathname(entry);
  const std::string full = name != nullptr ? name : "";
  const size_t slash = full.find('/');
  if (slash == std::string::npos) return NoBundle(path, "a file outside its folder");
  if (bundle.name.empty()) bundle.name = full.substr(0, slash);
  if (full.compare(0, slash, bundle.name) != 0) return NoBundle(path, "more than one folder");
  if (archive_entry_filetype(entry) == AE_IFDIR) return {};
  BundleFile file{full.substr(slash + 1), "", (archive_entry_perm(entry) & 0100) != 0};
  if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr ||
      !IsPlainPath(file.path))
    return NoBundle(path, "a file or name that no bundle has");
  // Read as it comes: a size that is only claimed costs nothing.
  const void* block = nullptr;
  size_t size = 0;
  la_int64_t offset = 0;
  int result = ARCHIVE_OK;
  while ((result = archive_read_data_block(reader, &block, &size, &offset)) == ARCHIVE_OK) {
    if (static_cast<uint64_t>(offset) != file.bytes.size())
      return NoBundle(path, "a file with holes");
    if (file.bytes.size() + size > kDefaultFileLimitBytes)
      return Error{ErrorCode::kLimitExceeded, "a file of the bundle is too large", path.string(),
                   ""};
    file.bytes.append(static_cast<const char*>(block), size);
  }
  if (result != ARCHIVE_EOF) return NoBundle(path, archive_error_string(reader));
  bundle.files.push_back(std::move(file));
  return {};
}

Status ReadEntries(archive* reader, const fs::path& path, Bundle& bundle) {
  archive_entry* entry = nullptr;
  int result = ARCHIVE_OK;
  while ((result = archive_read_next_header(reader, &entry)) == ARCHIVE_OK) {
    if (bundle.files.size() >= kMaxFiles) return NoBundle(path, "too many files");
    EDET_RETURN_IF_ERROR(TakeEntry(reader, entry, path, bundle));
  }
  if (result == ARCHIVE_EOF) return {};
  const char* why = archive_error_string(reader);
  return NoBundle(path, why != nullptr ? why : "its end is missing");
}

const std::string* BytesOf(const Bundle& bundle, const std::string& path) {
  for (const BundleFile& file : bundle.files) {
    if (file.path == path) return &file.bytes;
  }
  return nullptr;
}

// Every file is the one that the manifest lists.
Status CheckFiles(const json& manifest, const fs::path& path, const Bundle& bundle) {
  std::map<std::string, const BundleFile*> files;
  for (const BundleFile& file : bundle.files) files[file.path] = &file;
  for (const json& listed : manifest.at("files")) {
    const auto name = listed.at("path").get<std::string>();
    auto found = files.find(name);
    if (found == files.end()) return NoBundle(path, name + " is missing");
    if (listed.at("sha256") != Sha256(found->second->bytes) ||
        listed.at("executable") != found->second->executable)
      return NoBundle(path, name + " is damaged");
    files.erase(found);
  }
  files.erase("MANIFEST.json");
  files.erase("SHA256SUMS");
  if (files.empty()) return {};
  return NoBundle(path, files.begin()->first + " is not in its manifest");
}

std::string PlainWord(const json& value) {
  auto word = value.get<std::string>();
  if (!IsPlainPath(word) || word.find('/') != std::string::npos)
    throw std::out_of_range("not a plain word");
  return word;
}

}  // namespace

Result<Bundle> ReadBundle(const fs::path& path) {
  EDET_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path));
  std::unique_ptr<archive, FreeArchive> reader(archive_read_new());
  if (!reader) return Error{ErrorCode::kEnvironment, "libarchive does not start", "", ""};
  archive_read_support_format_tar(reader.get());
  archive_read_support_filter_zstd(reader.get());
  archive_read_support_filter_gzip(reader.get());
  if (archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
    return NoBundle(path, "neither .tar.zst nor .tar.gz nor .tar");
  Bundle bundle;
  EDET_RETURN_IF_ERROR(ReadEntries(reader.get(), path, bundle));
  const std::string* text = BytesOf(bundle, "MANIFEST.json");
  if (text == nullptr || BytesOf(bundle, "SHA256SUMS") == nullptr)
    return NoBundle(path, "it has no MANIFEST.json");
  try {
    const json manifest = json::parse(*text);
    if (manifest.at("format") != 1) {
      return Error{ErrorCode::kUnsupported, "a bundle of a newer edet", path.string(),
                   "take that one"};
    }
    bundle.model = PlainWord(manifest.at("model"));
    bundle.engine = PlainWord(manifest.at("engine"));
    bundle.platform = PlainWord(manifest.at("target").at("platform"));
    EDET_RETURN_IF_ERROR(CheckFiles(manifest, path, bundle));
  } catch (const std::exception&) {
    return NoBundle(path, "its MANIFEST.json cannot be read");
  }
  return bundle;
}

Result<BundleTarget> ReadTarget(const Bundle& bundle) {
  BundleTarget target;
  const std::string* text = BytesOf(bundle, "MANIFEST.json");
  if (text == nullptr) return NoBundle(bundle.name, "it has no MANIFEST.json");
  try {
    const json manifest = json::parse(*text);
    const json& it = manifest.at("target");
    target.platform = it.at("platform").get<std::string>();
    target.l4t = it.at("l4t").get<std::vector<std::string>>();
    target.deepstream = PlainWord(it.at("deepstream"));
    target.tensorrt = PlainWord(it.at("tensorrt"));
    target.cuda = PlainWord(it.at("cuda"));
    target.glibc = PlainWord(it.at("glibc"));
    target.arch = PlainWord(it.at("arch"));
  } catch (const std::exception&) {
    return NoBundle("MANIFEST.json", "the target cannot be read");
  }
  return target;
}

}  // namespace edet::deploy
