// C++14, no dependencies beyond libstdc++. What gst-nvinfer does with a parser's objects, step by
// step.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace edet {
namespace detect {

enum class ClusterMode { kGroupRectangles = 0, kDbscan = 1, kNms = 2, kDbscanNms = 3, kNone = 4 };

// [class-attrs-N] of an nvinfer config with nvinfer's defaults.
struct ClassAttributes {
  float pre_cluster_threshold = 0.2F;
  float post_cluster_threshold = 0.F;
  float nms_iou_threshold = 0.3F;
  float eps = 0.F;
  float dbscan_min_score = 0.F;
  int group_threshold = 0;
  int min_boxes = 0;
  int top_k = -1;                                            // -1: no limit
  unsigned roi_top_offset = 0;                               // frame pixels
  unsigned roi_bottom_offset = 0;                            // frame pixels
  unsigned detected_min_width = 0, detected_min_height = 0;  // frame pixels
  unsigned detected_max_width = 0, detected_max_height = 0;  // frame pixels, 0: no limit
};

// An object as nvinfer holds it, in network pixels.
struct NetworkObject {
  unsigned class_index = 0;  // 0-based model class
  float left = 0.F, top = 0.F, width = 0.F, height = 0.F;
  float confidence = 0.F;
};

// The same after scaling back, in frame pixels.
struct FrameObject {
  unsigned class_index = 0;
  float left = 0.F, top = 0.F, width = 0.F, height = 0.F;
  float confidence = 0.F;
};

// How nvinfer fits a frame into the network input: gst-nvinfer's get_converted_buffer().
// The scaled frame covers [offset, offset + scaled) of the input; the rest is black.
struct FrameFit {
  unsigned source_width = 0, source_height = 0;  // frame, rounded down to even
  unsigned scaled_width = 0, scaled_height = 0;  // network pixels
  unsigned offset_left = 0, offset_top = 0;      // network pixels
  double ratio_x = 1., ratio_y = 1.;             // network pixels per frame pixel
};
FrameFit FitFrame(unsigned frame_width, unsigned frame_height, unsigned network_width,
                  unsigned network_height, bool maintain_aspect_ratio, bool symmetric_padding);

struct PostprocessOptions {
  ClusterMode cluster_mode = ClusterMode::kGroupRectangles;
  std::vector<ClassAttributes> classes;  // one for each of num-detected-classes
  std::set<unsigned> filter_out_class_ids;
  bool crop_objects_to_roi_boundary = false;
};

// Thresholds, clustering and topk in nvinfer's order, with its exact comparisons; order of the
// result as nvinfer's. Group rectangles become NMS with topk 20 and IoU 0.5, as in builds without
// OpenCV (all stock builds since 6.0). DBSCAN is closed source: where it would run (mode 1 or 3
// with minBoxes > 0), NMS with the class's nms-iou-threshold stands in for it, and
// ClusteringIsApproximate() says so.
std::vector<NetworkObject> ClusterObjects(const std::vector<NetworkObject>& parsed,
                                          const PostprocessOptions& options);

// Whether ClusterObjects() can only approximate what nvinfer would do with these options.
bool ClusteringIsApproximate(const PostprocessOptions& options);

// Scaling back, class filter, size filters and edge rules of gst-nvinfer's
// attach_metadata_detector() (9.1).
std::vector<FrameObject> AttachToFrame(const std::vector<NetworkObject>& objects,
                                       const PostprocessOptions& options, const FrameFit& fit,
                                       unsigned frame_width, unsigned frame_height);

}  // namespace detect
}  // namespace edet
