#include "deploy/bundle.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/command.h"
#include "cli/model_folder.h"
#include "cli/target_option.h"
#include "deepstream/config_stamp.h"
#include "deploy/checksum.h"

namespace edet::cli {
namespace fs = std::filesystem;
using nlohmann::ordered_json;
namespace {

struct Options {
  fs::path model_folder;
  std::string target;
  fs::path output;
  fs::path parser_library;
  bool keep_configs = false, json = false;
};

fs::path ProgramFolder() {
  std::error_code failed;
  return fs::read_symlink("/proc/self/exe", failed).parent_path();
}

uint64_t UnpackedBytes(const deploy::Bundle& bundle) {
  uint64_t bytes = 0;
  for (const deploy::BundleFile& file : bundle.files) bytes += file.bytes.size();
  return bytes;
}

Status PrintBundle(const Options& options, const deploy::Bundle& bundle,
                   const deploy::TargetLibrary& library) {
  EDET_ASSIGN_OR_RETURN(std::string bytes, ReadFile(options.output));
  const std::string sha256 = deploy::Sha256(bytes);
  if (options.json) {
    const ordered_json report = {{"bundle", options.output.string()},
                                 {"bytes", bytes.size()},
                                 {"sha256", sha256},
                                 {"name", bundle.name},
                                 {"model", bundle.model},
                                 {"target", bundle.platform},
                                 {"engine", bundle.engine},
                                 {"files", bundle.files.size()},
                                 {"unpacked_bytes", UnpackedBytes(bundle)},
                                 {"parser_library", library.path.string()}};
    fmt::print("{}\n", report.dump(2, ' ', false, ordered_json::error_handler_t::replace));
    return {};
  }
  fmt::print("model       {} for {}\n", bundle.model, bundle.platform);
  fmt::print("engine      {}, built on the device at the first start\n", bundle.engine);
  fmt::print("parser      {} ({}, {})\n", library.path.string(), library.description.architecture,
             library.description.self->compiler);
  fmt::print("written     {}: {:.1f} MB, {} files, {:.1f} MB unpacked\n", options.output.string(),
             static_cast<double>(bytes.size()) / 1e6, bundle.files.size(),
             static_cast<double>(UnpackedBytes(bundle)) / 1e6);
  fmt::print("sha256      {}\n\n", sha256);
  const std::string file = options.output.string();
  fmt::print("Next:\n  edet deploy {} user@device\n", file);
  if (options.output.extension() == ".zst") {
    fmt::print("or by hand, where the device's tar reads zstd (JetPack 6; else make a .tar.gz):\n");
  } else {
    fmt::print("or by hand, on the device:\n");
  }
  fmt::print("  tar -xf {} && sh {}/install.sh\n", options.output.filename().string(), bundle.name);
  return {};
}

// The folder, and a note where its configs will not be those of the bundle though somebody changed
// them.
Result<deploy::BundleModel> ReadModel(const Options& options) {
  EDET_ASSIGN_OR_RETURN(ModelFolder folder, ReadModelFolder(options.model_folder));
  deploy::BundleModel model;
  model.folder = options.model_folder;
  model.facts = std::move(folder.facts);
  model.needs = folder.needs;
  model.keep_configs = options.keep_configs;
  EDET_ASSIGN_OR_RETURN(model.record, ReadFile(model.folder / "edet.json"));
  for (const char* name : {"config_infer_primary.txt", "deepstream_app.txt"}) {
    Result<std::string> text = ReadFile(model.folder / name);
    if (options.keep_configs || !text.ok() || deepstream::IsAsWritten(*text)) continue;
    fmt::print(stderr,
               "edet: note: {} was changed by hand, the bundle has a new one: "
               "--keep-configs takes it as it is\n",
               (model.folder / name).string());
  }
  return model;
}

Status MakeAndWrite(const Options& options, bool quiet) {
  EDET_ASSIGN_OR_RETURN(deepstream::Platform platform, deepstream::FindPlatform(options.target));
  EDET_ASSIGN_OR_RETURN(deploy::BundleModel model, ReadModel(options));
  EDET_ASSIGN_OR_RETURN(
      deploy::TargetLibrary library,
      deploy::FindTargetLibrary(platform, options.parser_library, ProgramFolder()));
  EDET_ASSIGN_OR_RETURN(deploy::Bundle bundle, deploy::MakeBundle(model, platform, library));
  EDET_RETURN_IF_ERROR(deploy::WriteBundle(bundle, options.output));
  return quiet && !options.json ? Status() : PrintBundle(options, bundle, library);
}

}  // namespace

void AddBundleCommand(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "bundle",
      "All that a device needs for a model, in one file: model, configs, parser, scripts");
  command->add_option("model", options->model_folder, "Folder that 'edet convert' wrote")
      ->required();
  AddTargetOption(command, options->target, "The platform that it is for")->required();
  command
      ->add_option(
          "-o,--output", options->output,
          "File to write: .tar.zst, .tar.gz (tar of JetPack 4 and 5 reads no zstd) or .tar")
      ->required();
  command->add_option("--parser-library", options->parser_library,
                      "The parser library for the device, where none is found beside this program");
  command->add_flag("--keep-configs", options->keep_configs,
                    "Take the folder's own configs as they are, instead of new ones");
  command->add_flag("--json", options->json, "Print what was made as JSON");
  command->footer(
      "\nThe same input gives the same bytes. Example:\n"
      "  edet bundle d0 --target xavier-jp5 -o d0-xavier.tar.zst");
  command->callback([options, &session] {
    Status status = MakeAndWrite(*options, session.quiet);
    if (!status.ok()) throw CommandFailed{status.error()};
  });
}

}  // namespace edet::cli
