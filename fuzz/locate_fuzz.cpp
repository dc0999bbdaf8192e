// Fuzzes how a checkpoint is found: the first byte chooses between a folder's `checkpoint` state
// file and a file of unknown kind; the rest is that file. A state file may never lead out of its
// folder.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "checkpoint/bundle_writer.h"
#include "checkpoint/locate.h"
#include "fuzz_file.h"

namespace {
namespace fs = std::filesystem;

void Require(bool holds) {
  if (!holds) std::abort();
}

void FollowStateFile(const uint8_t* bytes, size_t size) {
  fs::path state_file = edet::fuzz::WriteFile("checkpoint", bytes, size);
  fs::path folder = state_file.parent_path();
  static const bool written =
      edet::checkpoint::WriteBundle(folder / "m", {{"w", {1}, {1.F}}}, 1).ok();
  Require(written);
  auto location = edet::checkpoint::Locate(state_file, {});
  if (!location.ok()) return Require(!location.error().ToString().empty());
  fs::path inside = location->place.lexically_normal().lexically_relative(folder);
  Require(!inside.empty() && *inside.begin() != "..");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 1) return 0;
  if ((bytes[0] & 1) != 0) {
    FollowStateFile(bytes + 1, size - 1);
    return 0;
  }
  std::string text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  std::string prefix = edet::checkpoint::WithoutShard(text);
  Require(text.compare(0, prefix.size(), prefix) == 0);
  edet::fuzz::OpenWhatOpens(edet::fuzz::WriteFile("weights", bytes + 1, size - 1));
  return 0;
}
