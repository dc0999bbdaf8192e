#include "detect/nvinfer_postprocess.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

namespace edet {
namespace detect {
namespace {

using Objects = std::vector<NetworkObject>;

bool HigherConfidence(const NetworkObject& a, const NetworkObject& b) {
  return a.confidence > b.confidence;
}

// Length of the overlap of two intervals. nvinfer's order of operations is kept, so that a pair
// right at the threshold falls on the same side.
float Overlap(float a_begin, float a_end, float b_begin, float b_end) {
  if (a_begin > b_begin) {
    std::swap(a_begin, b_begin);
    std::swap(a_end, b_end);
  }
  return a_end < b_begin ? 0.F : std::min(a_end, b_end) - b_begin;
}

float IntersectionOverUnion(const NetworkObject& a, const NetworkObject& b) {
  const float x = Overlap(a.left, a.left + a.width, b.left, b.left + b.width);
  const float y = Overlap(a.top, a.top + a.height, b.top, b.top + b.height);
  const float area_a = a.width * a.height;
  const float area_b = b.width * b.height;
  const float intersection = x * y;
  const float united = area_a + area_b - intersection;
  return united == 0.F ? 0.F : intersection / united;
}

// One list for each class, in the parser's order, without what nvinfer drops before clustering.
// Comparisons as nvinfer's: a NaN confidence is not below any threshold, so it stays.
std::vector<Objects> SplitByClass(const Objects& parsed,
                                  const std::vector<ClassAttributes>& classes) {
  std::vector<Objects> lists(classes.size());
  for (const NetworkObject& object : parsed) {
    if (object.class_index >= classes.size()) continue;
    if (object.confidence < classes[object.class_index].pre_cluster_threshold) continue;
    lists[object.class_index].push_back(object);
  }
  return lists;
}

// Sorts only where a limit is set: without one, nvinfer leaves the order alone.
void KeepTop(int top_k, Objects* objects) {
  if (top_k < 0) return;
  std::stable_sort(objects->begin(), objects->end(), HigherConfidence);
  if (objects->size() > static_cast<size_t>(top_k)) objects->resize(static_cast<size_t>(top_k));
}

// Greedy and stable; an overlap equal to the threshold does not suppress.
Objects SuppressOverlaps(Objects objects, float iou_threshold) {
  std::stable_sort(objects.begin(), objects.end(), HigherConfidence);
  Objects kept;
  for (const NetworkObject& candidate : objects) {
    const bool keep = std::all_of(kept.begin(), kept.end(), [&](const NetworkObject& better) {
      return IntersectionOverUnion(candidate, better) <= iou_threshold;
    });
    if (keep) kept.push_back(candidate);
  }
  return kept;
}

Objects ClusterByNms(Objects objects, const ClassAttributes& attributes) {
  Objects kept = SuppressOverlaps(std::move(objects), attributes.nms_iou_threshold);
  // Above, not at: an object of confidence 0 is lost with the default threshold 0.
  kept.erase(std::remove_if(kept.begin(), kept.end(),
                            [&](const NetworkObject& object) {
                              return !(object.confidence > attributes.post_cluster_threshold);
                            }),
             kept.end());
  KeepTop(attributes.top_k, &kept);
  return kept;
}

ClassAttributes InsteadOfGroupRectangles(ClassAttributes attributes) {
  attributes.top_k = 20;
  attributes.nms_iou_threshold = 0.5F;
  return attributes;
}

// What nvinfer does in cluster-mode 1 around the closed DBSCAN, which it calls with minBoxes > 0
// only.
Objects KeepWithoutDbscan(Objects objects, const ClassAttributes& attributes) {
  objects.erase(std::remove_if(objects.begin(), objects.end(),
                               [&](const NetworkObject& object) {
                                 return object.confidence < attributes.post_cluster_threshold;
                               }),
                objects.end());
  KeepTop(attributes.top_k, &objects);
  return objects;
}

Objects ClusterClass(Objects objects, ClusterMode mode, const ClassAttributes& attributes) {
  switch (mode) {
    case ClusterMode::kNone:
      KeepTop(attributes.top_k, &objects);
      return objects;
    case ClusterMode::kGroupRectangles:
      return ClusterByNms(std::move(objects), InsteadOfGroupRectangles(attributes));
    case ClusterMode::kDbscan:
      if (attributes.min_boxes <= 0) return KeepWithoutDbscan(std::move(objects), attributes);
      break;
    case ClusterMode::kNms:
    case ClusterMode::kDbscanNms:
      break;
  }
  return ClusterByNms(std::move(objects), attributes);
}

// The frame pixel of a network pixel: a subtraction of floats, then a division of doubles, as
// nvinfer's.
FrameObject ScaleBack(const NetworkObject& object, const FrameFit& fit) {
  FrameObject scaled;
  scaled.class_index = object.class_index;
  scaled.confidence = object.confidence;
  scaled.left =
      static_cast<float>((object.left - static_cast<float>(fit.offset_left)) / fit.ratio_x);
  scaled.top = static_cast<float>((object.top - static_cast<float>(fit.offset_top)) / fit.ratio_y);
  scaled.width = static_cast<float>(object.width / fit.ratio_x);
  scaled.height = static_cast<float>(object.height / fit.ratio_y);
  // The corner is moved into the frame, the size stays: nvinfer 9.1 does not shrink the box.
  if (scaled.top < 0.F) scaled.top = 0.F;
  if (scaled.left < 0.F) scaled.left = 0.F;
  return scaled;
}

bool PassesSizeFilters(const FrameObject& object, const ClassAttributes& attributes) {
  if (object.width < static_cast<float>(attributes.detected_min_width)) return false;
  if (object.height < static_cast<float>(attributes.detected_min_height)) return false;
  if (attributes.detected_max_width > 0 &&
      object.width > static_cast<float>(attributes.detected_max_width)) {
    return false;
  }
  return attributes.detected_max_height == 0 ||
         object.height <= static_cast<float>(attributes.detected_max_height);
}

// Crops to the region, or says that the object does not lie in it. Unsigned arithmetic as in
// nvinfer: a bottom offset beyond the frame's height wraps around to no limit.
bool FitRegion(const ClassAttributes& attributes, bool crop, unsigned frame_width,
               unsigned frame_height, FrameObject* object) {
  const float top = static_cast<float>(attributes.roi_top_offset);
  const float bottom = static_cast<float>(frame_height - attributes.roi_bottom_offset);
  const float right = static_cast<float>(frame_width);
  if (!crop) return !(object->top < top) && !(object->top + object->height > bottom);
  if (object->top < top) object->top = top;
  if (object->left + object->width >= right) object->width = right - object->left;
  if (object->top + object->height > bottom) object->height = bottom - object->top;
  return true;
}

}  // namespace

FrameFit FitFrame(unsigned frame_width, unsigned frame_height, unsigned network_width,
                  unsigned network_height, bool maintain_aspect_ratio, bool symmetric_padding) {
  FrameFit fit;
  fit.source_width = frame_width & ~1U;
  fit.source_height = frame_height & ~1U;
  fit.scaled_width = network_width;
  fit.scaled_height = network_height;
  if (fit.source_width == 0 || fit.source_height == 0) return fit;
  if (maintain_aspect_ratio) {
    const double height = network_width * static_cast<double>(fit.source_height) / fit.source_width;
    const double width = network_height * static_cast<double>(fit.source_width) / fit.source_height;
    if (height <= network_height) {
      fit.scaled_height = static_cast<unsigned>(height);
    } else {
      fit.scaled_width = static_cast<unsigned>(width);
    }
    if (symmetric_padding) {
      fit.offset_left = (network_width - fit.scaled_width) / 2;
      fit.offset_top = (network_height - fit.scaled_height) / 2;
    }
  }
  fit.ratio_x = static_cast<double>(fit.scaled_width) / fit.source_width;
  fit.ratio_y = static_cast<double>(fit.scaled_height) / fit.source_height;
  return fit;
}

bool ClusteringIsApproximate(const PostprocessOptions& options) {
  if (options.cluster_mode != ClusterMode::kDbscan &&
      options.cluster_mode != ClusterMode::kDbscanNms) {
    return false;
  }
  return std::any_of(options.classes.begin(), options.classes.end(),
                     [](const ClassAttributes& attributes) { return attributes.min_boxes > 0; });
}

std::vector<NetworkObject> ClusterObjects(const std::vector<NetworkObject>& parsed,
                                          const PostprocessOptions& options) {
  Objects result;
  std::vector<Objects> lists = SplitByClass(parsed, options.classes);
  for (size_t c = 0; c < lists.size(); ++c) {
    const Objects kept =
        ClusterClass(std::move(lists[c]), options.cluster_mode, options.classes[c]);
    result.insert(result.end(), kept.begin(), kept.end());
  }
  return result;
}

std::vector<FrameObject> AttachToFrame(const std::vector<NetworkObject>& objects,
                                       const PostprocessOptions& options, const FrameFit& fit,
                                       unsigned frame_width, unsigned frame_height) {
  std::vector<FrameObject> attached;
  for (const NetworkObject& object : objects) {
    if (object.class_index >= options.classes.size()) continue;
    if (options.filter_out_class_ids.count(object.class_index) != 0) continue;
    const ClassAttributes& attributes = options.classes[object.class_index];
    FrameObject scaled = ScaleBack(object, fit);
    if (!PassesSizeFilters(scaled, attributes)) continue;
    if (!FitRegion(attributes, options.crop_objects_to_roi_boundary, frame_width, frame_height,
                   &scaled)) {
      continue;
    }
    attached.push_back(scaled);
  }
  return attached;
}

}  // namespace detect
}  // namespace edet
