#include "efficientdet/untrained.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/bundle_writer.h"
#include "cli/command.h"
#include "efficientdet/hparams.h"
#include "efficientdet/variables.h"

namespace edet::cli {
namespace {

struct Options {
  std::string model = "d0";
  uint64_t seed = 1;
  int num_classes = 90;
  std::filesystem::path output;
};

Status WriteUntrained(const Options& options, bool quiet) {
  EDET_ASSIGN_OR_RETURN(efficientdet::Hparams hparams, efficientdet::FindModel(options.model));
  hparams.num_classes = options.num_classes;
  efficientdet::UntrainedVariables source(options.seed);
  std::vector<checkpoint::NamedTensor> tensors;
  for (const auto& [name, shape] : efficientdet::WantedVariables(hparams)) {
    tensors.push_back({name, shape, source.Read(name, shape).floats});
  }
  size_t count = tensors.size();
  EDET_RETURN_IF_ERROR(
      checkpoint::WriteBundle(options.output / "model.ckpt", std::move(tensors), 0));
  if (!quiet) {
    fmt::print(
        "written     {}: {} with {} variables from seed {}; UNTRAINED: what it detects means "
        "nothing\n",
        options.output.string(), hparams.model_name, count, options.seed);
  }
  return {};
}

}  // namespace

void AddUntrainedCommand(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "untrained", "A checkpoint with weights that nobody trained, to try the road with");
  command->add_option("--model", options->model, "d0 to d7, d7x, lite0 to lite4, lite3x (d0)");
  command->add_option("--seed", options->seed, "The same seed gives the same file everywhere (1)");
  command->add_option("--num-classes", options->num_classes, "1 to 1000 (90)")
      ->check(CLI::Range(1, 1000));
  command->add_option("-o,--output", options->output, "Folder to write (made if absent)")
      ->required();
  command->callback([options, &session] {
    Status status = WriteUntrained(*options, session.quiet);
    if (!status.ok()) throw CommandFailed{status.error()};
  });
}

}  // namespace edet::cli
