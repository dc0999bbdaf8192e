#include "repair/repair.h"

#include <algorithm>
#include <utility>

#include "base/nearest.h"
#include "graph/fold_batch_norm.h"
#include "graph/infer_shapes.h"
#include "graph/remove_identities.h"
#include "graph/remove_unused.h"
#include "graph/rewrite.h"
#include "graph/simplify_views.h"
#include "repair/repairs.h"

namespace edet::repair {
namespace {

Result<int> Names(Subject& subject) { return graph::MakeNamesUnique(subject.graph); }

Result<int> Identities(Subject& subject) {
  int removed = graph::RemoveIdentities(subject.graph);
  graph::InferShapes(subject.graph);
  return removed;
}

Result<int> Views(Subject& subject) {
  int before = static_cast<int>(subject.graph.nodes.size());
  while (graph::SimplifyViews(subject.graph) > 0) graph::InferShapes(subject.graph);
  return before - static_cast<int>(subject.graph.nodes.size());
}

Result<int> BatchNorm(Subject& subject) {
  int folded = graph::FoldBatchNorm(subject.graph);
  graph::RemoveUnused(subject.graph);
  return folded;
}

Result<int> Unused(Subject& subject) { return graph::RemoveUnused(subject.graph); }

struct Repair {
  const char* name;
  const char* what;
  const char* reason;
  Result<int> (*apply)(Subject&);
};

// In the order in which they run: each may build on those before it.
constexpr Repair kRepairs[] = {
    {"names", "names that are missing or used twice", "engines address tensors by name", Names},
    {"upsample", "Upsample and old Resize -> Resize", "Upsample is gone from ONNX since opset 10",
     RepairUpsample},
    {"image-size", "an input of any size -> the network's own",
     "in-graph scaling and padding need shapes that TensorRT cannot compute, and nvinfer wants to "
     "know height and width",
     RepairImageSize},
    {"integer-input", "integer image input -> float32",
     "TensorRT before 8.5 refuses uint8, and nvinfer always writes float32 into the input",
     RepairIntegerInput},
    {"layout", "NHWC image input -> NCHW (--layout nchw)",
     "nvinfer before DeepStream 6.0 cannot feed NHWC", RepairLayout},
    {"computed-arguments", "computed shapes, pads, sizes, K -> constants",
     "TensorRT wants pads as constants before 8.2, Resize's before 8.4, TopK's before 8.6",
     RepairComputedArguments},
    {"identities", "operators that change nothing go", "a smaller graph, fewer surprises",
     Identities},
    {"transposes", "NHWC <-> NCHW and back cancelled, chains of Reshape made one",
     "each one that stays may be a copy on the GPU", Views},
    {"batch-norm", "BatchNormalization folded into convolutions",
     "a smaller graph, and one rounding less", BatchNorm},
    {"padding", "auto_pad -> explicit pads", "each engine works auto_pad out for itself",
     RepairPadding},
    {"fractional-resize", "nearest Resize by a fraction -> constant indices",
     "engines round such scales in different ways: 3 places become 4 or 5", RepairFractionalResize},
    {"batch", "another number of images a run (--batch)",
     "nvinfer runs as many images as its batch-size says", RepairBatch},
    {"nms-tail", "TensorFlow's NMS -> the chosen --nms",
     "TensorFlow's leads through operators of unknown shape, which TensorRT refuses",
     RepairNmsTail},
    {"integer-outputs", "int64 outputs -> int32",
     "nvinfer before DeepStream 7.1 refuses engines with int64 outputs", RepairIntegerOutputs},
    {"unused", "nodes that lead nowhere go", "a smaller graph", Unused},
};

bool Contains(const std::vector<std::string>& names, const char* name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Status CheckNames(const std::vector<std::string>& asked, const char* option) {
  std::vector<std::string> known;
  for (const Repair& repair : kRepairs) known.emplace_back(repair.name);
  for (const std::string& name : asked) {
    if (Contains(known, name.c_str())) continue;
    std::vector<std::string> nearest = NearestNames(name, known);
    return Error{ErrorCode::kInvalidArgument, "no repair is called '" + name + "'", option,
                 nearest.empty() ? "--list names them" : "did you mean " + nearest[0] + "?"};
  }
  return {};
}

bool Asked(const RepairOptions& options, const char* name) {
  bool among = options.only.empty() || Contains(options.only, name);
  return among && !Contains(options.skip, name);
}

}  // namespace

std::vector<RepairInfo> AllRepairs() {
  std::vector<RepairInfo> all;
  for (const Repair& repair : kRepairs) all.push_back({repair.name, repair.what, repair.reason});
  return all;
}

Result<Report> RepairGraph(graph::Graph& graph, const RepairOptions& options) {
  EDET_RETURN_IF_ERROR(CheckNames(options.only, "--only"));
  EDET_RETURN_IF_ERROR(CheckNames(options.skip, "--skip"));
  Report report;
  Subject subject{graph, options, {}, {}, {}, true};
  graph::InferShapes(graph);
  for (const Repair& repair : kRepairs) {
    if (!Asked(options, repair.name)) continue;
    Step step;
    step.name = repair.name;
    step.reason = repair.reason;
    step.nodes_before = graph.nodes.size();
    subject.notes.clear();
    EDET_ASSIGN_OR_RETURN(step.changes, repair.apply(subject));
    step.nodes_after = graph.nodes.size();
    step.notes = std::move(subject.notes);
    report.steps.push_back(std::move(step));
  }
  graph::MakeNamesUnique(graph);
  graph::InferShapes(graph);
  report.left = std::move(subject.left);
  for (std::string& line : ComputedArgumentsLeft(graph)) report.left.push_back(std::move(line));
  report.same_rules = subject.same_rules;
  report.landmarks = std::move(subject.landmarks);
  return report;
}

}  // namespace edet::repair
