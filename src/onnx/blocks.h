#pragma once

#include <string>
#include <vector>

#include "onnx/analysis.h"

namespace edet::onnx_format {

// The block that a node's name tells in the networks of EfficientDet, as any exporter keeps them:
// "stem", "blocks_3", "fpn cell 0 node 5", "class_net", ...; empty where it tells none.
std::string EfficientDetBlock(const std::string& node_name);

// Fills in `blocks`, and the `block` of each node, from names and connections.
void GroupIntoBlocks(ModelAnalysis& analysis);

}  // namespace edet::onnx_format
