#include "cli/convert_graph.h"

#include "efficientdet/check_weights.h"
#include "efficientdet/model.h"
#include "efficientdet/variables.h"

namespace edet::cli {

Result<graph::Graph> BuildGraph(const checkpoint::Checkpoint& checkpoint,
                                const ConvertOptions& options, Conversion& conversion) {
  efficientdet::CheckpointVariables variables(checkpoint, options.weights);
  conversion.uses_ema = variables.uses_ema();
  conversion.reasons.emplace_back(variables.uses_ema()
                                      ? "weights: the averaged values (ExponentialMovingAverage)"
                                      : "weights: the variables themselves (raw)");
  EDET_RETURN_IF_ERROR(variables.status());
  efficientdet::BuildOptions build;
  build.layout = options.layout;
  build.batch = options.batch;
  build.postprocess = {options.nms, conversion.semantics, options.score_threshold,
                       options.iou_threshold, options.max_detections};
  efficientdet::CheckedVariables checked(variables);
  Result<graph::Graph> graph = efficientdet::BuildModel(conversion.hparams, checked, build);
  EDET_RETURN_IF_ERROR(variables.status());
  Status weights =
      efficientdet::ReportBadWeights(checked.found(), checkpoint.summary().prefix.string());
  if (weights.ok()) return graph;
  if (!options.allow_nonfinite) return weights.error();
  conversion.reasons.push_back("NOTE " + weights.error().what);
  return graph;
}

}  // namespace edet::cli
