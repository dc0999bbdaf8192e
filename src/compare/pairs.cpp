#include "compare/pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>
#include <unordered_map>

#include "graph/infer_shapes.h"
#include "parser/library/tensor.h"

namespace edet::compare {
using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::Shape;
using graph::ValueId;
namespace {

bool IsFloat(const graph::Value& value) {
  return value.type == graph::ElementType::kFloat32 || value.type == graph::ElementType::kFloat16;
}

// A tensor of the file whose shape is known, but for the batch.
bool CanLookAt(const Network& network, ValueId id) {
  if (id == kNoValue) return false;
  const graph::Value& value = network.graph->value(id);
  bool known = value.shape_known && !value.constant && IsFloat(value);
  for (size_t i = 1; i < value.shape.size() && known; ++i) known = value.shape[i] > 0;
  return known && network.tensors.count(value.name) == 1;
}

// Of one image.
uint64_t Elements(const Shape& shape) {
  uint64_t count = 1;
  for (size_t i = 1; i < shape.size(); ++i) count *= static_cast<uint64_t>(shape[i]);
  return count;
}

bool SameShape(const Shape& a, const Shape& b) {
  return a.size() == b.size() && (a.empty() || std::equal(a.begin() + 1, a.end(), b.begin() + 1));
}

// --- By name ---

using Makers = std::unordered_map<std::string, std::pair<const Node*, ValueId>>;

Makers MakersOf(const Graph& graph) {
  Makers makers;
  for (const Node& node : graph.nodes)
    for (ValueId id : node.outputs)
      if (id != kNoValue) makers[graph.value(id).name] = {&node, id};
  return makers;
}

std::vector<TensorPair> PairByName(const Network& a, const Network& b) {
  Makers makers = MakersOf(*b.graph);
  std::vector<TensorPair> pairs;
  for (const Node& node : a.graph->nodes) {
    for (ValueId id : node.outputs) {
      if (!CanLookAt(a, id)) continue;
      const graph::Value& value = a.graph->value(id);
      auto found = makers.find(value.name);
      if (found == makers.end() || !CanLookAt(b, found->second.second)) continue;
      const auto& [maker, other] = found->second;
      if (maker->op != node.op || !SameShape(value.shape, b.graph->shape(other))) continue;
      pairs.push_back({value.name, value.name, id, node.name, maker->name, node.op, false,
                       Elements(value.shape), false});
    }
  }
  return pairs;
}

// --- By weights ---

struct Convolution {
  const Node* node = nullptr;
  std::vector<float> weights;
  double norm = 0.;
};

// What two convolutions must share to play the same part.
using Form = std::tuple<Shape, Shape, int64_t, std::vector<int64_t>>;  // weights, output, group,
                                                                       // strides

std::vector<float> WeightsOf(const graph::Tensor& tensor) {
  if (tensor.type != graph::ElementType::kFloat16) return tensor.floats;
  std::vector<float> values;
  for (uint16_t half : tensor.halves) values.push_back(parser::HalfToFloat(half));
  return values;
}

using Forms = std::map<Form, std::vector<Convolution>>;

Forms CollectConvolutions(const Network& network, size_t& count) {
  Forms forms;
  const Graph& graph = *network.graph;
  for (const Node& node : graph.nodes) {
    if (node.op != "Conv" || !node.domain.empty() || node.inputs.size() < 2) continue;
    ++count;
    graph::TensorPtr weights = graph.constant(node.inputs[1]);
    if (!weights || !CanLookAt(network, node.outputs[0])) continue;
    Convolution convolution{&node, WeightsOf(*weights), 0.};
    for (float w : convolution.weights) convolution.norm += double{w} * w;
    convolution.norm = std::sqrt(convolution.norm);
    Shape output = graph.shape(node.outputs[0]);
    if (!output.empty()) output[0] = 1;
    Form form{weights->shape, output, IntAttribute(node, "group", 1),
              IntsAttribute(node, "strides", {1, 1})};
    forms[form].push_back(std::move(convolution));
  }
  return forms;
}

// Of the weights, as a part of their size.
double Distance(const Convolution& a, const Convolution& b) {
  if (a.weights.size() != b.weights.size()) return std::numeric_limits<double>::infinity();
  double sum = 0.;
  for (size_t i = 0; i < a.weights.size(); ++i) {
    double difference = double{a.weights[i]} - b.weights[i];
    sum += difference * difference;
  }
  double size = std::max(a.norm, b.norm);
  return size > 0. ? std::sqrt(sum) / size : 0.;
}

struct Match {
  const Node *a = nullptr, *b = nullptr;
  bool by_place = false;
};

// Of one form: nearest pairs first, so long as they are near; what is left over in order, where it
// is equally many.
void MatchForm(const std::vector<Convolution>& a, const std::vector<Convolution>& b,
               std::vector<Match>& matches) {
  constexpr double kNear = 0.5;
  std::vector<std::tuple<double, size_t, size_t>> near;
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < b.size(); ++j)
      if (double distance = Distance(a[i], b[j]); distance < kNear)
        near.emplace_back(distance, i, j);
  std::stable_sort(near.begin(), near.end());
  std::vector<bool> taken_a(a.size(), false), taken_b(b.size(), false);
  for (const auto& [distance, i, j] : near) {
    if (taken_a[i] || taken_b[j]) continue;
    taken_a[i] = taken_b[j] = true;
    matches.push_back({a[i].node, b[j].node, false});
  }
  std::vector<const Node*> left_a, left_b;
  for (size_t i = 0; i < a.size(); ++i)
    if (!taken_a[i]) left_a.push_back(a[i].node);
  for (size_t j = 0; j < b.size(); ++j)
    if (!taken_b[j]) left_b.push_back(b[j].node);
  for (size_t i = 0; i < left_a.size() && left_a.size() == left_b.size(); ++i)
    matches.push_back({left_a[i], left_b[i], true});
}

void AddPair(const Network& a, const Network& b, const Match& match, bool input,
             std::vector<TensorPair>& pairs) {
  ValueId of_a = input ? match.a->inputs[0] : match.a->outputs[0];
  ValueId of_b = input ? match.b->inputs[0] : match.b->outputs[0];
  if (!CanLookAt(a, of_a) || !CanLookAt(b, of_b)) return;
  const graph::Value &value = a.graph->value(of_a), &other = b.graph->value(of_b);
  if (!SameShape(value.shape, other.shape)) return;
  pairs.push_back({value.name, other.name, of_a, match.a->name, match.b->name, "Conv", input,
                   Elements(value.shape), match.by_place});
}

std::vector<TensorPair> PairByWeights(const Network& a, const Network& b, Pairing& pairing) {
  Forms forms_a = CollectConvolutions(a, pairing.convolutions_a),
        forms_b = CollectConvolutions(b, pairing.convolutions_b);
  std::vector<Match> matches;
  for (const auto& [form, convolutions] : forms_a)
    if (auto found = forms_b.find(form); found != forms_b.end())
      MatchForm(convolutions, found->second, matches);
  pairing.matched = matches.size();
  std::unordered_map<const Node*, const Match*> of_node;
  for (const Match& match : matches) of_node[match.a] = &match;
  std::vector<TensorPair> pairs;
  for (const Node& node : a.graph->nodes) {
    auto found = of_node.find(&node);
    if (found == of_node.end()) continue;
    AddPair(a, b, *found->second, true, pairs);
    AddPair(a, b, *found->second, false, pairs);
  }
  return pairs;
}

// One value may be read by several convolutions: kept where it comes first.
void DropRepeated(std::vector<TensorPair>& pairs) {
  std::unordered_set<std::string> seen;
  auto repeated = [&seen](const TensorPair& pair) { return !seen.insert(pair.a).second; };
  pairs.erase(std::remove_if(pairs.begin(), pairs.end(), repeated), pairs.end());
}

size_t CountConvolutions(const std::vector<TensorPair>& pairs) {
  return static_cast<size_t>(std::count_if(pairs.begin(), pairs.end(), [](const TensorPair& pair) {
    return pair.op == "Conv" && !pair.is_input;
  }));
}

}  // namespace

Pairing PairTensors(const Network& a, const Network& b) {
  Pairing pairing;
  if (!a.graph || !b.graph) {
    pairing.how = "not at all: " + (a.graph ? b.why_not : a.why_not);
    return pairing;
  }
  std::vector<TensorPair> by_weights = PairByWeights(a, b, pairing);
  std::vector<TensorPair> by_name = PairByName(a, b);
  size_t same_names = CountConvolutions(by_name);
  if (same_names > 0 && same_names * 2 >= pairing.convolutions_a) {
    pairing.matched = same_names;
    pairing.pairs = std::move(by_name);
    pairing.how = fmt::format("{} tensors by name", pairing.pairs.size());
    return pairing;
  }
  DropRepeated(by_weights);
  pairing.pairs = std::move(by_weights);
  pairing.how = fmt::format("{} of {} convolutions by form and weights (the other file has {})",
                            pairing.matched, pairing.convolutions_a, pairing.convolutions_b);
  return pairing;
}

}  // namespace edet::compare
