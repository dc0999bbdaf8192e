// C++14, no dependencies beyond libstdc++. What TensorRT's EfficientNMS_TRT plugin computes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace edet {
namespace detect {

// The plugin's attributes with its defaults; names as in an ONNX node.
struct EfficientNmsOptions {
  float score_threshold = 0.25F;  // of the probability; at it or above is in
  float iou_threshold = 0.5F;     // at it or above suppresses
  int max_output_boxes = 100;
  int max_output_boxes_per_class = -1;  // below 0: no limit
  int background_class = -1;            // never put out; below 0: none
  bool score_activation = false;        // the scores are logits: sigmoid
  bool class_agnostic =
      false;           // boxes of other classes suppress too (candidates stay anchor x class pairs)
  int box_coding = 0;  // 0: corners, 1: centre and size (y, x, h, w, or x, y, w, h)
  // Only the best candidates take part: 5000, on Jetson TX1 and TX2 2000.
  size_t max_candidates = 5000;
};

// One image, borrowed.
struct EfficientNmsInputs {
  const float* boxes = nullptr;   // [anchors, box_classes, 4]
  const float* scores = nullptr;  // [anchors, classes]
  const float* anchors =
      nullptr;  // [anchors, 4] in the same coding, to decode the boxes with; null: boxes are boxes
  size_t num_anchors = 0;
  size_t num_classes = 0;
  size_t box_classes = 1;  // 1, or num_classes: a box of its own for each class
};

// One image; rows past num_detections are zero.
struct EfficientNmsOutputs {
  int32_t* num_detections = nullptr;  // [1]
  float* boxes = nullptr;   // [max_output_boxes, 4] corners, in the coordinate order of the input
  float* scores = nullptr;  // [max_output_boxes]
  int32_t* classes = nullptr;  // [max_output_boxes] 0-based
};

// Thread-safe. Equal scores: the lower anchor x class pair first (the plugin itself leaves their
// order open). Throws std::bad_alloc only.
void EfficientNms(const EfficientNmsInputs& inputs, const EfficientNmsOptions& options,
                  const EfficientNmsOutputs& outputs);

}  // namespace detect
}  // namespace edet
