#pragma once

#include "checkpoint/checkpoint.h"
#include "cli/convert_choices.h"
#include "cli/convert_options.h"
#include "graph/graph.h"

namespace edet::cli {

// The network of a checkpoint with its weights, as Choose() decided; adds to conversion.reasons.
// Errors: those of reading weights, Findings (weights that are NaN and the like).
Result<graph::Graph> BuildGraph(const checkpoint::Checkpoint& checkpoint,
                                const ConvertOptions& options, Conversion& conversion);

}  // namespace edet::cli
