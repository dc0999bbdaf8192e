#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"
#include "checkpoint/checkpoint.h"

namespace edet::checkpoint {

// The checkpoint that lies in an archive: its files' bytes, under the names that the files would
// have if the archive were a folder ("d0.tar.gz/efficientdet-d0/model.index").
struct ArchivedCheckpoint {
  std::filesystem::path prefix;
  bool saved_model = false;  // a saved_model.pb belongs to it
  std::map<std::string, std::string> files;
};

// True if the file's first bytes or its name say that it is an archive.
bool LooksLikeArchive(const std::filesystem::path& path, std::string_view head);

// Reads a tar archive, compressed or not, as Google publishes checkpoints. Nothing is written to
// disk. Only files that a checkpoint consists of are kept. Errors: NotFound, Io, Corrupt (damaged,
// cut off), Unsupported (no or several checkpoints in it; an entry that is a link, has an absolute
// name or one with ".."), LimitExceeded.
Result<ArchivedCheckpoint> ReadArchive(const std::filesystem::path& path, const Limits& limits);

}  // namespace edet::checkpoint
