// Arguments that are computed: pads that are no weight, sizes out of shape arithmetic.
#include <fmt/format.h>

#include "check/causes.h"
#include "check/tables.h"
#include "deepstream/platforms.h"

namespace edet::check {
namespace {

bool WantsConstant(const ArgumentRule& rule, const std::string& version) {
  if (rule.until == "never" || rule.until == "always") return rule.until == "always";
  return deepstream::CompareVersions(Family(version), rule.until) <= 0;
}

// Constants that nodes make out of constants are folded before the parser asks.
void CheckArgument(const ModelIndex& index, const ::onnx::NodeProto& node, const ArgumentRule& rule,
                   Causes& causes) {
  if (node.input_size() <= rule.input || node.input(rule.input).empty()) return;
  const Source source = index.SourceOf(node.input(rule.input));
  if (source == Source::kConstant) return;
  if (WantsConstant(rule, causes.target().tensorrt)) {
    return causes.Add("computed-argument",
                      fmt::format("{} of {} must be a constant for TensorRT {}, and is computed",
                                  rule.name, rule.op, causes.target().tensorrt),
                      &node);
  }
  if (source == Source::kData) {
    causes.Add("data-argument", fmt::format("{} of {} depends on the picture", rule.name, rule.op),
               &node);
  }
}

}  // namespace

void CheckArguments(const ModelIndex& index, Causes& causes) {
  for (const auto* node : index.nodes()) {
    for (const ArgumentRule& rule : Parsers().arguments) {
      if (node->op_type() == rule.op) CheckArgument(index, *node, rule, causes);
    }
  }
}

}  // namespace edet::check
