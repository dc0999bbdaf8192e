// The detections of a run as deepstream-app (gie-kitti-output-dir) and `edet run --kitti` write
// them, one text file a frame, and how far two such sets say the same.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace edet::deploy {

struct KittiObject {
  std::string label;
  double left = 0, top = 0, right = 0, bottom = 0;  // pixels of the frame
  double score = -1;                                // -1 if the file has none (DeepStream 4)
};

// By file name, "00_000_000017.txt": application, source, frame. A frame without objects is there
// with none.
using KittiFrames = std::map<std::string, std::vector<KittiObject>>;

// One file. Labels may hold spaces. Errors: Corrupt, with the line.
Result<std::vector<KittiObject>> ParseKitti(const std::string& text, const std::string& name);

// The *.txt of a folder. Errors: NotFound, Io, LimitExceeded, Corrupt.
Result<KittiFrames> ReadKittiFolder(const std::filesystem::path& folder);

// What of `device` is also in `reference`: in each frame, boxes of the same label are paired, the
// best overlaps first, down to an IoU of `min_iou`.
struct Parity {
  size_t frames = 0;          // compared: those of the reference
  size_t absent_frames = 0;   // of these, those that the device did not write
  size_t unasked_frames = 0;  // that only the device has; not compared
  size_t reference_objects = 0, device_objects = 0;
  size_t matched = 0, missing = 0, extra = 0;
  size_t other_class = 0;               // of the missing: there, but with another label
  double mean_iou = 0, lowest_iou = 0;  // of the matched; 0 without any
  double mean_score_difference = 0;     // absolute, of the matched that have scores
  std::string worst_frame;              // with the lowest agreement; empty where all are complete
  double worst_agreement = 1;
  size_t worst_missing = 0, worst_extra = 0;

  // 2 matched / (reference + device): 1 where nothing is missing and nothing is extra.
  double Agreement() const;
};

Parity CompareKitti(const KittiFrames& reference, const KittiFrames& device, double min_iou);

nlohmann::ordered_json ToJson(const Parity& parity);

}  // namespace edet::deploy
