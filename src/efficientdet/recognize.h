#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "checkpoint/checkpoint.h"
#include "efficientdet/hparams.h"
#include "efficientdet/variables.h"

namespace edet::efficientdet {

struct Recognition {
  // What the tensors say; where they say nothing, the values of the family member with the same
  // backbone, whose name it has.
  Hparams hparams;
  bool family_member = false;        // but for the number of classes, it is that member
  VariableDifference difference;     // from what `hparams` wants
  std::vector<std::string> reasons;  // one line each: what was concluded from what, or guessed
  std::optional<Error> refusal;      // it is no EfficientDet that can be built: what it is instead
};

// Which EfficientDet a checkpoint holds, one of the 15 models or any other, judged by the names and
// shapes of its variables alone; no data file is read. d6 and d7 have the same variables: d6 is
// taken and the reasons say so.
Recognition RecognizeModel(const checkpoint::Checkpoint& checkpoint);
// The same for a list of variables, by TensorFlow 1's names, without averages and slots.
Recognition RecognizeVariables(const std::map<std::string, graph::Shape>& stored);

struct FamilyDistance {
  std::string model_name;
  VariableDifference difference;
};
// How far a checkpoint is from each of the 15 models, with as many classes as it has; nearest
// first, equals in the family's order.
std::vector<FamilyDistance> CompareWithFamily(const checkpoint::Checkpoint& checkpoint);

}  // namespace edet::efficientdet
