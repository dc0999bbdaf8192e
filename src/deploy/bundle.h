#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "deepstream/platforms.h"
#include "deepstream/write_configs.h"
#include "deploy/target_library.h"

namespace edet::deploy {

// One file of a bundle. `path` is relative, with '/', without "." or "..".
struct BundleFile {
  std::string path;
  std::string bytes;
  bool executable = false;
};

// What MANIFEST.json says about the platform, for the checks on a device.
struct BundleTarget {
  std::string platform;          // "xavier-jp5"
  std::vector<std::string> l4t;  // beginnings of the release; empty: no Jetson
  std::string deepstream, tensorrt, cuda, glibc, arch;
};

// Everything that a device needs for one model, in memory.
struct Bundle {
  std::string name;      // the folder that it unpacks to: "edet-efficientdet-d0-xavier-jp5"
  std::string model;     // "efficientdet-d0"
  std::string platform;  // "xavier-jp5"
  std::string engine;    // the file that nvinfer will look for and save, in model/
  std::vector<BundleFile> files;  // sorted by path
};

// A folder that `edet convert` wrote, as its reader understands it.
struct BundleModel {
  std::filesystem::path folder;
  std::string record;             // edet.json as it is: how the model was made
  deepstream::ModelFacts facts;   // of no platform yet
  deepstream::ModelWishes needs;  // what a platform must take
  bool keep_configs = false;      // those of the folder as they are, not new ones
};

// The bundle of a model for a platform: the same input gives the same bytes, anywhere and at any
// time. Errors: Unsupported, for a model whose form the platform does not take; those of reading.
Result<Bundle> MakeBundle(const BundleModel& model, const deepstream::Platform& platform,
                          const TargetLibrary& library);

// A tar of some files under other names, uncompressed, in memory. Errors: Environment.
Result<std::string> TarOf(const std::vector<std::pair<std::string, const BundleFile*>>& files);

// Reads a bundle that WriteBundle() wrote: every file compared with its hash in the manifest, and
// no other there. Errors: NotFound, Io, Corrupt (what is wrong with it), LimitExceeded.
Result<Bundle> ReadBundle(const std::filesystem::path& path);

// From its MANIFEST.json. Errors: Corrupt.
Result<BundleTarget> ReadTarget(const Bundle& bundle);

// Writes the bundle as .tar.zst, .tar.gz or .tar, as `path` ends. Complete or not at all. Errors:
// InvalidArgument (another ending), Io.
Status WriteBundle(const Bundle& bundle, const std::filesystem::path& path);

}  // namespace edet::deploy
