#include "graph/half_precision.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace edet::graph {
namespace {

constexpr uint32_t kHalfInfinity = 0x7C00;

bool IsFloat(const Value& value) { return value.type == ElementType::kFloat32; }

bool IsOneOf(std::string_view op, std::initializer_list<std::string_view> ops) {
  return std::find(ops.begin(), ops.end(), op) != ops.end();
}

// Input i of these operators has the type of the output. The others' have a type of their own:
// ONNX wants the region and the scales of a Resize in float32.
bool FollowsPrecision(const Node& node, size_t input) { return node.op != "Resize" || input == 0; }

// Which nodes compute in half precision, by their place.
class Region {
 public:
  explicit Region(const Graph& graph) : graph_(graph), half_(graph.nodes.size(), false) {
    std::vector<bool> before_conv = BeforeConv();
    std::vector<bool> after_conv(graph.values.size(), false),
        half_values(graph.values.size(), false);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      const Node& node = graph.nodes[i];
      bool after = node.op == "Conv" || AnyOf(node.inputs, after_conv);
      bool wanted =
          after && before_conv[i] && !node.needs_float32 && node.op != "GlobalAveragePool";
      half_[i] = wanted || OnlyMoves(node, half_values);
      for (ValueId output : node.outputs) {
        after_conv[static_cast<size_t>(output)] = after;
        half_values[static_cast<size_t>(output)] = half_[i];
      }
    }
  }

  bool holds(size_t node) const { return half_[node]; }

 private:
  static bool AnyOf(const std::vector<ValueId>& ids, const std::vector<bool>& marked) {
    return std::any_of(ids.begin(), ids.end(),
                       [&](ValueId id) { return marked[static_cast<size_t>(id)]; });
  }

  std::vector<bool> BeforeConv() const {
    std::vector<bool> nodes(graph_.nodes.size(), false), values(graph_.values.size(), false);
    for (size_t i = nodes.size(); i-- > 0;) {
      const Node& node = graph_.nodes[i];
      nodes[i] = node.op == "Conv" || AnyOf(node.outputs, values);
      if (!nodes[i]) continue;
      for (ValueId input : node.inputs) values[static_cast<size_t>(input)] = true;
    }
    return nodes;
  }

  // Half the bytes to move, and one Cast in place of one for each level.
  bool OnlyMoves(const Node& node, const std::vector<bool>& half_values) const {
    if (!IsOneOf(node.op, {"Transpose", "Reshape", "Concat"})) return false;
    return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) {
      return !IsFloat(graph_.value(id)) || half_values[static_cast<size_t>(id)];
    });
  }

  const Graph& graph_;
  std::vector<bool> half_;
};

float FloatOf(uint16_t bits) {
  int exponent = (bits >> 10) & 0x1F, fraction = bits & 0x3FF;
  float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                                  : std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

// Sums over one output channel.
struct Loss {
  double error = 0, power = 0;
  bool coarse() const {
    constexpr double kLimit = 1. / 512;
    return error > kLimit * kLimit * power;
  }
};

Error NotFinite(const std::string& name, float value) {
  bool number = std::isfinite(value);
  return {ErrorCode::kUnsupported,
          number ? "a weight of " + std::to_string(value) +
                       " is beyond half precision, which ends at 65504"
                 : "a weight is no finite number",
          name,
          number ? "take --precision fp32" : "the checkpoint is damaged, or training diverged"};
}

Result<TensorPtr> Rounded(const Tensor& tensor, const std::string& name,
                          HalfPrecisionReport& report) {
  auto half = std::make_shared<Tensor>();
  half->type = ElementType::kFloat16;
  half->shape = tensor.shape;
  half->halves.reserve(tensor.floats.size());
  bool has_channels = tensor.shape.size() > 1 && tensor.shape[0] > 0;
  std::vector<Loss> channels(has_channels ? static_cast<size_t>(tensor.shape[0]) : 1);
  size_t per_channel = std::max<size_t>(1, tensor.floats.size() / channels.size());
  for (size_t i = 0; i < tensor.floats.size(); ++i) {
    float value = tensor.floats[i];
    uint16_t bits = HalfBits(value);
    if ((bits & kHalfInfinity) == kHalfInfinity) return NotFinite(name, value);
    half->halves.push_back(bits);
    report.zeroed += (bits & 0x7FFF) == 0 && value != 0.F;
    double lost = static_cast<double>(value) - FloatOf(bits);
    Loss& loss = channels[i / per_channel];
    loss.error += lost * lost;
    loss.power += static_cast<double>(value) * value;
  }
  report.weights += tensor.floats.size();
  auto coarse = std::count_if(channels.begin(), channels.end(), [](auto& c) { return c.coarse(); });
  if (has_channels && coarse > 0) {
    if (report.coarse_channels == 0) report.first_coarse = name;
    report.coarse_channels += static_cast<uint64_t>(coarse);
  }
  return TensorPtr(std::move(half));
}

// Rewrites the nodes. Everything that can fail comes first, in RoundConstants.
class Rewriter {
 public:
  Rewriter(Graph& graph, HalfPrecisionReport& report)
      : graph_(graph), region_(graph), report_(report), wanted_in_float_(WantedInFloat()) {}

  Status RoundConstants() {
    std::unordered_map<const Tensor*, TensorPtr> rounded;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      for (size_t input = 0; input < node.inputs.size() && region_.holds(i); ++input) {
        const Value& value = graph_.value(node.inputs[input]);
        if (!value.constant || !IsFloat(value) || !FollowsPrecision(node, input)) continue;
        TensorPtr& half = rounded[value.constant.get()];
        if (!half) {
          EDET_ASSIGN_OR_RETURN(half, Rounded(*value.constant, value.name, report_));
        }
        half_constants_[node.inputs[input]] = half;
      }
    }
    return {};
  }

  void Rewrite() {
    std::vector<Node> nodes = std::move(graph_.nodes);
    graph_.nodes.clear();
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (!region_.holds(i)) {
        graph_.nodes.push_back(std::move(nodes[i]));
        continue;
      }
      for (size_t input = 0; input < nodes[i].inputs.size(); ++input) {
        ValueId& id = nodes[i].inputs[input];
        if (FollowsPrecision(nodes[i], input)) id = HalfOf(id);
      }
      AddHalfNode(std::move(nodes[i]));
    }
  }

 private:
  // Values that something reads in float32: a node outside of the region, or the caller.
  std::vector<bool> WantedInFloat() const {
    std::vector<bool> wanted(graph_.values.size(), false);
    for (ValueId output : graph_.outputs) wanted[static_cast<size_t>(output)] = true;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      for (size_t input = 0; input < node.inputs.size(); ++input) {
        if (!region_.holds(i) || !FollowsPrecision(node, input))
          wanted[static_cast<size_t>(node.inputs[input])] = true;
      }
    }
    return wanted;
  }

  ValueId AddHalfValue(ValueId like, TensorPtr constant) {
    Value value{graph_.value(like).name + "/half", ElementType::kFloat16, graph_.shape(like),
                std::move(constant)};
    graph_.values.push_back(std::move(value));
    return static_cast<ValueId>(graph_.values.size() - 1);
  }

  void AddCast(ValueId from, ValueId to, const std::string& name) {
    constexpr int64_t kOnnxFloat = 1, kOnnxFloat16 = 10;
    int64_t type = IsFloat(graph_.value(to)) ? kOnnxFloat : kOnnxFloat16;
    graph_.nodes.push_back({"Cast", name, {from}, {to}, {{"to", type}}});
    ++report_.casts;
  }

  // A value in half precision; made, by rounding or a Cast, where there is none yet.
  ValueId HalfOf(ValueId id) {
    if (!IsFloat(graph_.value(id))) return id;
    auto found = half_of_.find(id);
    if (found != half_of_.end()) return found->second;
    auto constant = half_constants_.find(id);
    ValueId half = id;
    if (constant == half_constants_.end()) {
      half = AddHalfValue(id, nullptr);
      AddCast(id, half, graph_.value(half).name);
    } else if (wanted_in_float_[static_cast<size_t>(id)]) {
      half = AddHalfValue(id, constant->second);
    } else {
      graph_.value(id).type = ElementType::kFloat16;
      graph_.value(id).constant = std::move(constant->second);
    }
    half_of_[id] = half;
    return half;
  }

  // Its outputs become half; where somebody wants them in float32, a Cast follows that has the
  // output's name.
  void AddHalfNode(Node node) {
    std::vector<std::pair<ValueId, ValueId>> casts;
    for (ValueId& output : node.outputs) {
      if (!IsFloat(graph_.value(output))) continue;
      if (!wanted_in_float_[static_cast<size_t>(output)]) {
        graph_.value(output).type = ElementType::kFloat16;
        continue;
      }
      ValueId half = AddHalfValue(output, nullptr);
      half_of_[output] = half;
      casts.emplace_back(half, output);
      output = half;
    }
    graph_.nodes.push_back(std::move(node));
    ++report_.nodes;
    for (auto [half, full] : casts) AddCast(half, full, graph_.value(full).name + "/to_float32");
  }

  Graph& graph_;
  Region region_;
  HalfPrecisionReport& report_;
  std::vector<bool> wanted_in_float_;
  std::unordered_map<ValueId, TensorPtr> half_constants_;
  std::unordered_map<ValueId, ValueId> half_of_;
};

}  // namespace

float HalfValue(uint16_t bits) {
  const float sign = (bits & 0x8000) != 0 ? -1.F : 1.F;
  const int exponent = (bits >> 10) & 0x1F, fraction = bits & 0x3FF;
  if (exponent == 0x1F)
    return fraction != 0 ? std::numeric_limits<float>::quiet_NaN()
                         : sign * std::numeric_limits<float>::infinity();
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(fraction + 0x400), exponent - 25);
}

uint16_t HalfBits(float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  uint32_t sign = (bits >> 16) & 0x8000, magnitude = bits & 0x7FFFFFFF;
  constexpr uint32_t kInfinity = 0x7F800000, kOverflow = 0x477FF000 /* 65520 */,
                     kSmallestNormal = 0x38800000 /* 2^-14 */;
  uint32_t half = 0;
  if (magnitude > kInfinity) {
    half = 0x7E00;
  } else if (magnitude >= kOverflow) {
    half = kHalfInfinity;
  } else if (magnitude < kSmallestNormal) {  // a multiple of 2^-24; nearbyint rounds ties to even
    half = static_cast<uint32_t>(std::nearbyint(std::ldexp(std::fabs(value), 24)));
  } else {  // 13 bits go; 112 is the difference of the exponents' offsets
    uint32_t odd = (magnitude >> 13) & 1;
    half = ((magnitude + 0xFFF + odd) >> 13) - (112U << 10);
  }
  return static_cast<uint16_t>(sign | half);
}

Result<HalfPrecisionReport> ToHalfPrecision(Graph& graph) {
  HalfPrecisionReport report;
  Rewriter rewriter(graph, report);
  EDET_RETURN_IF_ERROR(rewriter.RoundConstants());
  rewriter.Rewrite();
  return report;
}

}  // namespace edet::graph
