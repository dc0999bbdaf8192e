#include "cli/target_option.h"

#include <fmt/format.h>

#include "deepstream/platforms.h"

namespace edet::cli {
namespace {

std::string PlatformNames() {
  std::string names;
  for (const deepstream::Platform& p : deepstream::Platforms()) {
    names += (names.empty() ? "" : ", ") + p.name;
  }
  return names;
}

void PrintPlatforms() {
  fmt::print("{:<14}{:<11}{:<10}{:<8}{:<8}{:<34}{}\n", "--target", "DeepStream", "TensorRT",
             "layout", "opset", "--nms", "device");
  for (const deepstream::Platform& p : deepstream::Platforms()) {
    std::string nms = p.nms_plugin == deepstream::PluginState::kAbsent ? "" : "plugin ";
    if (p.nms_plugin == deepstream::PluginState::kFaulty) nms = "plugin(faulty) ";
    if (p.nms_plugin == deepstream::PluginState::kDeprecated) nms = "plugin(deprecated) ";
    nms += p.nms_onnx ? "onnx rows " : "";
    fmt::print("{:<14}{:<11}{:<10}{:<8}{:<8}{:<34}{}{}\n", p.name, p.deepstream, p.tensorrt,
               p.nhwc ? "any" : "nchw", fmt::format("<= {}", p.max_opset), nms, p.device,
               p.jetpack.empty() ? "" : ", JetPack " + p.jetpack);
  }
  fmt::print(
      "--nms decoded and none go everywhere; --nms plugin with --nms-semantics automl from "
      "TensorRT 8.6 on.\n");
}

}  // namespace

CLI::Option* AddTargetOption(CLI::App* command, std::string& target, const std::string& text) {
  return command->add_option_function<std::string>(
      "--target",
      [&target](const std::string& name) {
        if (name == "help") {
          PrintPlatforms();
          throw CLI::Success();
        }
        target = name;
      },
      text + ": " + PlatformNames() + "; help tells about each");
}

}  // namespace edet::cli
