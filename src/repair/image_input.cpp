#include <algorithm>

#include "repair/repairs.h"

namespace edet::repair {
using graph::Graph;
using graph::ValueId;

namespace {

bool MayBeImage(const graph::Value& value) {
  if (!value.shape_known) return value.type == graph::ElementType::kUint8;
  if (value.shape.size() != 4) return false;
  auto may_be_three = [](int64_t dimension) { return dimension == 3 || dimension < 0; };
  return may_be_three(value.shape[1]) || may_be_three(value.shape[3]);
}

}  // namespace

ValueId ImageInput(const Graph& graph) {
  std::vector<ValueId> found;
  std::copy_if(graph.inputs.begin(), graph.inputs.end(), std::back_inserter(found),
               [&](ValueId id) { return MayBeImage(graph.value(id)); });
  return found.size() == 1 ? found[0] : graph::kNoValue;
}

bool IsChannelsLast(const Graph& graph, ValueId image) {
  const graph::Value& value = graph.value(image);
  return !value.shape_known || value.shape[3] == 3 || value.shape[1] != 3;
}

}  // namespace edet::repair
