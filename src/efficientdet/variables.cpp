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

VariableDifference CompareVariables(const checkpoint::Checkpoint& checkpoint,
                                    const Hparams& hparams) {
  std::map<std::string, graph::Shape> wanted = WantedVariables(hparams);
  VariableDifference difference;
  for (const std::string& name : checkpoint.BaseVariables()) {
    auto found = wanted.find(name);
    if (found == wanted.end()) {
      difference.extra.push_back(name);
      continue;
    }
    const graph::Shape& shape = checkpoint.Find(name)->shape;
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

Recognition RecognizeModel(const checkpoint::Checkpoint& checkpoint) {
  Recognition best;
  bool found = false;
  for (Hparams model : AllModels()) {
    int num_classes = NumClassesOf(checkpoint, model.num_anchors());
    if (num_classes > 0) model.num_classes = num_classes;
    VariableDifference difference = CompareVariables(checkpoint, model);
    if (found && difference.size() >= best.difference.size()) continue;
    found = true;
    best.hparams = model;
    best.difference = std::move(difference);
  }
  const Hparams& h = best.hparams;
  size_t count = WantedVariables(h).size();
  best.reasons.push_back(best.difference.empty()
                             ? "model " + h.model_name + ": all " + std::to_string(count) +
                                   " variables match by name and shape"
                             : "nearest model " + h.model_name + ": " +
                                   std::to_string(best.difference.size()) + " of " +
                                   std::to_string(count) + " variables differ");
  if (h.model_name == "efficientdet-d6") {
    best.reasons.emplace_back(
        "efficientdet-d7 has the same variables at 1536x1536 and anchor scale 5: say --model d7 if "
        "it is that");
  }
  if (int classes = NumClassesOf(checkpoint, h.num_anchors()); classes > 0) {
    best.reasons.push_back(std::to_string(classes) + " classes: class_net/class-predict/bias has " +
                           std::to_string(classes * h.num_anchors()) + " values for " +
                           std::to_string(h.num_anchors()) + " anchors a place");
  }
  return best;
}

}  // namespace edet::efficientdet
