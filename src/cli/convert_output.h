#pragma once

#include "cli/convert_choices.h"
#include "cli/convert_options.h"
#include "graph/graph.h"

namespace edet::cli {

// Writes the folder: model, configs, labels, parser library, edet.json. All under temporary names
// first: a failure leaves the folder as it was.
Status WriteFolder(graph::Graph graph, const ConvertOptions& options, const Conversion& conversion);

// On the screen, as text or (--json) as the content of edet.json.
void PrintResult(const ConvertOptions& options, const Conversion& conversion);

}  // namespace edet::cli
