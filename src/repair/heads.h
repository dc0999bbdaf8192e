// Where a detection network's heads end and its post-processing begins.
#pragma once

#include <string>
#include <vector>

#include "efficientdet/postprocess.h"
#include "graph/graph.h"

namespace edet::repair {

// TensorFlow's post-processing in a graph (one NonMaxSuppression), or EfficientNMS_TRT: what it is
// fed, and what it does with that.
struct Tail {
  bool plugin = false;                            // EfficientNMS_TRT
  graph::ValueId class_logits = graph::kNoValue;  // [N, A, C], before the sigmoid
  graph::ValueId box_deltas = graph::kNoValue;    // [N, A, 4]: ty, tx, th, tw
  std::vector<float> anchor_corners;              // [A, 4]: ymin, xmin, ymax, xmax, network pixels
  bool automl_anchors = false;                    // they are AutoML's, to the last bit
  std::string anchor_note;                        // for people
  efficientdet::NmsSemantics semantics = efficientdet::NmsSemantics::kAutoml;
  float score_threshold = 0.F, iou_threshold = 0.5F;
  int max_detections = 100;
};

// Finds the tail. False with the reason in `why` where there is none, or one that is not
// understood: nothing is guessed. How boxes are decoded is not read off the nodes but tried: deltas
// of zero must give the anchors, and others what AutoML's formula makes of them.
bool FindTail(const graph::Graph& graph, Tail& tail, std::string& why);

}  // namespace edet::repair
