#include "graph/evaluate.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <utility>

namespace edet::graph {
namespace {

using Inputs = std::vector<TensorPtr>;
using Outputs = std::vector<TensorPtr>;
using Indices = std::vector<size_t>;

bool IsFloat(const Tensor& tensor) { return tensor.type == ElementType::kFloat32; }
bool HasNumbers(const Tensor& tensor) { return IsFloat(tensor) || HoldsIntegers(tensor.type); }

size_t Count(const Shape& shape) {
  size_t count = 1;
  for (int64_t dimension : shape) count *= static_cast<size_t>(dimension);
  return count;
}

// Every tensor is checked once where it enters: as many values as its shape says.
bool Whole(const Tensor& tensor) {
  size_t held = IsFloat(tensor) ? tensor.floats.size() : tensor.integers.size();
  return HasNumbers(tensor) && held == Count(tensor.shape);
}

Indices Strides(const Shape& shape) {
  Indices strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * static_cast<size_t>(shape[i]);
  return strides;
}

Tensor Like(const Tensor& tensor, Shape shape) {
  Tensor made;
  made.type = tensor.type;
  made.shape = std::move(shape);
  return made;
}

TensorPtr Share(Tensor tensor) { return std::make_shared<const Tensor>(std::move(tensor)); }

TensorPtr WithShape(const Tensor& tensor, Shape shape) {
  Tensor made = tensor;
  made.shape = std::move(shape);
  return Share(std::move(made));
}

// The elements of `tensor` at `from`, in a new shape.
TensorPtr Pick(const Tensor& tensor, const Indices& from, Shape shape) {
  Tensor made = Like(tensor, std::move(shape));
  if (IsFloat(tensor)) {
    made.floats.reserve(from.size());
    for (size_t index : from) made.floats.push_back(tensor.floats[index]);
  } else {
    made.integers.reserve(from.size());
    for (size_t index : from) made.integers.push_back(tensor.integers[index]);
  }
  return Share(std::move(made));
}

// Calls `visit(offset)` for every place of `shape`, row-major, where each axis moves the offset by
// its stride.
template <typename Visit>
void ForEach(const Shape& shape, const std::vector<int64_t>& strides, int64_t offset, Visit visit) {
  if (Count(shape) == 0) return;
  std::vector<int64_t> place(shape.size(), 0);
  for (;;) {
    visit(offset);
    size_t axis = shape.size();
    for (;;) {
      if (axis == 0) return;
      --axis;
      offset += strides[axis];
      if (++place[axis] < shape[axis]) break;
      offset -= strides[axis] * shape[axis];
      place[axis] = 0;
    }
  }
}

Indices Collect(const Shape& shape, const std::vector<int64_t>& strides, int64_t offset = 0) {
  Indices indices;
  indices.reserve(Count(shape));
  ForEach(shape, strides, offset, [&](int64_t at) { indices.push_back(static_cast<size_t>(at)); });
  return indices;
}

std::vector<int64_t> Signed(const Indices& strides) { return {strides.begin(), strides.end()}; }

// Where each place of the broadcast shape reads.
Indices BroadcastIndices(const Shape& from, const Shape& to) {
  std::vector<int64_t> own = Signed(Strides(from)), strides(to.size(), 0);
  size_t shift = to.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i)
    if (from[i] != 1) strides[i + shift] = own[i];
  return Collect(to, strides);
}

bool Axis(int64_t& axis, size_t rank) {
  auto signed_rank = static_cast<int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) return false;
  if (axis < 0) axis += signed_rank;
  return true;
}

bool Axes(std::vector<int64_t>& axes, size_t rank) {
  for (int64_t& axis : axes)
    if (!Axis(axis, rank)) return false;
  std::sort(axes.begin(), axes.end());
  return std::adjacent_find(axes.begin(), axes.end()) == axes.end();
}

int64_t Wrap(ElementType type, int64_t value) {
  switch (type) {
    case ElementType::kInt32:
      return static_cast<int32_t>(value);
    case ElementType::kUint32:
      return static_cast<uint32_t>(value);
    case ElementType::kInt16:
      return static_cast<int16_t>(value);
    case ElementType::kUint16:
      return static_cast<uint16_t>(value);
    case ElementType::kInt8:
      return static_cast<int8_t>(value);
    case ElementType::kUint8:
      return static_cast<uint8_t>(value);
    case ElementType::kBool:
      return value != 0 ? 1 : 0;
    default:
      return value;
  }
}

// --- Element by element ---

using FloatUnary = float (*)(float);
const std::unordered_map<std::string, FloatUnary>& FloatUnaries() {
  static const std::unordered_map<std::string, FloatUnary> table = {
      {"Abs", [](float x) { return std::fabs(x); }},
      {"Ceil", [](float x) { return std::ceil(x); }},
      {"Exp", [](float x) { return std::exp(x); }},
      {"Floor", [](float x) { return std::floor(x); }},
      {"Log", [](float x) { return std::log(x); }},
      {"Neg", [](float x) { return -x; }},
      {"Reciprocal", [](float x) { return 1.F / x; }},
      {"Relu", [](float x) { return x > 0.F ? x : 0.F; }},
      {"Round", [](float x) { return std::nearbyint(x); }},
      {"Sigmoid", [](float x) { return 1.F / (1.F + std::exp(-x)); }},
      {"Sqrt", [](float x) { return std::sqrt(x); }},
      {"Tanh", [](float x) { return std::tanh(x); }}};
  return table;
}

std::optional<int64_t> IntegerUnary(const std::string& op, int64_t x) {
  auto negated = static_cast<int64_t>(0 - static_cast<uint64_t>(x));  // wraps
  if (op == "Neg") return negated;
  if (op == "Not") return x == 0 ? 1 : 0;
  if (op == "Abs") return x < 0 ? negated : x;
  if (op == "Relu") return std::max<int64_t>(x, 0);
  return std::nullopt;
}

Outputs Unary(const Node& node, const Inputs& in, size_t) {
  if (in.size() != 1) return {};
  Tensor made = Like(*in[0], in[0]->shape);
  if (IsFloat(*in[0])) {
    auto found = FloatUnaries().find(node.op);
    if (found == FloatUnaries().end()) return {};
    for (float x : in[0]->floats) made.floats.push_back(found->second(x));
    return {Share(std::move(made))};
  }
  for (int64_t x : in[0]->integers) {
    std::optional<int64_t> y = IntegerUnary(node.op, x);
    if (!y) return {};
    made.integers.push_back(Wrap(made.type, *y));
  }
  return {Share(std::move(made))};
}

std::optional<float> Calculate(const std::string& op, float a, float b) {
  if (op == "Add" || op == "Sum") return a + b;
  if (op == "Sub") return a - b;
  if (op == "Mul") return a * b;
  if (op == "Div") return a / b;
  if (op == "Max") return std::isnan(a) || a > b ? a : b;
  if (op == "Min") return std::isnan(a) || a < b ? a : b;
  if (op == "Pow") return std::pow(a, b);
  return std::nullopt;
}

std::optional<int64_t> Calculate(const std::string& op, int64_t a, int64_t b) {
  auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);  // these wrap
  if (op == "Add" || op == "Sum") return static_cast<int64_t>(x + y);
  if (op == "Sub") return static_cast<int64_t>(x - y);
  if (op == "Mul") return static_cast<int64_t>(x * y);
  if (op == "Max") return std::max(a, b);
  if (op == "Min") return std::min(a, b);
  if (op == "And") return a != 0 && b != 0 ? 1 : 0;
  if (op == "Or") return a != 0 || b != 0 ? 1 : 0;
  bool divides = b != 0 && !(b == -1 && a == std::numeric_limits<int64_t>::min());
  if (op == "Div" && divides) return a / b;
  if (op == "Mod" && divides) return a % b != 0 && (a % b < 0) != (b < 0) ? a % b + b : a % b;
  return std::nullopt;
}

template <typename T>
std::optional<bool> Compare(const std::string& op, T a, T b) {
  if (op == "Equal") return a == b;
  if (op == "Less") return a < b;
  if (op == "LessOrEqual") return a <= b;
  if (op == "Greater") return a > b;
  if (op == "GreaterOrEqual") return a >= b;
  return std::nullopt;
}

bool IsComparison(const std::string& op) {
  return op == "Equal" || op == "Less" || op == "LessOrEqual" || op == "Greater" ||
         op == "GreaterOrEqual";
}

TensorPtr Pairwise(const Node& node, const Tensor& a, const Tensor& b, size_t most) {
  Shape shape;
  if (a.type != b.type || !Broadcast(a.shape, b.shape, shape) || Count(shape) > most)
    return nullptr;
  Indices from_a = BroadcastIndices(a.shape, shape), from_b = BroadcastIndices(b.shape, shape);
  Tensor made = Like(a, std::move(shape));
  bool compares = IsComparison(node.op);
  if (compares) made.type = ElementType::kBool;
  for (size_t i = 0; i < from_a.size(); ++i) {
    if (compares) {
      auto truth = IsFloat(a) ? Compare(node.op, a.floats[from_a[i]], b.floats[from_b[i]])
                              : Compare(node.op, a.integers[from_a[i]], b.integers[from_b[i]]);
      made.integers.push_back(*truth ? 1 : 0);
    } else if (IsFloat(a)) {
      auto y = Calculate(node.op, a.floats[from_a[i]], b.floats[from_b[i]]);
      if (!y) return nullptr;
      made.floats.push_back(*y);
    } else {
      auto y = Calculate(node.op, a.integers[from_a[i]], b.integers[from_b[i]]);
      if (!y) return nullptr;
      made.integers.push_back(Wrap(made.type, *y));
    }
  }
  return Share(std::move(made));
}

Outputs Elementwise(const Node& node, const Inputs& in, size_t most) {
  if (node.op == "Mod" && IntAttribute(node, "fmod", 0) != 0) return {};
  TensorPtr result = in[0];
  for (size_t i = 1; i < in.size() && result; ++i) result = Pairwise(node, *result, *in[i], most);
  if (!result) return {};
  return {result};
}

Outputs Binary(const Node& node, const Inputs& in, size_t most) {
  if (in.size() != 2) return {};
  return Elementwise(node, in, most);
}

Outputs Where(const Node&, const Inputs& in, size_t most) {
  if (in.size() != 3 || in[0]->type != ElementType::kBool || in[1]->type != in[2]->type) return {};
  Shape branches, shape;
  if (!Broadcast(in[1]->shape, in[2]->shape, branches) ||
      !Broadcast(branches, in[0]->shape, shape) || Count(shape) > most)
    return {};
  Indices condition = BroadcastIndices(in[0]->shape, shape),
          yes = BroadcastIndices(in[1]->shape, shape), no = BroadcastIndices(in[2]->shape, shape);
  Tensor made = Like(*in[1], std::move(shape));
  for (size_t i = 0; i < condition.size(); ++i) {
    bool take = in[0]->integers[condition[i]] != 0;
    if (IsFloat(*in[1])) {
      made.floats.push_back(take ? in[1]->floats[yes[i]] : in[2]->floats[no[i]]);
    } else {
      made.integers.push_back(take ? in[1]->integers[yes[i]] : in[2]->integers[no[i]]);
    }
  }
  return {Share(std::move(made))};
}

Outputs Clip(const Node&, const Inputs& in, size_t) {
  if (in.empty() || !in[0] || !IsFloat(*in[0])) return {};
  auto bound = [&](size_t i, float fallback) {
    bool given = in.size() > i && in[i] && in[i]->floats.size() == 1;
    return given ? in[i]->floats[0] : fallback;
  };
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  float low = bound(1, -kInfinity), high = bound(2, kInfinity);
  Tensor made = *in[0];
  for (float& x : made.floats) x = x < low ? low : x > high ? high : x;
  return {Share(std::move(made))};
}

std::optional<ElementType> TypeOfOnnx(int64_t number) {
  switch (number) {
    case 1:
      return ElementType::kFloat32;
    case 2:
      return ElementType::kUint8;
    case 3:
      return ElementType::kInt8;
    case 6:
      return ElementType::kInt32;
    case 7:
      return ElementType::kInt64;
    case 9:
      return ElementType::kBool;
    default:
      return std::nullopt;
  }
}

std::optional<int64_t> ToInteger(float value, ElementType type) {
  if (type == ElementType::kBool) return value != 0.F ? 1 : 0;
  bool wide = type == ElementType::kInt64;
  float most = wide ? 9.2e18F : 2147483520.F;
  if (!(std::fabs(value) <= most)) return std::nullopt;
  return Wrap(type, static_cast<int64_t>(value));
}

Outputs Cast(const Node& node, const Inputs& in, size_t) {
  std::optional<ElementType> type = TypeOfOnnx(IntAttribute(node, "to", 0));
  if (in.size() != 1 || !type) return {};
  if (*type == in[0]->type) return {in[0]};
  Tensor made = Like(*in[0], in[0]->shape);
  made.type = *type;
  if (IsFloat(*in[0])) {
    for (float x : in[0]->floats) {
      std::optional<int64_t> y = ToInteger(x, *type);
      if (!y) return {};
      made.integers.push_back(*y);
    }
  } else {
    for (int64_t x : in[0]->integers) {
      if (*type == ElementType::kFloat32) made.floats.push_back(static_cast<float>(x));
      if (*type != ElementType::kFloat32) made.integers.push_back(Wrap(*type, x));
    }
  }
  return {Share(std::move(made))};
}

// --- Moving elements ---

Outputs Identity(const Node&, const Inputs& in, size_t) { return {in[0]}; }

Outputs Reshape(const Node& node, const Inputs& in, size_t) {
  if (in.size() != 2 || in[1]->type != ElementType::kInt64) return {};
  Shape shape = in[1]->integers;
  bool zero_is_zero = IntAttribute(node, "allowzero", 0) != 0;
  size_t known = 1, total = Count(in[0]->shape);
  int64_t* open = nullptr;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && !zero_is_zero) {
      if (i >= in[0]->shape.size()) return {};
      shape[i] = in[0]->shape[i];
    }
    if (shape[i] < -1 || (shape[i] == -1 && open != nullptr)) return {};
    if (shape[i] == -1) {
      open = &shape[i];
    } else if (__builtin_mul_overflow(known, static_cast<size_t>(shape[i]), &known)) {
      return {};
    }
  }
  if (open != nullptr) {
    if (known == 0 || total % known != 0) return {};
    *open = static_cast<int64_t>(total / known);
  } else if (known != total) {
    return {};
  }
  return {WithShape(*in[0], std::move(shape))};
}

Outputs Flatten(const Node& node, const Inputs& in, size_t) {
  auto rank = static_cast<int64_t>(in[0]->shape.size());
  int64_t axis = IntAttribute(node, "axis", 1);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis > rank) return {};
  int64_t rows = 1, columns = 1;
  for (int64_t i = 0; i < rank; ++i)
    (i < axis ? rows : columns) *= in[0]->shape[static_cast<size_t>(i)];
  return {WithShape(*in[0], {rows, columns})};
}

Outputs Squeeze(const Node&, const Inputs& in, size_t) {
  std::vector<int64_t> axes;
  bool all = in.size() < 2 || !in[1];
  if (!all) axes = in[1]->integers;
  if (!Axes(axes, in[0]->shape.size())) return {};
  Shape shape;
  for (size_t i = 0; i < in[0]->shape.size(); ++i) {
    bool named = std::binary_search(axes.begin(), axes.end(), static_cast<int64_t>(i));
    if (named && in[0]->shape[i] != 1) return {};
    if (!(named || (all && in[0]->shape[i] == 1))) shape.push_back(in[0]->shape[i]);
  }
  return {WithShape(*in[0], std::move(shape))};
}

Outputs Unsqueeze(const Node&, const Inputs& in, size_t) {
  if (in.size() != 2 || !in[1]) return {};
  std::vector<int64_t> axes = in[1]->integers;
  size_t rank = in[0]->shape.size() + axes.size();
  if (!Axes(axes, rank)) return {};
  Shape shape = in[0]->shape;
  for (int64_t axis : axes) shape.insert(shape.begin() + axis, 1);
  return {WithShape(*in[0], std::move(shape))};
}

Outputs Transpose(const Node& node, const Inputs& in, size_t) {
  size_t rank = in[0]->shape.size();
  std::vector<int64_t> order(rank);
  std::iota(order.rbegin(), order.rend(), int64_t{0});
  order = IntsAttribute(node, "perm", order);
  std::vector<int64_t> sorted = order;
  if (order.size() != rank || !Axes(sorted, rank)) return {};
  std::vector<int64_t> own = Signed(Strides(in[0]->shape)), strides;
  Shape shape;
  for (int64_t axis : order) {
    if (!Axis(axis, rank)) return {};
    shape.push_back(in[0]->shape[static_cast<size_t>(axis)]);
    strides.push_back(own[static_cast<size_t>(axis)]);
  }
  Indices from = Collect(shape, strides);
  return {Pick(*in[0], from, std::move(shape))};
}

Outputs Slice(const Node&, const Inputs& in, size_t) {
  if (in.size() < 3 || in.size() > 5 || !in[1] || !in[2]) return {};
  auto list = [&](size_t i) {
    return in.size() > i && in[i] ? in[i]->integers : std::vector<int64_t>();
  };
  std::vector<SlicedAxis> sliced;
  if (!ResolveSlice(in[0]->shape, list(1), list(2), list(3), list(4), sliced)) return {};
  std::vector<int64_t> strides = Signed(Strides(in[0]->shape));
  Shape shape;
  int64_t offset = 0;
  for (size_t i = 0; i < sliced.size(); ++i) {
    offset += sliced[i].begin * strides[i];
    strides[i] *= sliced[i].step;
    shape.push_back(sliced[i].count);
  }
  Indices from = Collect(shape, strides, offset);
  return {Pick(*in[0], from, std::move(shape))};
}

Outputs Gather(const Node& node, const Inputs& in, size_t most) {
  if (in.size() != 2 || !HoldsIntegers(in[1]->type)) return {};
  int64_t axis = IntAttribute(node, "axis", 0);
  const Shape& from = in[0]->shape;
  if (!Axis(axis, from.size())) return {};
  auto at = static_cast<size_t>(axis);
  size_t outer = Count(Shape(from.begin(), from.begin() + axis)),
         inner = Count(Shape(from.begin() + axis + 1, from.end()));
  auto length = static_cast<size_t>(from[at]);
  size_t picked = in[1]->integers.size();
  if (outer * inner != 0 && picked > most / (outer * inner)) return {};
  Indices indices;
  for (size_t o = 0; o < outer; ++o) {
    for (int64_t index : in[1]->integers) {
      if (index < 0) index += from[at];
      if (index < 0 || index >= from[at]) return {};
      size_t begin = (o * length + static_cast<size_t>(index)) * inner;
      for (size_t i = 0; i < inner; ++i) indices.push_back(begin + i);
    }
  }
  Shape shape(from.begin(), from.begin() + axis);
  shape.insert(shape.end(), in[1]->shape.begin(), in[1]->shape.end());
  shape.insert(shape.end(), from.begin() + axis + 1, from.end());
  return {Pick(*in[0], indices, std::move(shape))};
}

Outputs Concat(const Node& node, const Inputs& in, size_t most) {
  int64_t axis = IntAttribute(node, "axis", 0);
  Shape shape = in[0]->shape;
  if (!Axis(axis, shape.size())) return {};
  auto at = static_cast<size_t>(axis);
  shape[at] = 0;
  for (const TensorPtr& part : in) {
    if (part->type != in[0]->type || part->shape.size() != shape.size()) return {};
    for (size_t i = 0; i < shape.size(); ++i)
      if (i != at && part->shape[i] != shape[i]) return {};
    shape[at] += part->shape[at];
  }
  if (Count(shape) > most) return {};
  size_t outer = Count(Shape(shape.begin(), shape.begin() + axis)),
         inner = Count(Shape(shape.begin() + axis + 1, shape.end()));
  Tensor made = Like(*in[0], std::move(shape));
  for (size_t o = 0; o < outer; ++o) {
    for (const TensorPtr& part : in) {
      auto length = static_cast<ptrdiff_t>(static_cast<size_t>(part->shape[at]) * inner);
      auto begin = static_cast<ptrdiff_t>(o) * length;
      auto copy = [&](const auto& source, auto& target) {
        target.insert(target.end(), source.begin() + begin, source.begin() + begin + length);
      };
      if (IsFloat(*part)) copy(part->floats, made.floats);
      if (!IsFloat(*part)) copy(part->integers, made.integers);
    }
  }
  return {Share(std::move(made))};
}

Outputs Split(const Node& node, const Inputs& in, size_t) {
  int64_t axis = IntAttribute(node, "axis", 0);
  if (!Axis(axis, in[0]->shape.size())) return {};
  int64_t length = in[0]->shape[static_cast<size_t>(axis)];
  auto parts = static_cast<int64_t>(node.outputs.size());
  std::vector<int64_t> sizes;
  if (in.size() > 1 && in[1]) {
    sizes = in[1]->integers;
  } else {
    int64_t each = (length + parts - 1) / parts;
    for (int64_t i = 0; i < parts; ++i)
      sizes.push_back(std::max<int64_t>(std::min(each, length - i * each), 0));
  }
  if (static_cast<int64_t>(sizes.size()) != parts) return {};
  std::vector<int64_t> strides = Signed(Strides(in[0]->shape));
  Outputs outputs;
  int64_t begin = 0;
  for (int64_t size : sizes) {
    if (size < 0 || size > length - begin) return {};
    Shape shape = in[0]->shape;
    shape[static_cast<size_t>(axis)] = size;
    Indices from = Collect(shape, strides, begin * strides[static_cast<size_t>(axis)]);
    outputs.push_back(Pick(*in[0], from, std::move(shape)));
    begin += size;
  }
  return outputs;
}

bool Fits(const Shape& shape, size_t most) {
  size_t count = 1;
  for (int64_t dimension : shape) {
    if (dimension < 0 || __builtin_mul_overflow(count, static_cast<size_t>(dimension), &count))
      return false;
  }
  return count <= most;
}

Outputs Expand(const Node&, const Inputs& in, size_t most) {
  if (in.size() != 2 || !HoldsIntegers(in[1]->type)) return {};
  Shape shape;
  for (int64_t dimension : in[1]->integers)
    if (dimension < 0) return {};
  if (!Broadcast(in[0]->shape, in[1]->integers, shape) || !Fits(shape, most)) return {};
  Indices from = BroadcastIndices(in[0]->shape, shape);
  return {Pick(*in[0], from, std::move(shape))};
}

Outputs ConstantOfShape(const Node& node, const Inputs& in, size_t most) {
  if (in.size() != 1 || !HoldsIntegers(in[0]->type) || !Fits(in[0]->integers, most)) return {};
  Tensor value;
  value.floats = {0.F};
  auto found = node.attributes.find("value");
  if (found != node.attributes.end()) {
    const TensorPtr* given = std::get_if<TensorPtr>(&found->second);
    if (given == nullptr || !*given || !Whole(**given) || Count((*given)->shape) != 1) return {};
    value = **given;
  }
  Tensor made = Like(value, in[0]->integers);
  size_t count = Count(made.shape);
  if (IsFloat(value)) made.floats.assign(count, value.floats[0]);
  if (!IsFloat(value)) made.integers.assign(count, value.integers[0]);
  return {Share(std::move(made))};
}

Outputs Range(const Node&, const Inputs& in, size_t most) {
  if (in.size() != 3) return {};
  for (const TensorPtr& part : in)
    if (!HoldsIntegers(part->type) || part->integers.size() != 1) return {};
  int64_t begin = in[0]->integers[0], end = in[1]->integers[0], step = in[2]->integers[0];
  constexpr int64_t kFar = int64_t{1} << 40;
  if (step == 0 || std::abs(step) > kFar || std::abs(begin) > kFar || std::abs(end) > kFar)
    return {};
  Tensor made = Like(*in[0], {0});
  for (int64_t x = begin; step > 0 ? x < end : x > end; x += step) {
    if (made.integers.size() >= most) return {};
    made.integers.push_back(x);
  }
  made.shape[0] = static_cast<int64_t>(made.integers.size());
  return {Share(std::move(made))};
}

Outputs ShapeOf(const Node& node, const Inputs& in, size_t) {
  if (!node.attributes.empty()) return {};
  Shape rank{static_cast<int64_t>(in[0]->shape.size())};
  return {Int64Tensor(std::move(rank), in[0]->shape)};
}

Outputs Size(const Node&, const Inputs& in, size_t) {
  return {Int64Tensor({}, {static_cast<int64_t>(Count(in[0]->shape))})};
}

// --- Reductions ---

struct Reduction {
  Shape kept;                   // the result's shape, with keepdims
  std::vector<int64_t> target;  // stride of each input axis in the result; 0: reduced
};

bool PlanReduction(const Shape& shape, std::vector<int64_t> axes, Reduction& plan) {
  if (!Axes(axes, shape.size())) return false;
  plan.kept = shape;
  for (size_t i = 0; i < shape.size(); ++i) {
    bool reduced = axes.empty() || std::binary_search(axes.begin(), axes.end(), int64_t(i));
    if (reduced && shape[i] == 0) return false;
    if (reduced) plan.kept[i] = 1;
  }
  plan.target = Signed(Strides(plan.kept));
  for (size_t i = 0; i < shape.size(); ++i)
    if (plan.kept[i] == 1) plan.target[i] = 0;
  return true;
}

std::vector<int64_t> ReducedAxes(const Node& node, const Inputs& in) {
  if (node.op == "ReduceSum" && in.size() > 1 && in[1]) return in[1]->integers;
  return IntsAttribute(node, "axes");
}

// The result's shape without the reduced axes, which may have been of any length.
Shape Dropped(const Shape& kept, std::vector<int64_t> axes) {
  if (axes.empty() || !Axes(axes, kept.size())) return {};
  Shape shape;
  for (size_t i = 0; i < kept.size(); ++i)
    if (!std::binary_search(axes.begin(), axes.end(), int64_t(i))) shape.push_back(kept[i]);
  return shape;
}

std::string CombinerOf(const std::string& op) {
  if (op == "ReduceMax") return "Max";
  if (op == "ReduceMin") return "Min";
  return op == "ReduceProd" ? "Mul" : "Add";
}

Outputs Reduce(const Node& node, const Inputs& in, size_t) {
  Reduction plan;
  std::vector<int64_t> axes = ReducedAxes(node, in);
  if (axes.empty() && IntAttribute(node, "noop_with_empty_axes", 0) != 0) return {in[0]};
  if (!PlanReduction(in[0]->shape, axes, plan)) return {};
  std::string combiner = CombinerOf(node.op);
  size_t count = Count(plan.kept);
  Tensor made = Like(*in[0], plan.kept);
  std::vector<bool> begun(count, false);
  made.floats.resize(IsFloat(*in[0]) ? count : 0);
  made.integers.resize(IsFloat(*in[0]) ? 0 : count);
  size_t at = 0;
  bool good = true;
  ForEach(in[0]->shape, plan.target, 0, [&](int64_t offset) {
    auto to = static_cast<size_t>(offset);
    if (IsFloat(*in[0])) {
      float x = in[0]->floats[at];
      made.floats[to] = begun[to] ? *Calculate(combiner, made.floats[to], x) : x;
    } else {
      auto y = begun[to] ? Calculate(combiner, made.integers[to], in[0]->integers[at])
                         : std::optional<int64_t>(in[0]->integers[at]);
      good = good && y.has_value();
      made.integers[to] = Wrap(made.type, y.value_or(0));
    }
    begun[to] = true;
    ++at;
  });
  if (!good) return {};
  if (IntAttribute(node, "keepdims", 1) == 0) made.shape = Dropped(plan.kept, axes);
  return {Share(std::move(made))};
}

Outputs GlobalMaxPool(const Node& node, const Inputs& in, size_t most) {
  if (in[0]->shape.size() < 3) return {};
  Node reduce;
  reduce.op = "ReduceMax";
  reduce.outputs = node.outputs;
  std::vector<int64_t> axes(in[0]->shape.size() - 2);
  std::iota(axes.begin(), axes.end(), int64_t{2});
  reduce.attributes["axes"] = axes;
  return Reduce(reduce, in, most);
}

Outputs ArgMax(const Node& node, const Inputs& in, size_t) {
  int64_t axis = IntAttribute(node, "axis", 0);
  const Shape& shape = in[0]->shape;
  if (!IsFloat(*in[0]) || !Axis(axis, shape.size()) || IntAttribute(node, "select_last_index", 0))
    return {};
  auto at = static_cast<size_t>(axis);
  auto length = static_cast<size_t>(shape[at]);
  if (length == 0) return {};
  size_t outer = Count(Shape(shape.begin(), shape.begin() + axis)),
         inner = Count(Shape(shape.begin() + axis + 1, shape.end()));
  Shape kept = shape;
  kept[at] = 1;
  std::vector<int64_t> places;
  for (size_t o = 0; o < outer; ++o) {
    for (size_t i = 0; i < inner; ++i) {
      size_t best = 0;
      auto value = [&](size_t k) { return in[0]->floats[(o * length + k) * inner + i]; };
      for (size_t k = 1; k < length; ++k)
        if (value(k) > value(best)) best = k;
      places.push_back(static_cast<int64_t>(best));
    }
  }
  if (IntAttribute(node, "keepdims", 1) == 0) kept = Dropped(kept, {axis});
  return {Int64Tensor(std::move(kept), std::move(places))};
}

using Function = Outputs (*)(const Node&, const Inputs&, size_t);
struct Operator {
  Function compute;
  bool optional_inputs = false;  // some may be absent
};

const std::unordered_map<std::string, Operator>& Operators() {
  static const std::unordered_map<std::string, Operator> table = [] {
    std::unordered_map<std::string, Operator> made = {{"ArgMax", {ArgMax}},
                                                      {"Cast", {Cast}},
                                                      {"Clip", {Clip, true}},
                                                      {"Concat", {Concat}},
                                                      {"ConstantOfShape", {ConstantOfShape}},
                                                      {"Expand", {Expand}},
                                                      {"Flatten", {Flatten}},
                                                      {"Gather", {Gather}},
                                                      {"GlobalMaxPool", {GlobalMaxPool}},
                                                      {"Identity", {Identity}},
                                                      {"Range", {Range}},
                                                      {"Reshape", {Reshape}},
                                                      {"Shape", {ShapeOf}},
                                                      {"Size", {Size}},
                                                      {"Slice", {Slice, true}},
                                                      {"Split", {Split, true}},
                                                      {"Squeeze", {Squeeze, true}},
                                                      {"Transpose", {Transpose}},
                                                      {"Unsqueeze", {Unsqueeze}},
                                                      {"Where", {Where}}};
    for (const auto& [op, function] : FloatUnaries()) made[op] = {Unary};
    made["Not"] = {Unary};
    for (const char* op : {"Add", "Sub", "Mul", "Div", "Pow", "Mod", "And", "Or", "Equal", "Less",
                           "LessOrEqual", "Greater", "GreaterOrEqual"})
      made[op] = {Binary};
    for (const char* op : {"Min", "Max", "Sum"}) made[op] = {Elementwise};
    for (const char* op : {"ReduceMax", "ReduceMin", "ReduceProd"}) made[op] = {Reduce};
    made["ReduceSum"] = {Reduce, true};
    return made;
  }();
  return table;
}

}  // namespace

bool Broadcast(const Shape& a, const Shape& b, Shape& result) {
  const Shape &longer = a.size() >= b.size() ? a : b, &shorter = a.size() >= b.size() ? b : a;
  result = longer;
  size_t shift = longer.size() - shorter.size();
  for (size_t i = 0; i < shorter.size(); ++i) {
    int64_t x = longer[i + shift], y = shorter[i];
    if (x == y || y == 1) continue;
    if (x == 1) {
      result[i + shift] = y;
    } else if (x == kDynamic) {
      result[i + shift] = y;
    } else if (y != kDynamic) {
      return false;
    }
  }
  return true;
}

bool ResolveSlice(const Shape& shape, const std::vector<int64_t>& starts,
                  const std::vector<int64_t>& ends, const std::vector<int64_t>& axes,
                  const std::vector<int64_t>& steps, std::vector<SlicedAxis>& result) {
  bool same = starts.size() == ends.size() && (axes.empty() || axes.size() == starts.size()) &&
              (steps.empty() || steps.size() == starts.size()) && starts.size() <= shape.size();
  if (!same) return false;
  result.clear();
  for (int64_t dimension : shape) result.push_back({0, 1, dimension});
  for (size_t i = 0; i < starts.size(); ++i) {
    int64_t axis = axes.empty() ? static_cast<int64_t>(i) : axes[i];
    if (!Axis(axis, shape.size())) return false;
    int64_t length = shape[static_cast<size_t>(axis)], step = steps.empty() ? 1 : steps[i];
    constexpr int64_t kLongest = int64_t{1} << 40;
    if (step == 0 || length < 0 || length > kLongest) return false;
    auto clamp = [&](int64_t at, int64_t low, int64_t high) {
      if (at < 0) at = std::max(at, -length - 1) + length;
      return std::min(std::max(at, low), high);
    };
    step = std::min(std::max(step, -kLongest), kLongest);
    int64_t begin = step > 0 ? clamp(starts[i], 0, length) : clamp(starts[i], 0, length - 1);
    int64_t end = step > 0 ? clamp(ends[i], 0, length) : clamp(ends[i], -1, length - 1);
    int64_t span = step > 0 ? end - begin : begin - end;
    int64_t stride = std::abs(step);
    int64_t count = span > 0 ? (span + stride - 1) / stride : 0;
    result[static_cast<size_t>(axis)] = {begin, step, count};
  }
  return true;
}

std::vector<TensorPtr> Evaluate(const Node& node, const std::vector<TensorPtr>& inputs,
                                size_t most_elements) {
  if (!node.domain.empty() || inputs.empty() || !inputs[0]) return {};
  auto found = Operators().find(node.op);
  if (found == Operators().end()) return {};
  for (const TensorPtr& input : inputs) {
    if (!input && !found->second.optional_inputs) return {};
    if (input && !Whole(*input)) return {};
  }
  return found->second.compute(node, inputs, most_elements);
}

namespace {

// Which nodes `wanted` needs, given what is known.
std::vector<bool> Needed(const Graph& graph, const std::map<ValueId, TensorPtr>& known,
                         ValueId wanted) {
  std::vector<bool> value(graph.values.size(), false), node(graph.nodes.size(), false);
  value[static_cast<size_t>(wanted)] = true;
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    for (ValueId output : graph.nodes[i].outputs) {
      if (output == kNoValue || known.count(output) == 1) continue;
      node[i] = node[i] || value[static_cast<size_t>(output)];
    }
    if (!node[i]) continue;
    for (ValueId input : graph.nodes[i].inputs)
      if (input != kNoValue) value[static_cast<size_t>(input)] = true;
  }
  return node;
}

}  // namespace

TensorPtr EvaluateValue(const Graph& graph, const std::map<ValueId, TensorPtr>& known,
                        ValueId wanted) {
  std::map<ValueId, TensorPtr> values = known;
  std::vector<bool> needed = Needed(graph, known, wanted);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!needed[i]) continue;
    const Node& node = graph.nodes[i];
    std::vector<TensorPtr> inputs;
    for (ValueId id : node.inputs) {
      auto found = values.find(id);
      inputs.push_back(found != values.end() ? found->second : graph.constant(id));
      if (id != kNoValue && !inputs.back()) return nullptr;
    }
    std::vector<TensorPtr> outputs = Evaluate(node, inputs);
    if (outputs.size() < node.outputs.size()) return nullptr;
    for (size_t k = 0; k < node.outputs.size(); ++k)
      if (known.count(node.outputs[k]) == 0) values[node.outputs[k]] = outputs[k];
  }
  auto found = values.find(wanted);
  return found != values.end() ? found->second : graph.constant(wanted);
}

}  // namespace edet::graph
