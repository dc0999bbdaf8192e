#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace edet::efficientdet {

// The labels that AutoML's hyperparameter label_map gives: one line a model class, in the order of
// the classes (class id i, from 1, is line i). `hparams` is what ReadHparams takes: a .yaml file,
// or k=v,k=v. label_map is a mapping of ids to names, or the path of a .yaml file that holds one
// (looked for beside the hyperparameters' file first). Ids without a name become "class_<id>"; ';'
// and line breaks in names, which end a label for nvinfer, become spaces. Empty where there is no
// label_map, or one of AutoML's own names such as 'coco'. Errors: InvalidArgument for ids that are
// not 1 to num_classes.
Result<std::optional<std::vector<std::string>>> LabelsOfHparams(const std::string& hparams,
                                                                int num_classes);

}  // namespace edet::efficientdet
