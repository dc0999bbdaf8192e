#include "compare/network.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "onnx/read_graph.h"
#include "repair/repair.h"

namespace edet::compare {
namespace {

constexpr const char* kLogits = "class_logits";
constexpr const char* kDeltas = "box_deltas";

// A dimension of a stated shape; 0 for a symbol.
int64_t Fixed(const std::string& dimension) {
  constexpr size_t kLongest = 9;
  bool number = !dimension.empty() && dimension.size() <= kLongest &&
                dimension.find_first_not_of("0123456789") == std::string::npos;
  return number ? std::strtoll(dimension.c_str(), nullptr, 10) : 0;
}

// Which of four dimensions are the image's: 1 or 3 has three channels.
bool SetImage(const std::vector<int64_t>& shape, Network& network) {
  if (shape.size() != 4 || (shape[3] != 3 && shape[1] != 3)) return false;
  network.channels_last = shape[3] == 3;
  size_t at = network.channels_last ? 1 : 2;
  network.height = std::max<int64_t>(shape[at], 0);
  network.width = std::max<int64_t>(shape[at + 1], 0);
  return true;
}

// From what the file states, else from what repair found out by carrying out the graph's own
// preprocessing.
Status FindImage(Network& network) {
  const auto& inputs = network.outline.inputs;
  Error none{ErrorCode::kUnsupported, "the model has no single image input", network.path.string(),
             "an input of three channels is wanted"};
  if (inputs.size() != 1) return none;
  network.input = inputs[0].name;
  network.integer_input = inputs[0].type.find("int") != std::string::npos;
  std::vector<int64_t> stated;
  for (const std::string& dimension : inputs[0].shape) stated.push_back(Fixed(dimension));
  bool found = SetImage(stated, network);
  bool complete = found && network.height > 0 && network.width > 0;
  if (complete || !network.graph || network.graph->inputs.size() != 1)
    return found ? Status() : Status(none);
  found = SetImage(network.graph->shape(network.graph->inputs[0]), network) || found;
  return found ? Status() : Status(none);
}

void CollectTensors(const graph::Graph& graph, std::unordered_set<std::string>& tensors) {
  for (const graph::Node& node : graph.nodes)
    for (graph::ValueId id : node.outputs)
      if (id != graph::kNoValue) tensors.insert(graph.value(id).name);
}

// Heads that repair found above an NMS, or that have our own names.
void FindHeads(const repair::Report& report, Network& network) {
  for (const repair::Landmark& landmark : report.landmarks)
    if (network.tensors.count(landmark.before) == 1)
      network.heads[landmark.after == kLogits || landmark.after == kDeltas ? landmark.after : ""] =
          landmark.before;
  network.heads.erase("");
  for (const char* name : {kLogits, kDeltas})
    if (network.tensors.count(name) == 1) network.heads.emplace(name, name);
}

Status ReadStructure(Network& network) {
  EDET_ASSIGN_OR_RETURN(onnx_format::ForeignModel model, onnx_format::ReadGraph(network.path));
  CollectTensors(model.graph, network.tensors);
  repair::RepairOptions options;
  options.nms = efficientdet::NmsKind::kNone;
  EDET_ASSIGN_OR_RETURN(repair::Report report, repair::RepairGraph(model.graph, options));
  network.graph = std::move(model.graph);
  FindHeads(report, network);
  return {};
}

}  // namespace

Result<Network> ReadNetwork(const std::filesystem::path& path) {
  Network network;
  network.path = path;
  EDET_ASSIGN_OR_RETURN(network.outline, onnx_format::ReadOutline(path));
  Status structure = ReadStructure(network);
  bool only_strange = !structure.ok() && structure.error().code == ErrorCode::kUnsupported;
  if (!structure.ok() && !only_strange) return structure.error();
  if (only_strange) network.why_not = structure.error().ToString();
  EDET_RETURN_IF_ERROR(FindImage(network));
  return network;
}

}  // namespace edet::compare
