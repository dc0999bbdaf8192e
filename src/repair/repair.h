// Networks from elsewhere, made fit for TensorRT and DeepStream: named repairs, each of which says
// what it did and why.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "efficientdet/postprocess.h"
#include "graph/graph.h"

namespace edet::repair {

struct ImageSize {
  int64_t height = 0, width = 0;  // pixels
};

struct RepairOptions {
  std::vector<std::string> only;  // names of repairs; empty: all
  std::vector<std::string> skip;
  // The network input's size, for networks that take any.
  std::optional<ImageSize> image_size;
  // Images a run (graph::kDynamic: any number); nothing: as the file has it.
  std::optional<int64_t> batch;
  bool nchw = false;  // the image input becomes N, channels, height, width
  // What takes the place of TensorFlow's NMS, or of EfficientNMS_TRT; nothing: AutoML's rows for
  // TensorFlow's, and EfficientNMS_TRT stays.
  std::optional<efficientdet::NmsKind> nms;
  std::optional<efficientdet::NmsSemantics> semantics;
  // Nothing: as the file's NMS has them.
  std::optional<float> score_threshold, iou_threshold;
  std::optional<int> max_detections;
};

// What one repair did. Notes are whole sentences for people.
struct Step {
  std::string name;
  std::string reason;  // why TensorRT or DeepStream need it
  int changes = 0;     // places in the graph
  size_t nodes_before = 0, nodes_after = 0;
  std::vector<std::string> notes;
};

// A tensor that the network had before and has after the repairs: where both can be compared.
struct Landmark {
  std::string before, after;  // its name
};

struct Report {
  std::vector<Step> steps;        // those that were asked for, in the order in which they ran
  std::vector<std::string> left;  // what was not understood and stays as it was
  std::vector<Landmark> landmarks;
  // False where detections are chosen by other rules than before: other thresholds or semantics as
  // asked, or EfficientNMS_TRT on one side (its best 5,000 candidates, its way with ties).
  bool same_rules = true;
};

// A repair's name, what it does, and why.
struct RepairInfo {
  std::string name, what, reason;
};
std::vector<RepairInfo> AllRepairs();

// Repairs a graph in the forms of opset 13 to 17. Nothing is computed otherwise than before, but
// for what a step's notes say; what a repair does not understand it leaves. Errors: InvalidArgument
// (a name in only or skip that no repair has, options that contradict the file).
Result<Report> RepairGraph(graph::Graph& graph, const RepairOptions& options);

}  // namespace edet::repair
