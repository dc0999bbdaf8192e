// auto_pad, which each engine works out anew, becomes explicit padding.
#include "graph/infer_shapes.h"
#include "repair/repairs.h"

namespace edet::repair {
using graph::Graph;
using graph::Node;
namespace {

// Pads of every spatial axis, begins first; empty where sizes are unknown.
std::vector<int64_t> ExplicitPads(const Graph& graph, const Node& node, bool upper) {
  const graph::Value& x = graph.value(node.inputs[0]);
  std::vector<int64_t> kernel = IntsAttribute(node, "kernel_shape");
  if (kernel.empty() && node.op == "Conv" && node.inputs.size() > 1) {
    const graph::Shape& weights = graph.shape(node.inputs[1]);
    if (weights.size() > 2) kernel.assign(weights.begin() + 2, weights.end());
  }
  size_t spatial = kernel.size();
  std::vector<int64_t> ones(spatial, 1), strides = IntsAttribute(node, "strides", ones),
                                         dilations = IntsAttribute(node, "dilations", ones);
  bool known = x.shape_known && spatial > 0 && x.shape.size() == spatial + 2 &&
               strides.size() == spatial && dilations.size() == spatial;
  if (!known) return {};
  std::vector<int64_t> pads(2 * spatial);
  for (size_t i = 0; i < spatial; ++i) {
    int64_t size = x.shape[i + 2], stride = strides[i];
    constexpr int64_t kMost = 1 << 20;
    bool sane = size > 0 && size < kMost && stride > 0 && stride < kMost && kernel[i] > 0 &&
                kernel[i] < kMost && dilations[i] > 0 && dilations[i] < kMost;
    if (!sane) return {};
    int64_t extent = dilations[i] * (kernel[i] - 1) + 1;
    int64_t total =
        std::max<int64_t>(((size + stride - 1) / stride - 1) * stride + extent - size, 0);
    pads[i] = upper ? total / 2 : total - total / 2;
    pads[i + spatial] = total - pads[i];
  }
  return pads;
}

}  // namespace

Result<int> RepairPadding(Subject& subject) {
  int changed = 0;
  for (Node& node : subject.graph.nodes) {
    bool windowed = node.op == "Conv" || node.op == "MaxPool" || node.op == "AveragePool";
    if (!windowed || !node.domain.empty() || node.inputs.empty()) continue;
    std::string how = StringAttribute(node, "auto_pad", "NOTSET");
    if (how == "NOTSET" || how.empty()) continue;
    std::vector<int64_t> pads;
    if (how == "SAME_UPPER" || how == "SAME_LOWER")
      pads = ExplicitPads(subject.graph, node, how == "SAME_UPPER");
    if (pads.empty() && how != "VALID") continue;
    node.attributes.erase("auto_pad");
    if (!pads.empty()) node.attributes["pads"] = std::move(pads);
    ++changed;
  }
  return changed;
}

}  // namespace edet::repair
