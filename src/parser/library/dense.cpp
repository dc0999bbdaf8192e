#include "parser/library/dense.h"

#include <algorithm>

namespace edet {
namespace parser {
namespace {

constexpr int kMaxLevel = 10;

struct Pair {
  const abi::LayerInfo* values = nullptr;
  const abi::LayerInfo* boxes = nullptr;
};

Pair PairByShape(const Layers& layers) {
  Pair pair;
  if (layers.size() != 2) return pair;
  const size_t boxes = LastDim(layers[0]) == 4 ? 0 : 1;
  if (LastDim(layers[boxes]) != 4 || LastDim(layers[1 - boxes]) == 4) return pair;
  pair.boxes = &layers[boxes];
  pair.values = &layers[1 - boxes];
  return pair;
}

// Height, width and channels of a level's tensor; 0 where it has no such shape.
struct MapShape {
  unsigned height = 0, width = 0, channels = 0;
};

MapShape ShapeOf(const abi::LayerInfo& layer, bool channels_first) {
  const unsigned* d = layer.dims.d;
  unsigned dims = layer.dims.num_dims;
  if (dims == 4 && d[0] == 1) {  // a batch that the host did not strip
    ++d;
    --dims;
  }
  MapShape shape;
  if (dims != 3) return shape;
  if (uint64_t{d[0]} * d[1] * d[2] != layer.dims.num_elements) return shape;
  shape.height = channels_first ? d[1] : d[0];
  shape.width = channels_first ? d[2] : d[1];
  shape.channels = channels_first ? d[0] : d[2];
  return shape;
}

// The tensors of the levels in one of the two layouts.
class Levels {
 public:
  Levels(const detect::AnchorConfig& config, bool channels_first)
      : channels_first_(channels_first),
        anchors_per_cell_(static_cast<unsigned>(config.num_scales) *
                          static_cast<unsigned>(config.aspect_ratios.size())) {
    detect::AnchorConfig all = config;
    all.min_level = 0;
    all.max_level = kMaxLevel;
    sizes_ = detect::FeatureSizes(all);
  }

  // False where the tensor belongs to no level.
  bool Take(const abi::LayerInfo& layer, Role role) {
    const MapShape shape = ShapeOf(layer, channels_first_);
    if (shape.channels == 0 || shape.channels % anchors_per_cell_ != 0) return false;
    const unsigned each = shape.channels / anchors_per_cell_;
    if (role == Role::kDeltas && each != 4) return false;
    const bool boxes = role == Role::kDeltas || (role == Role::kUnknown && each == 4);
    if (!boxes && classes_ != 0 && each != classes_) return false;
    if (!boxes) classes_ = each;
    return Place(layer, shape, boxes);
  }

  // The levels as one, if each has both tensors and none is left out between them.
  bool Finish(detect::AnchorConfig* config, Dense* dense) const {
    int first = 0, last = kMaxLevel;
    while (first <= kMaxLevel && !Complete(first)) ++first;
    while (last >= first && !Complete(last)) --last;
    size_t used = 0;
    for (const Pair& pair : pairs_) used += pair.values != nullptr || pair.boxes != nullptr;
    if (first > last || used != static_cast<size_t>(last - first + 1)) return false;
    for (int level = first; level <= last; ++level) {
      if (!Complete(level)) return false;
      dense->parts.push_back(Part(pairs_[level]));
    }
    dense->classes = classes_;
    config->min_level = first;
    config->max_level = last;
    return true;
  }

 private:
  bool Complete(int level) const {
    return pairs_[level].values != nullptr && pairs_[level].boxes != nullptr;
  }

  bool Place(const abi::LayerInfo& layer, const MapShape& shape, bool boxes) {
    for (size_t level = 0; level < sizes_.size(); ++level) {
      if (static_cast<unsigned>(sizes_[level].height) != shape.height ||
          static_cast<unsigned>(sizes_[level].width) != shape.width) {
        continue;
      }
      const abi::LayerInfo*& place = boxes ? pairs_[level].boxes : pairs_[level].values;
      if (place != nullptr) continue;
      place = &layer;
      return true;
    }
    return false;
  }

  DensePart Part(const Pair& pair) const {
    DensePart part;
    part.values = FloatView(*pair.values);
    part.boxes = FloatView(*pair.boxes);
    part.anchors = part.boxes.size() / 4;
    part.anchors_per_cell = anchors_per_cell_;
    if (channels_first_) part.plane = part.anchors / anchors_per_cell_;
    return part;
  }

  bool channels_first_;
  unsigned anchors_per_cell_;
  unsigned classes_ = 0;
  std::vector<detect::FeatureSize> sizes_;
  Pair pairs_[kMaxLevel + 1];
};

bool FindLevelsAs(const NamedLayers& tensors, bool channels_first, detect::AnchorConfig* config,
                  Dense* dense) {
  Levels levels(*config, channels_first);
  for (const abi::LayerInfo& layer : tensors.layers) {
    const Role role = ReadTensorName(layer.name).role;
    if (role == Role::kIgnored) continue;
    const bool head = role == Role::kLogits || role == Role::kDeltas;
    if (!levels.Take(layer, head ? role : Role::kUnknown)) return false;
  }
  return levels.Finish(config, dense);
}

}  // namespace

size_t Dense::anchors() const {
  size_t sum = 0;
  for (const DensePart& part : parts) sum += part.anchors;
  return sum;
}

bool FindPair(const NamedLayers& tensors, Role values, Role boxes, Dense* dense) {
  Pair pair;
  pair.values = tensors[values];
  pair.boxes = tensors[boxes];
  if (pair.values == nullptr || pair.boxes == nullptr) pair = PairByShape(tensors.layers);
  if (pair.values == nullptr || LastDim(*pair.boxes) != 4 || LastDim(*pair.values) == 0)
    return false;
  DensePart part;
  dense->classes = LastDim(*pair.values);
  part.anchors = pair.values->dims.num_elements / dense->classes;
  if (part.anchors != pair.boxes->dims.num_elements / 4) return false;
  part.values = FloatView(*pair.values);
  part.boxes = FloatView(*pair.boxes);
  dense->parts = {part};
  return true;
}

bool FindLevels(const NamedLayers& tensors, detect::AnchorConfig* config, Dense* dense) {
  if (config->num_scales <= 0 || config->aspect_ratios.empty()) return false;
  return FindLevelsAs(tensors, false, config, dense) || FindLevelsAs(tensors, true, config, dense);
}

}  // namespace parser
}  // namespace edet
