// C++14.
#pragma once

#include <cstddef>
#include <string>

#include "parser/library/tensor_name.h"

namespace edet {
namespace parser {

enum class Contract { kAuto, kNms, kTensorFlow, kTao, kRows, kDecoded, kRaw };

enum class NmsKind { kGlobal, kBestPerClass, kPerClass };

// What the environment says, and where it is silent the file beside the library (option_file.h);
// read once when the library is loaded. A value that cannot be read is reported and ignored.
struct Options {
  // EDET_PARSER_CONTRACT = auto | nms | tensorflow | tao | rows | decoded | raw: what
  // NvDsInferParseEfficientDet takes the tensors for.
  Contract contract = Contract::kAuto;
  // EDET_PARSER_BOXES = yxyx | xyxy | xywh, pixels | normalized, or both with a comma between: what
  // the model's boxes are, whatever its tensors' names say.
  bool order_told = false, unit_told = false;
  BoxOrder order = BoxOrder::kYxyx;
  BoxUnit unit = BoxUnit::kPixels;
  // EDET_PARSER_CLASS_BASE = 0 | 1: the number of the first class. -1: the contract's own.
  int class_base = -1;
  // EDET_PARSER_INT16 = 1: tensors of counts and classes that the host calls HALF hold 16-bit whole
  // numbers. nvinferserver gives INT16 and UINT16 that type.
  bool half_is_int16 = false;
  // EDET_PARSER_FRAME = 1920x1080 or 1920x1080,symmetric: size of the source frames of a config
  // with maintain-aspect-ratio=1 (and symmetric-padding=1). Boxes are then clipped to the part of
  // the network input that shows the frame: nvinfer drops a box that reaches below it. 0: the whole
  // input.
  unsigned frame_width = 0, frame_height = 0;
  bool symmetric_padding = false;
  // For decoded and raw tensors only.
  // EDET_PARSER_NMS = automl (every anchor's best class, classes suppress each other: AutoML's
  // 'global') | best-per-class (the same, each class on its own: AutoML's 'per_class') | per-class
  // (every anchor x class pair, each class on its own: AutoML's 'combined', and EfficientNMS)
  NmsKind nms = NmsKind::kGlobal;
  float iou_threshold = 0.5F;  // EDET_PARSER_IOU
  float soft_sigma = 0.F;      // EDET_PARSER_SOFT_SIGMA, AutoML's value (0.5); 0: hard
  size_t max_objects = 100;    // EDET_PARSER_MAX_OBJECTS
  // EDET_PARSER_ANCHORS = a5_s3_r1-2-0.5_l3 (anchor_spec.h): raw heads of a model whose box tensor
  // does not tell its anchors. EDET_PARSER_ANCHOR_SCALE = 5 is short for a5. The family's: 4 for
  // d0-d6, d7x, lite3, lite4; 5 for d7; 3 for the other lites.
  std::string anchors;
};

const Options& OptionsOfEnvironment();

}  // namespace parser
}  // namespace edet
