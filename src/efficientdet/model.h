#pragma once

#include <string>

#include "base/result.h"
#include "efficientdet/hparams.h"
#include "efficientdet/postprocess.h"
#include "efficientdet/variables.h"
#include "graph/graph.h"

namespace edet::efficientdet {

enum class Layout { kNhwc, kNchw };

struct BuildOptions {
  Layout layout = Layout::kNhwc;
  int64_t batch = 1;  // images a run; graph::kDynamic: any number
  PostprocessGraph postprocess;
};

// Builds the whole network: input `input`, float32 RGB 0..255, [batch, height, width, 3] or [batch,
// 3, height, width]; normalisation, backbone, feature network, heads, and the chosen
// post-processing. Batch normalisation is folded. Errors: InvalidArgument for sizes that the
// network cannot have, Unsupported for combinations that cannot be said in ONNX, and whatever the
// source of variables meets (ask it afterwards).
Result<graph::Graph> BuildModel(const Hparams& hparams, VariableSource& variables,
                                const BuildOptions& options);

}  // namespace edet::efficientdet
