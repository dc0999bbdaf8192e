// C++14.
#pragma once

#include <cstddef>

namespace edet {
namespace parser {

enum class Contract { kAuto, kNms, kRows, kDecoded, kRaw };

// What the environment says, read once when the library is loaded. A value that cannot be read is
// reported and ignored.
struct Options {
  // EDET_PARSER_CONTRACT = auto | nms | rows | decoded | raw: what NvDsInferParseEfficientDet takes
  // the tensors for.
  Contract contract = Contract::kAuto;
  // EDET_PARSER_FRAME = 1920x1080 or 1920x1080,symmetric: size of the source frames of a config
  // with maintain-aspect-ratio=1 (and symmetric-padding=1). Boxes are then clipped to the part of
  // the network input that shows the frame: nvinfer drops a box that reaches below it. 0: the whole
  // input.
  unsigned frame_width = 0, frame_height = 0;
  bool symmetric_padding = false;
  // For decoded and raw tensors only.
  bool per_class = false;      // EDET_PARSER_NMS = automl | per-class
  float iou_threshold = 0.5F;  // EDET_PARSER_IOU
  float soft_sigma = 0.F;      // EDET_PARSER_SOFT_SIGMA, AutoML's value (0.5); 0: hard
  size_t max_objects = 100;    // EDET_PARSER_MAX_OBJECTS
  float anchor_scale = 4.F;  // EDET_PARSER_ANCHOR_SCALE: 4 for d0-d6, d7x, lite3, lite4; 5 for d7;
                             // 3 for the other lites
};

const Options& OptionsOfEnvironment();

}  // namespace parser
}  // namespace edet
