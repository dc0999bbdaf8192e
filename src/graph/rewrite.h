#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace edet::graph {

// Who makes and who reads each value; stands as long as no node is added, moved or rewired.
struct Links {
  std::vector<int> producer;              // by value: index into Graph::nodes; -1: none
  std::vector<std::vector<int>> readers;  // by value: nodes that read it, a node once a use
  std::vector<int> uses;                  // by value: reads, captures, and being an output
};
Links LinkUp(const Graph& graph);

// Values whose names must stay: outputs of the graph, and what subgraphs read by name.
std::vector<bool> NamedValues(const Graph& graph);

// Lets values stand in for others, all at once and in linear time: a pass walks the nodes, adds,
// and applies at its end. The graph must not get new outputs or captures meanwhile.
class Replacements {
 public:
  explicit Replacements(Graph& graph);
  // From Apply() on every reader of `from` reads `to`; where `from` is an output of the graph, `to`
  // becomes it, under its name. False, and nothing done, where that cannot be: a subgraph reads it
  // by name, or the output would be an input, a constant or twice the same value.
  bool Add(ValueId from, ValueId to);
  // What stands in for a value so far.
  ValueId Of(ValueId id) const;
  void Apply();

 private:
  Graph& graph_;
  std::vector<ValueId> instead_;  // by value
  std::vector<bool> captured_, output_, input_;
};

// Puts the nodes into topological order, keeping the order that they have where it is one. False,
// and nothing done, where the graph has a cycle.
bool SortNodes(Graph& graph);

// The name of a node that stands in a cycle (or behind one), for a message; empty where there is
// none.
std::string NodeInCycle(const Graph& graph);

// Gives every value and node a name of its own, keeping those of inputs, outputs and captured
// values; returns how many were changed.
int MakeNamesUnique(Graph& graph);

}  // namespace edet::graph
