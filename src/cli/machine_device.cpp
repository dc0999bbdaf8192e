#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <regex>

#include "base/file.h"
#include "cli/machine.h"
#include "cli/parser_library.h"
#include "parser/library_symbols.h"

namespace edet::cli {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kSmallFileBytes = 1 << 20;

Check Device(const std::string& name, const std::optional<std::string>& value,
             const std::string& purpose) {
  if (value) return {"device", name, Check::State::kFound, *value, ""};
  return {"device", name, Check::State::kAbsent, "not on this machine; " + purpose, ""};
}

// What the first group of `pattern` matches in a small text file.
std::optional<std::string> Find(const fs::path& path, const char* pattern) {
  auto text = ReadFile(path, kSmallFileBytes);
  std::smatch match;
  if (!text.ok() || !std::regex_search(*text, match, std::regex(pattern))) return std::nullopt;
  return match[1].str();
}

std::optional<std::string> Jetson() {
  auto release = ReadFile("/etc/nv_tegra_release", kSmallFileBytes);
  if (!release.ok()) return std::nullopt;
  auto version = L4tVersion(*release);
  if (!version) return std::nullopt;
  return "L4T " + *version;
}

std::optional<std::string> DeepStream() {
  const fs::path folder = "/opt/nvidia/deepstream/deepstream";
  std::error_code failed;
  if (!fs::exists(folder, failed)) return std::nullopt;
  return Find(folder / "version", "Version: *([0-9.]+)").value_or("of unknown version") + " in " +
         folder.string();
}

// Loads the library that engines are built with and asks for its version.
std::optional<std::string> TensorRt() {
  for (const char* name :
       {"libnvinfer.so.11", "libnvinfer.so.10", "libnvinfer.so.8", "libnvinfer.so.7"}) {
    void* library = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    if (library == nullptr) continue;
    auto version = reinterpret_cast<int (*)()>(dlsym(library, "getInferLibVersion"));
    std::string text =
        version != nullptr ? TensorRtVersion(version()) : std::string("of unknown version");
    dlclose(library);
    return fmt::format("{} ({})", text, name);
  }
  return std::nullopt;
}

std::optional<std::string> Cuda() {
  if (auto version =
          Find("/usr/local/cuda/version.json", R"re("cuda"[^}]*"version" *: *"([0-9.]+)")re")) {
    return version;
  }
  return Find("/usr/local/cuda/version.txt", "CUDA Version ([0-9.]+)");
}

}  // namespace

std::optional<std::string> L4tVersion(const std::string& release) {
  std::smatch match;
  const std::regex pattern(R"(# R([0-9]+) \(release\), REVISION: ([0-9.]+))");
  if (!std::regex_search(release, match, pattern)) return std::nullopt;
  return match[1].str() + "." + match[2].str();
}

std::string TensorRtVersion(int number) {
  int major = number >= 100000 ? number / 10000 : number / 1000;
  int rest = number >= 100000 ? number % 10000 : number % 1000;
  return fmt::format("{}.{}.{}", major, rest / 100, rest % 100);
}

std::vector<Check> InspectDevice() {
  return {Device("Jetson", Jetson(), "JetPack's release on a Jetson"),
          Device("DeepStream", DeepStream(), "runs what 'edet convert' writes on NVIDIA hardware"),
          Device("TensorRT", TensorRt(), "builds the engine there"),
          Device("CUDA", Cuda(), "comes with JetPack or the NVIDIA driver")};
}

std::vector<Check> InspectParserLibrary() {
  const std::string name = "parser library";
  auto path = FindParserLibrary();
  if (!path.ok())
    return {{"convert", name, Check::State::kMissing, path.error().what, path.error().hint}};
  void* library = dlopen(path->c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = dlerror();
    return {{"convert", name, Check::State::kMissing,
             reason != nullptr ? reason : "cannot be loaded",
             parser::DescribeSharedObject(*path) + "; build edet again on this machine"}};
  }
  dlclose(library);
  return {{"convert", name, Check::State::kFound, path->string(), ""}};
}

}  // namespace edet::cli
