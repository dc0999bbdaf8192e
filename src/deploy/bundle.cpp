#include "deploy/bundle.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "deploy/bundle_configs.h"
#include "deploy/checksum.h"
#include "deploy/devices.h"
#include "deploy/embedded_files.h"

namespace edet::deploy {
using deepstream::Platform;
using nlohmann::ordered_json;
namespace {

// A model's name becomes a folder's on the device and a word in a shell script.
Status CheckName(const std::string& name) {
  const bool plain =
      !name.empty() && name.size() <= 64 && name[0] != '.' && name[0] != '-' &&
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
          std::string::npos;
  if (plain) return {};
  return Error{ErrorCode::kUnsupported, "the model's name is none for a folder: '" + name + "'",
               "edet.json", "letters, digits, '.', '_' and '-'"};
}

ordered_json TargetJson(const Platform& platform) {
  const DeviceFacts device = DeviceFactsOf(platform.name);
  return {{"platform", platform.name},
          {"device", platform.device},
          {"jetpack", platform.jetpack},
          {"l4t", device.l4t},
          {"deepstream", platform.deepstream},
          {"tensorrt", platform.tensorrt},
          {"cuda", platform.cuda},
          {"glibc", platform.glibc},
          {"arch", platform.arch},
          {"container", device.container}};
}

ordered_json LibraryJson(const parser::LibraryDescription& library) {
  return {{"version", library.self->version},
          {"compiler", library.self->compiler},
          {"architecture", library.architecture},
          {"needs", library.needed_newest}};
}

ordered_json FilesJson(const std::vector<BundleFile>& files) {
  ordered_json list = ordered_json::array();
  for (const BundleFile& file : files) {
    list.push_back({{"path", file.path},
                    {"bytes", file.bytes.size()},
                    {"sha256", Sha256(file.bytes)},
                    {"executable", file.executable}});
  }
  return list;
}

// The scripts read this, as a shell and as docker compose do.
std::string Environment(const Bundle& bundle, const Platform& platform) {
  const DeviceFacts device = DeviceFactsOf(platform.name);
  return fmt::format(
      "EDET_MODEL='{}'\nEDET_PLATFORM='{}'\nEDET_ARCH='{}'\nEDET_ENGINE='{}'\nEDET_CONTAINER='{}'"
      "\n",
      bundle.model, bundle.platform, platform.arch, bundle.engine, device.container);
}

std::string Readme(const Bundle& bundle, const Platform& platform) {
  const std::string jetpack = platform.jetpack.empty() ? "" : ", JetPack " + platform.jetpack;
  return fmt::format(fmt::runtime(DeviceFile("device/README.md")), fmt::arg("model", bundle.model),
                     fmt::arg("platform", platform.name), fmt::arg("version", EDET_VERSION),
                     fmt::arg("device", platform.device), fmt::arg("jetpack", jetpack),
                     fmt::arg("versions", platform.Versions()), fmt::arg("engine", bundle.engine));
}

// model/: what DeepStream reads.
Status AddModel(const BundleModel& model, const Platform& platform, const TargetLibrary& library,
                Bundle& bundle) {
  const deepstream::ModelFacts& facts = model.facts;
  EDET_ASSIGN_OR_RETURN(bundle.files, ConfigsFor(model, platform, bundle.engine));
  EDET_ASSIGN_OR_RETURN(std::string network, ReadFile(model.folder / facts.onnx_file));
  EDET_ASSIGN_OR_RETURN(std::string labels, ReadFile(model.folder / facts.labels_file));
  EDET_ASSIGN_OR_RETURN(std::string parser, ReadFile(library.path));
  bundle.files.push_back({"model/" + facts.onnx_file, std::move(network)});
  bundle.files.push_back({"model/" + facts.labels_file, std::move(labels)});
  bundle.files.push_back({"model/" + facts.parser_library, std::move(parser), true});
  bundle.files.push_back({"model/edet.json", model.record});
  return {};
}

void AddScripts(const Platform& platform, Bundle& bundle) {
  for (const char* name : {"install.sh", "run.sh", "uninstall.sh"})
    bundle.files.push_back({name, std::string(DeviceFile(std::string("device/") + name)), true});
  bundle.files.push_back({"compose.yaml", std::string(DeviceFile("device/compose.yaml"))});
  bundle.files.push_back({"bundle.env", Environment(bundle, platform)});
  bundle.files.push_back({"README.md", Readme(bundle, platform)});
  for (const EmbeddedFile& file : ParserSource())
    bundle.files.push_back({"source/" + std::string(file.path), std::string(file.text)});
  bundle.files.push_back({"source/VERSION", std::string(EDET_VERSION) + "\n"});
}

void Sort(std::vector<BundleFile>& files) {
  std::sort(files.begin(), files.end(),
            [](const BundleFile& a, const BundleFile& b) { return a.path < b.path; });
}

// MANIFEST.json lists every file but the two lists; SHA256SUMS, for sha256sum, the manifest too.
void AddLists(const BundleModel& model, const Platform& platform, const TargetLibrary& library,
              Bundle& bundle) {
  Sort(bundle.files);
  const ordered_json manifest = {{"format", 1},
                                 {"name", bundle.name},
                                 {"model", bundle.model},
                                 {"engine", bundle.engine},
                                 {"target", TargetJson(platform)},
                                 {"parser", LibraryJson(library.description)},
                                 {"made_by", {{"edet", EDET_VERSION}, {"command", "edet bundle"}}},
                                 {"converted", ordered_json::parse(model.record)},
                                 {"files", FilesJson(bundle.files)}};
  bundle.files.push_back({"MANIFEST.json", manifest.dump(2) + "\n"});
  Sort(bundle.files);
  std::string sums;
  for (const BundleFile& file : bundle.files)
    sums += fmt::format("{}  {}\n", Sha256(file.bytes), file.path);
  bundle.files.push_back({"SHA256SUMS", std::move(sums)});
  Sort(bundle.files);
}

}  // namespace

Result<Bundle> MakeBundle(const BundleModel& model, const Platform& platform,
                          const TargetLibrary& library) {
  Bundle bundle;
  bundle.model = model.facts.model_name;
  bundle.platform = platform.name;
  EDET_RETURN_IF_ERROR(CheckName(bundle.model));
  bundle.name = fmt::format("edet-{}-{}", bundle.model, bundle.platform);
  EDET_RETURN_IF_ERROR(AddModel(model, platform, library, bundle));
  AddScripts(platform, bundle);
  AddLists(model, platform, library, bundle);
  return bundle;
}

}  // namespace edet::deploy
