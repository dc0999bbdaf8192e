#pragma once

#include <string>
#include <vector>

namespace edet::efficientdet {

// One line a model class, in the order of the classes (0-based model class c is line c + 1). For 90
// classes these are COCO's names, where the ten ids that COCO does not use are called
// "unused_<id>": a blank line would be skipped by nvinfer and shift every later class. For other
// numbers: "class_1" and so on (AutoML's ids begin at 1).
std::vector<std::string> DefaultLabels(int num_classes);

}  // namespace edet::efficientdet
