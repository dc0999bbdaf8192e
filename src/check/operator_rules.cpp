// Which operators the parser knows, and the plugins.
#include <fmt/format.h>

#include "check/causes.h"
#include "check/tables.h"
#include "deepstream/platforms.h"

namespace edet::check {
namespace {

using ::onnx::NodeProto;

constexpr const char* kPlugin = "EfficientNMS_TRT";

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

void CheckPlugin(const NodeProto& node, Causes& causes) {
  const std::string& op = node.op_type();
  const bool left = op == "EfficientNMS_ONNX_TRT" && !causes.TensorRtBefore("10.16");
  if (left || causes.TensorRtBefore("8.0")) {
    return causes.Add("plugin-absent",
                      fmt::format("TensorRT {} has no {}", causes.target().tensorrt, op), &node);
  }
  causes.Add("plugin-faulty", fmt::format("{} in TensorRT {}", op, causes.target().tensorrt),
             &node);
  causes.Add("plugin-deprecated", fmt::format("{} is used", op), &node);
  if (IntOf(node, "class_agnostic", 0) != 0)
    causes.Add("plugin-attribute", fmt::format("{} is told class_agnostic", op), &node);
}

void CheckOperator(const ModelIndex& index, const NodeProto& node, Causes& causes) {
  const std::string& op = node.op_type();
  const std::string& version = causes.target().tensorrt;
  if (op.rfind("EfficientNMS", 0) == 0) return CheckPlugin(node, causes);
  if (op == "NonMaxSuppression" && causes.TensorRtBefore("8.5")) {
    return causes.Add("nms-too-old", fmt::format("NonMaxSuppression, for TensorRT {}", version),
                      &node);
  }
  if (op == "If" || op == "Loop" || op == "Scan")
    causes.Add("control-flow", fmt::format("the network holds {}", op), &node);
  // The parser goes by the name alone, whatever the domain.
  const auto known = Parsers().operators.find(op);
  if (known != Parsers().operators.end()) {
    if (deepstream::CompareVersions(Family(version), known->second) >= 0) return;
    return causes.Add("operator-too-new",
                      fmt::format("{} came with TensorRT {}", op, known->second), &node);
  }
  if (index.HasFunction(node) && !causes.TensorRtBefore("9.0")) return;
  if (EndsWith(op, "_TRT"))
    return causes.Add("plugin-outside", fmt::format("{} is a plugin", op), &node);
  causes.Add("operator-unknown",
             fmt::format("TensorRT {} has no operator {}{}{}", version, node.domain(),
                         node.domain().empty() ? "" : "::", op),
             &node);
}

}  // namespace

void CheckOperators(const ModelIndex& index, Causes& causes) {
  const int64_t most = deepstream::NewestOpset(causes.target().tensorrt);
  if (index.opset() > most) {
    causes.Add("opset-too-new", fmt::format("opset {}; TensorRT {} is documented up to {}",
                                            index.opset(), causes.target().tensorrt, most));
  }
  for (const NodeProto* node : index.nodes()) CheckOperator(index, *node, causes);
  if (causes.TensorRtBefore("9.0")) return;  // the calls themselves are refused
  for (const NodeProto* node : index.function_nodes()) CheckOperator(index, *node, causes);
}

}  // namespace edet::check
