#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "checkpoint/checkpoint.h"
#include "efficientdet/hparams.h"
#include "graph/graph.h"

namespace edet::efficientdet {

// Where a builder gets the values of its variables from. Names are those of TensorFlow 1; shapes
// and the order of the values are TensorFlow's (convolution kernels: height, width, in, out). One
// thread.
class VariableSource {
 public:
  virtual ~VariableSource() = default;
  // A tensor of exactly this shape. Where the variable is not to be had the source remembers why
  // and returns a tensor without values.
  virtual graph::Tensor Read(const std::string& name, const graph::Shape& shape) = 0;
};

// Notes which variables are asked for, and has no values.
class VariableList : public VariableSource {
 public:
  graph::Tensor Read(const std::string& name, const graph::Shape& shape) override;
  const std::map<std::string, graph::Shape>& variables() const { return variables_; }

 private:
  std::map<std::string, graph::Shape> variables_;
};

enum class WeightChoice {
  kAuto,  // the averaged values (EMA) where the checkpoint has them
  kEma,   // the averaged values, or an error
  kRaw,   // the variables themselves
};

// Reads out of a checkpoint, which must outlive it.
class CheckpointVariables : public VariableSource {
 public:
  CheckpointVariables(const checkpoint::Checkpoint& checkpoint, WeightChoice choice);
  graph::Tensor Read(const std::string& name, const graph::Shape& shape) override;
  bool uses_ema() const { return use_ema_; }
  // The first failure of Read: a missing variable, a wrong shape, damaged data.
  Status status() const { return status_; }

 private:
  const checkpoint::Checkpoint& checkpoint_;
  bool use_ema_;
  Status status_;
};

// Every variable that the model's graph reads, with its shape.
std::map<std::string, graph::Shape> WantedVariables(const Hparams& hparams);

// How far a set of variables is from what a model wants.
struct VariableDifference {
  std::vector<std::string> missing;      // wanted and not there
  std::vector<std::string> extra;        // there and not wanted
  std::vector<std::string> wrong_shape;  // "name: [3, 3] instead of [5, 5]"
  bool empty() const { return missing.empty() && extra.empty() && wrong_shape.empty(); }
  size_t size() const { return missing.size() + extra.size() + wrong_shape.size(); }
};
VariableDifference CompareVariables(const checkpoint::Checkpoint& checkpoint,
                                    const Hparams& hparams);

// The same for a list of variables, by name.
VariableDifference CompareVariables(const std::map<std::string, graph::Shape>& stored,
                                    const Hparams& hparams);
// The model's variables in a checkpoint: no averages, slots or counters.
std::map<std::string, graph::Shape> StoredVariables(const checkpoint::Checkpoint& checkpoint);

// The number of classes of class_net/class-predict/bias for this many anchors a place; 0 if it
// cannot be told.
int NumClassesOf(const checkpoint::Checkpoint& checkpoint, int num_anchors);

}  // namespace edet::efficientdet
