#include "cli/limit_options.h"

#include <string>

namespace edet::cli {
namespace {

constexpr const char* kGroup = "Limits on the weights (more is refused before it is read)";

// CLI11 takes "-5" for a number just below 2^64.
const CLI::Validator kNotNegative(
    [](std::string& value) {
      bool good = !value.empty() && value.size() < 20 && value[0] != '-';
      return good ? std::string() : "must be 0 to 10^19: " + value;
    },
    "", "");

template <typename T>
void AddSize(CLI::App* command, const std::string& name, T& value, const std::string& shown,
             const std::string& what) {
  command->add_option(name, value, what + " (" + shown + ")")
      ->transform(CLI::AsSizeValue(false))
      ->check(kNotNegative)
      ->group(kGroup);
}

template <typename T>
void AddCount(CLI::App* command, const std::string& name, T& value, const std::string& what) {
  command->add_option(name, value, what + " (" + std::to_string(value) + ")")
      ->type_name("N")
      ->check(kNotNegative)
      ->group(kGroup);
}

}  // namespace

void AddLimitOptions(CLI::App* command, checkpoint::Limits& limits) {
  AddSize(command, "--max-file-bytes", limits.unpacked_bytes, "4 GiB",
          "An archive unpacked, a graph or an .h5, all held in memory; 8GiB is a size");
  AddSize(command, "--max-tensor-bytes", limits.tensor_bytes, "2 GiB", "One tensor");
  AddSize(command, "--max-index-bytes", limits.index_bytes, "64 MiB", "The .index file");
  AddSize(command, "--max-block-bytes", limits.block_bytes, "64 MiB",
          "A compressed block of the index, unpacked");
  AddSize(command, "--max-name-bytes", limits.name_bytes, "1 KiB", "The name of a tensor");
  AddCount(command, "--max-tensors", limits.tensors, "Tensors");
  AddCount(command, "--max-nodes", limits.nodes, "Nodes of a graph, objects in an .h5");
  AddCount(command, "--max-rank", limits.rank, "Dimensions of a tensor");
  AddCount(command, "--max-depth", limits.depth, "Groups within groups of an .h5");
  AddCount(command, "--max-shards", limits.shards, "Data files of a checkpoint");
  command
      ->add_flag("--follow", limits.follow_outside,
                 "Follow a `checkpoint` file that points out of its folder")
      ->group(kGroup);
}

Result<checkpoint::Checkpoint> OpenWithin(const checkpoint::Limits& limits,
                                          const std::filesystem::path& path) {
  Result<checkpoint::Checkpoint> opened = checkpoint::Checkpoint::Open(path, limits);
  if (opened.ok() || opened.error().code != ErrorCode::kLimitExceeded) return opened;
  Error error = opened.error();
  if (error.hint.empty()) error.hint = "if it is meant so, raise the limit: --help lists them";
  return error;
}

}  // namespace edet::cli
