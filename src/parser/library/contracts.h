// C++14. The layouts of output tensors that the library reads, one function for each.
#pragma once

#include "parser/library/object_list.h"
#include "parser/library/options.h"
#include "parser/library/tensor.h"
#include "parser/library/tensor_name.h"

namespace edet {
namespace parser {

// One frame's tensors, and the first of each role with what its name says.
struct NamedLayers {
  explicit NamedLayers(const Layers& layers);
  const abi::LayerInfo* operator[](Role role) const { return tensor[static_cast<int>(role)]; }
  const TensorName& Name(Role role) const { return name[static_cast<int>(role)]; }
  bool has(Role role) const { return (*this)[role] != nullptr; }

  const Layers& layers;
  const abi::LayerInfo* tensor[static_cast<int>(Role::kRoles)] = {};
  TensorName name[static_cast<int>(Role::kRoles)];
};

// What one call has in hand.
struct Frame {
  const NamedLayers& tensors;
  const Options& options;
  ObjectList& objects;
};

// Which contract the tensors' names, shapes and types speak for; kAuto where none.
Contract Recognise(const NamedLayers& tensors);

// Four tensors after the NMS: a count [1], boxes [M, 4], scores [M] and classes [M]; boxes and
// scores FLOAT or HALF, count and classes of any type.
// kNms, kTao: EfficientNMS_TRT's; boxes y1,x1,y2,x2 network pixels, classes 0-based.
// kTensorFlow: the object-detection API's; boxes y1,x1,y2,x2 as parts of the input, classes
// 1-based; without a count, as TensorRT before 8.6 hands it, every row of a score above 0 is real.
// A box tensor's name (detection_boxes_xyxy, ..._normalized) and the options may tell otherwise.
void ParseFourTensors(Contract contract, const Frame& frame);

// AutoML's rows: one tensor [M, 7], FLOAT or HALF: image_id, ymin, xmin, ymax, xmax, score, class
// (1-based), boxes in network pixels (detections_xyxy, detections_xywh and options: in that order).
// Rows of score 0 are padding.
void ParseRows(const Frame& frame);

// boxes [A, 4] y1,x1,y2,x2 network pixels and scores [A, C], FLOAT or HALF; the NMS is done here.
void ParseDecoded(const Frame& frame);

// class_logits [A, C] and box_deltas [A, 4] in AutoML's anchor order (level, y, x, scale, aspect),
// or a pair of tensors for each level, [H, W, anchors * C] or [anchors * C, H, W]; FLOAT or HALF.
// Anchors are made for the network's size, sigmoid, decoding and NMS are done here.
void ParseRaw(const Frame& frame);

// How a tensor's boxes are to be read: the options first, then its name, then `unit`.
struct BoxFormat {
  BoxFormat(const TensorName& name, BoxUnit unit, const Frame& frame);
  // Four numbers as x1,y1,x2,y2 network pixels.
  Floats4 Corners(Floats4 box) const {
    if (order == BoxOrder::kYxyx) box = SwapPairs(box);
    if (order == BoxOrder::kXywh) box = box + Floats4{0.F, 0.F, box[0], box[1]};
    return box * scale;
  }
  BoxOrder order;
  bool pixels;
  Floats4 scale;
};

// Reports tensors that are not those of a contract: what was expected, what was found.
void ReportLayout(const Layers& layers, const char* expected);

// A view of a FLOAT or HALF tensor; reports it where the tensor has another type or no buffer.
FloatView ViewFloats(const abi::LayerInfo& layer);

}  // namespace parser
}  // namespace edet
