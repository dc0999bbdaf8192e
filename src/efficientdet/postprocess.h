#pragma once

#include <vector>

#include "base/result.h"
#include "efficientdet/heads.h"
#include "efficientdet/hparams.h"
#include "efficientdet/layers.h"

namespace edet::efficientdet {

// What follows the heads in the graph (N images, perhaps free; A anchors, M = max_detections; boxes
// ymin, xmin, ymax, xmax in network pixels):
enum class NmsKind {
  kPlugin,  // EfficientNMS_TRT: num_detections [N, 1] int32, detection_boxes [N, M, 4],
            // detection_scores [N, M], detection_classes [N, M] int32, 0-based; boxes not clipped
  kOnnx,    // the same four tensors by ONNX's own operators; boxes clipped to the input
  kRows,    // AutoML's `detections` [N, M, 7]: image_id (the place in the batch), ymin, xmin, ymax,
            // xmax, score, class (1-based)
  kDecoded,  // boxes [N, A, 4] and scores [N, A, C] after the sigmoid
  kNone,     // class_logits [N, A, C] and box_deltas [N, A, 4]
};

// The plugin takes boxes whose score is at the threshold and suppresses at an IoU of it, where ONNX
// and AutoML take those above; and it looks at the best 5,000 candidates only.
enum class NmsSemantics {
  kAutoml,    // one class an anchor (the best), classes suppress each other: AutoML's 'global'. The
              // plugin needs its attribute class_agnostic for it: TensorRT 8.6
  kPerClass,  // each class on its own, an anchor may appear with several: AutoML's 'combined', and
              // EfficientNMS_TRT
};

struct PostprocessGraph {
  NmsKind kind = NmsKind::kPlugin;
  NmsSemantics semantics = NmsSemantics::kPerClass;
  float score_threshold = 0.4F;
  float iou_threshold = 0.5F;
  int max_detections = 100;
};

// What boxes are measured against.
struct BoxFrame {
  // Every anchor as ymin, xmin, ymax, xmax in network pixels, [A, 4], in the heads' order.
  std::vector<float> anchor_corners;
  int image_height = 0, image_width = 0;  // network input, pixels: where clipped boxes end
};
BoxFrame BoxFrameOf(const Hparams& hparams);

// Adds it and marks the graph's outputs. Every kind takes both semantics and any batch, a free one
// too; each image has the detections, in the order, that it has alone. Errors: InvalidArgument.
Status AddPostprocess(Layers& layers, const RawHeads& heads, const BoxFrame& frame,
                      const PostprocessGraph& options);

}  // namespace edet::efficientdet
