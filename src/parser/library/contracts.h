// C++14. The layouts of output tensors that the library reads, one function for each.
#pragma once

#include <string>

#include "parser/library/object_list.h"
#include "parser/library/options.h"
#include "parser/library/tensor.h"

namespace edet {
namespace parser {

// What one call has in hand.
struct Frame {
  const Layers& layers;
  const abi::NetworkInfo& network;
  const Options& options;
  ObjectList& objects;
};

// Which contract the tensors' names and shapes speak for; kAuto where none.
Contract Recognise(const Layers& layers);

// EfficientNMS_TRT's four tensors: num_detections [1], detection_boxes [M, 4] y1,x1,y2,x2 network
// pixels (detection_boxes_xyxy, det_boxes: x1,y1,x2,y2), detection_scores [M], detection_classes
// [M] 0-based. Boxes and scores FLOAT or HALF, counts and classes of any type.
void ParseNms(const Frame& frame);

// AutoML's rows: one tensor [M, 7], FLOAT or HALF: image_id, ymin, xmin, ymax, xmax, score, class
// (1-based), boxes in network pixels. Rows of score 0 are padding.
void ParseRows(const Frame& frame);

// boxes [A, 4] y1,x1,y2,x2 network pixels and scores [A, C], FLOAT or HALF; the NMS is done here.
void ParseDecoded(const Frame& frame);

// class_logits [A, C] and box_deltas [A, 4] in AutoML's anchor order (level, y, x, scale, aspect),
// FLOAT or HALF; anchors are made for the network's size, sigmoid, decoding and NMS are done here.
void ParseRaw(const Frame& frame);

// Reports tensors that are not those of a contract: what was expected, what was found.
void ReportLayout(const Layers& layers, const char* expected);

// A view of a FLOAT or HALF tensor; reports it where the tensor has another type or no buffer.
FloatView ViewFloats(const abi::LayerInfo& layer);

}  // namespace parser
}  // namespace edet
