#include "efficientdet/variables.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>

#include "efficientdet/model.h"

namespace edet::efficientdet {
namespace {

std::string ShapeText(const graph::Shape& shape) {
  std::ostringstream text;
  text << '[';
  for (size_t i = 0; i < shape.size(); ++i) text << (i > 0 ? ", " : "") << shape[i];
  text << ']';
  return text.str();
}

bool HasAnyEma(const checkpoint::Checkpoint& checkpoint) {
  return checkpoint.summary().ema_shadows > 0;
}

// Tensors without values: all that a comparison needs.
graph::Tensor ShapeOnly(const graph::Shape& shape) {
  return {graph::ElementType::kFloat32, shape, {}, {}};
}

}  // namespace

graph::Tensor VariableList::Read(const std::string& name, const graph::Shape& shape) {
  variables_.emplace(name, shape);
  return ShapeOnly(shape);
}

CheckpointVariables::CheckpointVariables(const checkpoint::Checkpoint& checkpoint,
                                         WeightChoice choice)
    : checkpoint_(checkpoint),
      use_ema_(choice == WeightChoice::kEma ||
               (choice == WeightChoice::kAuto && HasAnyEma(checkpoint))) {
  if (use_ema_ && !HasAnyEma(checkpoint)) {
    status_ = Error{ErrorCode::kNotFound, "the checkpoint holds no averaged values",
                    checkpoint.summary().prefix.string(),
                    "take --weights raw: it was trained or exported without moving averages"};
  }
}

graph::Tensor CheckpointVariables::Read(const std::string& name, const graph::Shape& shape) {
  if (!status_.ok()) return ShapeOnly(shape);
  std::string stored = use_ema_ ? checkpoint::Checkpoint::EmaName(name) : name;
  const checkpoint::TensorEntry* entry = checkpoint_.Find(stored);
  if (entry == nullptr) {
    status_ = Error{ErrorCode::kNotFound, "the checkpoint has no tensor '" + stored + "'",
                    checkpoint_.summary().prefix.string(),
                    use_ema_ ? "take --weights raw to do without averages" : ""};
    return ShapeOnly(shape);
  }
  if (entry->shape != shape) {
    status_ = Error{ErrorCode::kCorrupt,
                    "tensor '" + stored + "' has the shape " + ShapeText(entry->shape) +
                        " where the model wants " + ShapeText(shape),
                    checkpoint_.summary().prefix.string(), ""};
    return ShapeOnly(shape);
  }
  Result<std::vector<float>> values = checkpoint_.ReadFloats(stored);
  if (!values.ok()) {
    status_ = values.error();
    return ShapeOnly(shape);
  }
  return {graph::ElementType::kFloat32, shape, std::move(values).value(), {}};
}

std::map<std::string, graph::Shape> WantedVariables(const Hparams& hparams) {
  VariableList list;
  BuildOptions options;
  options.postprocess.kind = NmsKind::kNone;
  Result<graph::Graph> plan = BuildModel(hparams, list, options);
  if (!plan.ok()) return {};
  return list.variables();
}

std::map<std::string, graph::Shape> StoredVariables(const checkpoint::Checkpoint& checkpoint) {
  std::map<std::string, graph::Shape> stored;
  for (const std::string& name : checkpoint.BaseVariables())
    stored.emplace(name, checkpoint.Find(name)->shape);
  return stored;
}

VariableDifference CompareVariables(const checkpoint::Checkpoint& checkpoint,
                                    const Hparams& hparams) {
  return CompareVariables(StoredVariables(checkpoint), hparams);
}

VariableDifference CompareVariables(const std::map<std::string, graph::Shape>& stored,
                                    const Hparams& hparams) {
  std::map<std::string, graph::Shape> wanted = WantedVariables(hparams);
  VariableDifference difference;
  for (const auto& [name, shape] : stored) {
    auto found = wanted.find(name);
    if (found == wanted.end()) {
      difference.extra.push_back(name);
      continue;
    }
    if (shape != found->second) {
      difference.wrong_shape.push_back(name + ": " + ShapeText(shape) + " instead of " +
                                       ShapeText(found->second));
    }
    wanted.erase(found);
  }
  for (const auto& [name, shape] : wanted) difference.missing.push_back(name);
  return difference;
}

int NumClassesOf(const checkpoint::Checkpoint& checkpoint, int num_anchors) {
  const checkpoint::TensorEntry* bias = checkpoint.Find("class_net/class-predict/bias");
  if (bias == nullptr || bias->shape.size() != 1 || bias->shape[0] < num_anchors ||
      num_anchors < 1 || bias->shape[0] % num_anchors != 0 ||
      bias->shape[0] / num_anchors > 100000) {
    return 0;
  }
  return static_cast<int>(bias->shape[0] / num_anchors);
}

}  // namespace edet::efficientdet
