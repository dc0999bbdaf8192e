#include "compare/parting.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "graph/rewrite.h"

namespace edet::compare {
using graph::kNoValue;
using graph::ValueId;
namespace {

// How much is looked at in one run of both networks.
constexpr size_t kPairsPerRun = 48;
constexpr uint64_t kElementsPerRun = uint64_t{1} << 26;  // 256 MiB of floats a network

enum class State { kUnknown, kAgrees, kDiffers, kUnusable };

class Search {
 public:
  Search(const Network& a, const std::vector<TensorPair>& pairs, double tolerance,
         const MeasurePairs& measure)
      : graph_(*a.graph),
        pairs_(pairs),
        tolerance_(tolerance),
        measure_(measure),
        links_(graph::LinkUp(graph_)),
        states_(pairs.size(), State::kUnknown),
        differences_(pairs.size()) {
    for (size_t i = 0; i < pairs.size(); ++i) pair_of_[pairs[i].a_id] = i;
  }

  Result<Parting> Run(const std::vector<std::string>& outputs) {
    std::vector<bool> in_question = Above(IdsOf(outputs));
    EDET_ASSIGN_OR_RETURN(std::optional<size_t> first, FindAny(in_question));
    Parting parting;
    if (first) {
      EDET_ASSIGN_OR_RETURN(*first, GoUp(*first));
    }
    parting.looked_at = static_cast<size_t>(std::count_if(
        states_.begin(), states_.end(), [](State state) { return state != State::kUnknown; }));
    if (!first) {
      parting.note =
          fmt::format("all {} tensors above that could be matched agree: they part behind them",
                      parting.looked_at);
      return parting;
    }
    parting.first = Look(*first);
    for (size_t i : Frontier(*first))
      if (states_[i] == State::kAgrees) parting.before.push_back(Look(i));
    return parting;
  }

 private:
  LookedAt Look(size_t i) const { return {pairs_[i], *differences_[i]}; }

  std::vector<ValueId> IdsOf(const std::vector<std::string>& names) const {
    std::vector<ValueId> ids;
    for (size_t id = 0; id < graph_.values.size(); ++id)
      if (std::find(names.begin(), names.end(), graph_.values[id].name) != names.end())
        ids.push_back(static_cast<ValueId>(id));
    return ids.empty() ? graph_.outputs : ids;
  }

  // Values that the given ones are made of, themselves among them.
  std::vector<bool> Above(std::vector<ValueId> open) const {
    std::vector<bool> above(graph_.values.size(), false);
    for (ValueId id : open) above[static_cast<size_t>(id)] = true;
    while (!open.empty()) {
      ValueId id = open.back();
      open.pop_back();
      for (ValueId input : MadeOf(id)) {
        if (above[static_cast<size_t>(input)]) continue;
        above[static_cast<size_t>(input)] = true;
        open.push_back(input);
      }
    }
    return above;
  }

  std::vector<ValueId> MadeOf(ValueId id) const {
    int maker = links_.producer[static_cast<size_t>(id)];
    std::vector<ValueId> inputs;
    if (maker < 0) return inputs;
    const graph::Node& node = graph_.nodes[static_cast<size_t>(maker)];
    for (ValueId input : node.inputs)
      if (input != kNoValue) inputs.push_back(input);
    inputs.insert(inputs.end(), node.captures.begin(), node.captures.end());
    return inputs;
  }

  // The nearest pairs above one.
  std::vector<size_t> Frontier(size_t pair) const {
    std::vector<size_t> found;
    std::vector<bool> seen(graph_.values.size(), false);
    std::vector<ValueId> open{pairs_[pair].a_id};
    while (!open.empty()) {
      ValueId id = open.back();
      open.pop_back();
      for (ValueId input : MadeOf(id)) {
        if (seen[static_cast<size_t>(input)]) continue;
        seen[static_cast<size_t>(input)] = true;
        auto at = pair_of_.find(input);
        bool usable = at != pair_of_.end() && states_[at->second] != State::kUnusable;
        if (usable) {
          found.push_back(at->second);
        } else {
          open.push_back(input);
        }
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  // Evenly spread, the last one among them.
  std::vector<size_t> Sample(const std::vector<size_t>& among) const {
    size_t wanted = std::min(kPairsPerRun, among.size());
    std::vector<size_t> chosen;
    uint64_t elements = 0;
    for (size_t k = 0; k < wanted; ++k) {
      size_t i = among[among.size() - 1 - k * among.size() / wanted];
      elements += pairs_[i].elements;
      if (elements > kElementsPerRun && !chosen.empty()) break;
      chosen.push_back(i);
    }
    return chosen;
  }

  Status Measure(const std::vector<size_t>& chosen) {
    std::vector<TensorPair> wanted;
    wanted.reserve(chosen.size());
    for (size_t i : chosen) wanted.push_back(pairs_[i]);
    EDET_ASSIGN_OR_RETURN(auto differences, measure_(wanted));
    for (size_t k = 0; k < chosen.size(); ++k) {
      const std::optional<Difference>& difference = differences[k];
      differences_[chosen[k]] = difference;
      bool differs = difference && difference->max_abs > tolerance_ * difference->largest;
      states_[chosen[k]] = !difference ? State::kUnusable
                           : differs   ? State::kDiffers
                                       : State::kAgrees;
    }
    return {};
  }

  std::vector<size_t> Unknown(const std::vector<bool>& values) const {
    std::vector<size_t> unknown;
    for (size_t i = 0; i < pairs_.size(); ++i)
      if (states_[i] == State::kUnknown && values[static_cast<size_t>(pairs_[i].a_id)])
        unknown.push_back(i);
    return unknown;
  }

  // The first of the pairs among `values` that is known to differ.
  std::optional<size_t> FirstDiffering(const std::vector<bool>& values) const {
    for (size_t i = 0; i < pairs_.size(); ++i)
      if (states_[i] == State::kDiffers && values[static_cast<size_t>(pairs_[i].a_id)]) return i;
    return std::nullopt;
  }

  Result<std::optional<size_t>> FindAny(const std::vector<bool>& values) {
    while (true) {
      std::vector<size_t> unknown = Unknown(values);
      if (unknown.empty()) return std::optional<size_t>();
      EDET_RETURN_IF_ERROR(Measure(Sample(unknown)));
      if (auto first = FirstDiffering(values)) return first;
    }
  }

  // Values above tensors that agree: an error there would have shown, but for rare cases.
  std::vector<bool> AboveAgreeing() const {
    std::vector<ValueId> agreeing;
    for (size_t i = 0; i < pairs_.size(); ++i)
      if (states_[i] == State::kAgrees) agreeing.push_back(pairs_[i].a_id);
    return Above(std::move(agreeing));
  }

  // From a pair that differs to the first one above it. Ends: each round measures, or is the last.
  Result<size_t> GoUp(size_t pair) {
    while (true) {
      std::vector<bool> above = Above({pairs_[pair].a_id}), settled = AboveAgreeing();
      std::vector<size_t> unknown;
      for (size_t i : Unknown(above))
        if (i != pair && !settled[static_cast<size_t>(pairs_[i].a_id)]) unknown.push_back(i);
      if (unknown.empty()) {
        for (size_t i : Frontier(pair))
          if (states_[i] == State::kUnknown) unknown.push_back(i);
      }
      if (!unknown.empty()) EDET_RETURN_IF_ERROR(Measure(Sample(unknown)));
      std::optional<size_t> first = FirstDiffering(above);
      if (first) pair = *first;
      if (unknown.empty()) return pair;
    }
  }

  const graph::Graph& graph_;
  const std::vector<TensorPair>& pairs_;
  double tolerance_;
  const MeasurePairs& measure_;
  graph::Links links_;
  std::vector<State> states_;
  std::vector<std::optional<Difference>> differences_;
  std::unordered_map<ValueId, size_t> pair_of_;
};

}  // namespace

Result<Parting> FindParting(const Network& a, const std::vector<TensorPair>& pairs,
                            const std::vector<std::string>& outputs, double tolerance,
                            const MeasurePairs& measure) {
  if (!a.graph || pairs.empty()) {
    Parting parting;
    parting.note = "no tensors within could be matched";
    return parting;
  }
  return Search(a, pairs, tolerance, measure).Run(outputs);
}

}  // namespace edet::compare
