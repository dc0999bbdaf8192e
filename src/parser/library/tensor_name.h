// C++14. What the name of an output tensor says.
#pragma once

#include <cstddef>

namespace edet {
namespace parser {

// What a tensor holds (M detections, A anchors, C classes).
enum class Role {
  kUnknown,
  kIgnored,      // known, and of no use here: raw_detection_boxes of TensorFlow's API and the like
  kCount,        // [1]: how many of the M rows are real
  kBoxes,        // [M, 4]
  kScores,       // [M]
  kClasses,      // [M]
  kRows,         // [M, 7]
  kDenseBoxes,   // [A, 4], decoded
  kDenseScores,  // [A, C], after the sigmoid
  kLogits,       // [A, C], or one level's [H, W, anchors * C] or [anchors * C, H, W]
  kDeltas,       // [A, 4], or one level's [H, W, anchors * 4] or [anchors * 4, H, W]
  kRoles
};

// What the four numbers of a box are.
enum class BoxOrder { kYxyx, kXyxy, kXywh };

// What a box's numbers count.
enum class BoxUnit { kPixels, kNormalized };

struct TensorName {
  Role role = Role::kUnknown;
  bool of_tensorflow = false;  // a name that TensorFlow's object-detection API gives, as it is
  bool order_told = false, unit_told = false;
  BoxOrder order = BoxOrder::kYxyx;
  BoxUnit unit = BoxUnit::kPixels;
  // What follows "__" in the name (see anchor_spec.h); null where there is none.
  const char* anchors = nullptr;
  size_t anchors_length = 0;
};

// Understands "detection_boxes", "a/b/detection_boxes:0", "detection_boxes_xyxy",
// "detection_boxes_yxyx_normalized", "box_deltas__a5" and so on: what counts follows the last '/'
// and ends before ":0" (or another number). A null name is unknown.
TensorName ReadTensorName(const char* name);

}  // namespace parser
}  // namespace edet
