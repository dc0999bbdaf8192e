// What a run writes beside its video: KITTI files, JSON lines, tensors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "detect/nvinfer_postprocess.h"
#include "parser/custom_library.h"

namespace edet::video {

// One frame's result.
struct FrameRecord {
  unsigned source = 0;  // 0-based, in the order of the sources
  uint64_t frame = 0;   // 0-based in its source
  double pts_s = 0.;
  unsigned width = 0, height = 0;  // pixels of the frame that `objects` live in
  std::vector<detect::FrameObject> objects;
};

// One line of JSON (no line break): source, frame, pts_s, objects in frame pixels.
std::string JsonLine(const FrameRecord& record, const std::vector<std::string>& labels);

// A KITTI file as deepstream-app writes it for gie-kitti-output-dir, and its name
// (application 0, source, frame).
std::string KittiText(const FrameRecord& record, const std::vector<std::string>& labels);
std::string KittiName(const FrameRecord& record);

// Many small files that appear together at the end: written into a hidden folder beside their
// places, renamed by Commit(), removed otherwise. One thread.
class StagedFolder {
 public:
  static Result<StagedFolder> Open(const std::filesystem::path& folder);
  StagedFolder(StagedFolder&& other) noexcept { *this = std::move(other); }
  StagedFolder& operator=(StagedFolder&& other) noexcept;
  ~StagedFolder();
  // `name` has no folders.
  Status Write(const std::string& name, std::string_view bytes);
  Status Commit();

 private:
  StagedFolder() = default;
  std::filesystem::path folder_, staging_;
  std::unique_ptr<AtInterruption> removal_;
  std::vector<std::string> names_;
};

// Lines of text that appear as one file at the end. One thread.
class StagedLines {
 public:
  static Result<StagedLines> Open(const std::filesystem::path& path);
  Status Write(const std::string& line);
  Status Commit();

 private:
  std::unique_ptr<OutputFiles> files_;
  std::ofstream stream_;
  std::filesystem::path path_;
};

// Everything that NVIDIA's post-processing needs to be run on the same tensors: for frame n the
// raw outputs NNNNNN_NAME.bin, the list NNNNNN_LAYERS ("NAME TYPE D0,D1 FILE") and
// NNNNNN_objects.json (network size, frame size, objects in network and in frame pixels).
struct TensorDump {
  uint64_t number = 0;  // over all sources
  unsigned network_width = 0, network_height = 0;
  const std::vector<parser::OutputTensor>* outputs = nullptr;
  const std::vector<detect::NetworkObject>* network_objects = nullptr;
  const FrameRecord* record = nullptr;
};
Status WriteTensorDump(StagedFolder& folder, const TensorDump& dump,
                       const std::vector<std::string>& labels);

}  // namespace edet::video
