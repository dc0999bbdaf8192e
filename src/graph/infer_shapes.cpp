#include "graph/infer_shapes.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "graph/evaluate.h"

namespace edet::graph {
namespace {

// Larger than any dimension of a tensor that could exist; keeps the arithmetic from overflowing.
constexpr int64_t kLargestDimension = int64_t{1} << 40;

using MaybeShape = std::optional<Shape>;

// One node while its outputs are being found out.
class Inference {
 public:
  Inference(Graph& graph, const Node& node) : graph_(graph), node_(node) {}

  const Node& node() const { return node_; }
  bool Has(size_t i) const { return i < node_.inputs.size() && node_.inputs[i] != kNoValue; }
  MaybeShape In(size_t i) const {
    if (!Has(i) || !graph_.value(node_.inputs[i]).shape_known) return std::nullopt;
    return graph_.shape(node_.inputs[i]);
  }
  ElementType Type(size_t i) const {
    return Has(i) ? graph_.value(node_.inputs[i]).type : ElementType::kUnknown;
  }
  // The values of a constant input of integers.
  std::optional<std::vector<int64_t>> Integers(size_t i) const {
    TensorPtr constant = Has(i) ? graph_.constant(node_.inputs[i]) : nullptr;
    if (!constant || !HoldsIntegers(constant->type)) return std::nullopt;
    return constant->integers;
  }
  std::optional<std::vector<float>> Floats(size_t i) const {
    TensorPtr constant = Has(i) ? graph_.constant(node_.inputs[i]) : nullptr;
    if (!constant || constant->type != ElementType::kFloat32) return std::nullopt;
    return constant->floats;
  }
  void Out(size_t i, ElementType type, MaybeShape shape) {
    if (i >= node_.outputs.size() || node_.outputs[i] == kNoValue) return;
    Value& value = graph_.value(node_.outputs[i]);
    if (type != ElementType::kUnknown) value.type = type;
    value.shape_known = shape.has_value() && Plausible(*shape);
    value.shape = value.shape_known ? std::move(*shape) : Shape();
  }

 private:
  static bool Plausible(const Shape& shape) {
    return std::all_of(shape.begin(), shape.end(), [](int64_t dimension) {
      return dimension >= kDynamic && dimension <= kLargestDimension;
    });
  }
  Graph& graph_;
  const Node& node_;
};

bool Normalize(int64_t& axis, size_t rank) {
  auto signed_rank = static_cast<int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) return false;
  if (axis < 0) axis += signed_rank;
  return true;
}

void SameAsFirst(Inference& n) { n.Out(0, n.Type(0), n.In(0)); }

MaybeShape BroadcastAll(Inference& n, size_t first) {
  MaybeShape shape = n.In(first);
  for (size_t i = first + 1; i < n.node().inputs.size() && shape; ++i) {
    MaybeShape next = n.In(i);
    Shape both;
    if (!next || !Broadcast(*shape, *next, both)) return std::nullopt;
    shape = both;
  }
  return shape;
}

void Elementwise(Inference& n) { n.Out(0, n.Type(0), BroadcastAll(n, 0)); }
void Comparison(Inference& n) { n.Out(0, ElementType::kBool, BroadcastAll(n, 0)); }
void Where(Inference& n) { n.Out(0, n.Type(1), BroadcastAll(n, 0)); }

ElementType TypeOfOnnx(int64_t number) {
  switch (number) {
    case 1:
      return ElementType::kFloat32;
    case 2:
      return ElementType::kUint8;
    case 3:
      return ElementType::kInt8;
    case 4:
      return ElementType::kUint16;
    case 5:
      return ElementType::kInt16;
    case 6:
      return ElementType::kInt32;
    case 7:
      return ElementType::kInt64;
    case 8:
      return ElementType::kString;
    case 9:
      return ElementType::kBool;
    case 10:
      return ElementType::kFloat16;
    case 11:
      return ElementType::kFloat64;
    case 12:
      return ElementType::kUint32;
    case 13:
      return ElementType::kUint64;
    case 16:
      return ElementType::kBfloat16;
    default:
      return ElementType::kUnknown;
  }
}

void Cast(Inference& n) { n.Out(0, TypeOfOnnx(IntAttribute(n.node(), "to", 0)), n.In(0)); }

// --- Windows ---

struct Windows {
  std::vector<int64_t> kernel, strides, dilations, pads;
};

bool Positive(const std::vector<int64_t>& values, size_t count) {
  return values.size() == count && std::all_of(values.begin(), values.end(), [](int64_t v) {
           return v > 0 && v < (int64_t{1} << 31);
         });
}

bool ReadWindows(const Node& node, std::vector<int64_t> kernel, size_t spatial, Windows& windows) {
  std::vector<int64_t> ones(spatial, 1), zeros(2 * spatial, 0);
  windows.kernel = std::move(kernel);
  windows.strides = IntsAttribute(node, "strides", ones);
  windows.dilations = IntsAttribute(node, "dilations", ones);
  windows.pads = IntsAttribute(node, "pads", zeros);
  bool pads = windows.pads.size() == 2 * spatial &&
              std::all_of(windows.pads.begin(), windows.pads.end(),
                          [](int64_t pad) { return pad >= 0 && pad < (int64_t{1} << 31); });
  return pads && Positive(windows.kernel, spatial) && Positive(windows.strides, spatial) &&
         Positive(windows.dilations, spatial);
}

int64_t WindowCount(const Node& node, const Windows& windows, size_t i, int64_t size) {
  if (size == kDynamic) return kDynamic;
  std::string auto_pad = StringAttribute(node, "auto_pad", "NOTSET");
  int64_t stride = windows.strides[i];
  if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") return (size + stride - 1) / stride;
  int64_t extent = windows.dilations[i] * (windows.kernel[i] - 1) + 1;
  size_t spatial = windows.kernel.size();
  int64_t padding = auto_pad == "VALID" ? 0 : windows.pads[i] + windows.pads[i + spatial];
  int64_t room = size + padding - extent;
  if (room < 0) return kDynamic;
  bool ceil = IntAttribute(node, "ceil_mode", 0) != 0;
  return (ceil ? (room + stride - 1) / stride : room / stride) + 1;
}

void Convolution(Inference& n) {
  MaybeShape x = n.In(0), w = n.In(1);
  MaybeShape result;
  if (x && w && x->size() == w->size() && x->size() > 2) {
    size_t spatial = x->size() - 2;
    Windows windows;
    if (ReadWindows(n.node(), {w->begin() + 2, w->end()}, spatial, windows)) {
      result = Shape{(*x)[0], (*w)[0]};
      for (size_t i = 0; i < spatial; ++i)
        result->push_back(WindowCount(n.node(), windows, i, (*x)[i + 2]));
    }
  }
  n.Out(0, n.Type(0), result);
}

void Pool(Inference& n) {
  MaybeShape x = n.In(0), result;
  if (x && x->size() > 2) {
    size_t spatial = x->size() - 2;
    Windows windows;
    if (ReadWindows(n.node(), IntsAttribute(n.node(), "kernel_shape"), spatial, windows)) {
      result = Shape{(*x)[0], (*x)[1]};
      for (size_t i = 0; i < spatial; ++i)
        result->push_back(WindowCount(n.node(), windows, i, (*x)[i + 2]));
    }
  }
  n.Out(0, n.Type(0), result);
  n.Out(1, ElementType::kInt64, result);
}

void GlobalPool(Inference& n) {
  MaybeShape x = n.In(0);
  if (x && x->size() >= 2) std::fill(x->begin() + 2, x->end(), 1);
  n.Out(0, n.Type(0), x);
}

// --- Shapes ---

// What a Reshape to constants gives; -1 is settled where everything else is known, or is a free
// dimension that 0 takes over as it is.
MaybeShape Reshaped(const MaybeShape& x, Shape shape, bool zero_is_zero) {
  int64_t known = 1, total = 1, open = -1;
  bool settled = x.has_value();
  std::vector<bool> taken(x ? x->size() : 0, false);
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1) open = static_cast<int64_t>(i);
    if (shape[i] == 0 && !zero_is_zero) {
      bool there = x && i < x->size();
      shape[i] = there ? (*x)[i] : kDynamic;
      if (there) taken[i] = true;
    } else if (shape[i] > 0 && __builtin_mul_overflow(known, shape[i], &known)) {
      return std::nullopt;
    }
  }
  for (size_t i = 0; x && i < x->size(); ++i) {
    if (taken[i]) continue;
    settled = settled && (*x)[i] >= 0 && !__builtin_mul_overflow(total, (*x)[i], &total);
  }
  if (open >= 0 && settled && known > 0 && total % known == 0)
    shape[static_cast<size_t>(open)] = total / known;
  return shape;
}

void Reshape(Inference& n) {
  MaybeShape target = n.Integers(1), length = n.In(1);
  if (target) {
    bool zero_is_zero = IntAttribute(n.node(), "allowzero", 0) != 0;
    return n.Out(0, n.Type(0), Reshaped(n.In(0), *target, zero_is_zero));
  }
  bool rank_known = length && length->size() == 1 && (*length)[0] >= 0 && (*length)[0] <= 16;
  MaybeShape free;
  if (rank_known) free = Shape(static_cast<size_t>((*length)[0]), kDynamic);
  n.Out(0, n.Type(0), free);
}

void Flatten(Inference& n) {
  MaybeShape x = n.In(0);
  if (!x) return n.Out(0, n.Type(0), {});
  int64_t axis = IntAttribute(n.node(), "axis", 1);
  if (axis < 0) axis += static_cast<int64_t>(x->size());
  Shape shape{1, 1};
  for (size_t i = 0; i < x->size(); ++i) {
    int64_t& side = shape[static_cast<int64_t>(i) < axis ? 0 : 1];
    if (side == kDynamic || (*x)[i] == kDynamic) {
      side = kDynamic;
    } else if (__builtin_mul_overflow(side, (*x)[i], &side)) {
      return n.Out(0, n.Type(0), {});
    }
  }
  n.Out(0, n.Type(0), shape);
}

void Transpose(Inference& n) {
  MaybeShape x = n.In(0);
  if (!x) return n.Out(0, n.Type(0), {});
  std::vector<int64_t> order;
  for (size_t i = x->size(); i-- > 0;) order.push_back(static_cast<int64_t>(i));
  order = IntsAttribute(n.node(), "perm", order);
  Shape shape;
  for (int64_t axis : order) {
    if (!Normalize(axis, x->size())) return n.Out(0, n.Type(0), {});
    shape.push_back((*x)[static_cast<size_t>(axis)]);
  }
  n.Out(0, n.Type(0), shape.size() == x->size() ? MaybeShape(shape) : std::nullopt);
}

void Squeeze(Inference& n) {
  MaybeShape x = n.In(0), axes = n.Integers(1);
  if (!x || (n.Has(1) && !axes)) return n.Out(0, n.Type(0), {});
  Shape shape;
  for (int64_t& axis : axes.value_or(Shape()))
    if (!Normalize(axis, x->size())) return n.Out(0, n.Type(0), {});
  for (size_t i = 0; i < x->size(); ++i) {
    bool named = false;
    for (int64_t axis : axes.value_or(Shape()))
      named = named || axis == static_cast<int64_t>(i) ||
              axis + static_cast<int64_t>(x->size()) == static_cast<int64_t>(i);
    if (!axes && (*x)[i] == kDynamic) return n.Out(0, n.Type(0), {});
    if (!(named || (!axes && (*x)[i] == 1))) shape.push_back((*x)[i]);
  }
  n.Out(0, n.Type(0), shape);
}

void Unsqueeze(Inference& n) {
  MaybeShape x = n.In(0), axes = n.Integers(1);
  if (!x || !axes || axes->size() > 16) return n.Out(0, n.Type(0), {});
  for (int64_t& axis : *axes)
    if (!Normalize(axis, x->size() + axes->size())) return n.Out(0, n.Type(0), {});
  std::sort(axes->begin(), axes->end());
  for (int64_t axis : *axes) {
    if (axis > static_cast<int64_t>(x->size())) return n.Out(0, n.Type(0), {});
    x->insert(x->begin() + axis, 1);
  }
  n.Out(0, n.Type(0), x);
}

void ShapeOf(Inference& n) {
  MaybeShape x = n.In(0), result;
  if (x && n.node().attributes.empty()) result = Shape{static_cast<int64_t>(x->size())};
  n.Out(0, ElementType::kInt64, result);
}

void Scalar(Inference& n) { n.Out(0, ElementType::kInt64, Shape()); }

void Slice(Inference& n) {
  MaybeShape x = n.In(0), starts = n.Integers(1), ends = n.Integers(2), axes = n.Integers(3),
             steps = n.Integers(4);
  if (!x) return n.Out(0, n.Type(0), {});
  bool known = starts && ends && (axes || !n.Has(3)) && (steps || !n.Has(4));
  if (!known) return n.Out(0, n.Type(0), Shape(x->size(), kDynamic));
  Shape assumed = *x;  // a free dimension stands in as 0; its count is not used
  for (int64_t& dimension : assumed)
    if (dimension == kDynamic) dimension = 0;
  std::vector<SlicedAxis> sliced;
  if (!ResolveSlice(assumed, *starts, *ends, axes.value_or(Shape()), steps.value_or(Shape()),
                    sliced))
    return n.Out(0, n.Type(0), {});
  for (size_t i = 0; i < x->size(); ++i)
    if ((*x)[i] != kDynamic) (*x)[i] = sliced[i].count;
  n.Out(0, n.Type(0), x);
}

void Gather(Inference& n) {
  MaybeShape x = n.In(0), indices = n.In(1);
  int64_t axis = IntAttribute(n.node(), "axis", 0);
  if (!x || !indices || !Normalize(axis, x->size())) return n.Out(0, n.Type(0), {});
  Shape shape(x->begin(), x->begin() + axis);
  shape.insert(shape.end(), indices->begin(), indices->end());
  shape.insert(shape.end(), x->begin() + axis + 1, x->end());
  n.Out(0, n.Type(0), shape);
}

void Concat(Inference& n) {
  MaybeShape shape = n.In(0);
  int64_t axis = IntAttribute(n.node(), "axis", 0);
  if (!shape || !Normalize(axis, shape->size())) return n.Out(0, n.Type(0), {});
  auto at = static_cast<size_t>(axis);
  for (size_t part = 1; part < n.node().inputs.size(); ++part) {
    MaybeShape next = n.In(part);
    if (!next || next->size() != shape->size()) return n.Out(0, n.Type(0), {});
    for (size_t i = 0; i < shape->size(); ++i) {
      int64_t &own = (*shape)[i], other = (*next)[i];
      if (i == at) {
        own = own == kDynamic || other == kDynamic ? kDynamic : own + other;
      } else if (own == kDynamic) {
        own = other;
      }
    }
  }
  n.Out(0, n.Type(0), shape);
}

void Split(Inference& n) {
  MaybeShape x = n.In(0), sizes = n.Integers(1);
  int64_t axis = IntAttribute(n.node(), "axis", 0);
  bool known = x && Normalize(axis, x->size()) && (sizes || !n.Has(1));
  auto parts = static_cast<int64_t>(n.node().outputs.size());
  for (size_t i = 0; i < n.node().outputs.size(); ++i) {
    if (!known || (sizes && sizes->size() != n.node().outputs.size())) {
      n.Out(i, n.Type(0), {});
      continue;
    }
    Shape shape = *x;
    int64_t& length = shape[static_cast<size_t>(axis)];
    int64_t each = length == kDynamic ? kDynamic : (length + parts - 1) / parts;
    if (sizes) {
      length = (*sizes)[i];
    } else if (length != kDynamic) {
      length = std::max<int64_t>(std::min(each, length - static_cast<int64_t>(i) * each), 0);
    }
    n.Out(i, n.Type(0), shape);
  }
}

void Pad(Inference& n) {
  MaybeShape x = n.In(0), pads = n.Integers(1);
  if (!x) return n.Out(0, n.Type(0), {});
  bool known = pads && pads->size() == 2 * x->size();
  for (size_t i = 0; i < x->size(); ++i) {
    int64_t grown = 0;
    bool bad = !known || (*x)[i] == kDynamic ||
               __builtin_add_overflow((*pads)[i], (*pads)[i + x->size()], &grown) ||
               __builtin_add_overflow((*x)[i], grown, &grown) || grown < 0;
    (*x)[i] = bad ? kDynamic : grown;
  }
  n.Out(0, n.Type(0), x);
}

void Resize(Inference& n) {
  MaybeShape x = n.In(0), sizes = n.Integers(3);
  auto scales = n.Floats(2);
  if (!x) return n.Out(0, n.Type(0), {});
  if (sizes && sizes->size() == x->size()) return n.Out(0, n.Type(0), sizes);
  bool known = !n.Has(3) && scales && scales->size() == x->size();
  for (size_t i = 0; i < x->size(); ++i) {
    if ((*x)[i] == kDynamic) continue;
    // In float32, as the engines do: 3 * 1.6666666 is 5 there.
    float grown = known ? std::floor(static_cast<float>((*x)[i]) * (*scales)[i]) : -1.F;
    (*x)[i] = grown >= 0.F && grown < 1e12F ? static_cast<int64_t>(grown) : kDynamic;
  }
  n.Out(0, n.Type(0), x);
}

void Expand(Inference& n) {
  MaybeShape x = n.In(0), target = n.Integers(1), shape;
  Shape both;
  if (x && target && Broadcast(*x, *target, both)) shape = both;
  n.Out(0, n.Type(0), shape);
}

void Tile(Inference& n) {
  MaybeShape x = n.In(0), times = n.Integers(1);
  if (!x) return n.Out(0, n.Type(0), {});
  bool known = times && times->size() == x->size();
  for (size_t i = 0; i < x->size(); ++i) {
    bool bad = !known || (*x)[i] == kDynamic || (*times)[i] < 0 ||
               __builtin_mul_overflow((*x)[i], (*times)[i], &(*x)[i]);
    if (bad) (*x)[i] = kDynamic;
  }
  n.Out(0, n.Type(0), x);
}

void ConstantOfShape(Inference& n) {
  ElementType type = ElementType::kFloat32;
  auto found = n.node().attributes.find("value");
  if (found != n.node().attributes.end()) {
    const TensorPtr* value = std::get_if<TensorPtr>(&found->second);
    type = value != nullptr && *value ? (*value)->type : ElementType::kUnknown;
  }
  n.Out(0, type, n.Integers(0));
}

void Range(Inference& n) { n.Out(0, n.Type(0), Shape{kDynamic}); }

// --- Reductions and the rest ---

void ReduceOver(Inference& n, ElementType type, MaybeShape axes) {
  MaybeShape x = n.In(0);
  if (!x || !axes) return n.Out(0, type, {});
  bool keep = IntAttribute(n.node(), "keepdims", 1) != 0;
  std::vector<bool> reduced(x->size(), axes->empty());
  for (int64_t axis : *axes) {
    if (!Normalize(axis, x->size())) return n.Out(0, type, {});
    reduced[static_cast<size_t>(axis)] = true;
  }
  Shape shape;
  for (size_t i = 0; i < x->size(); ++i) {
    if (reduced[i] && keep) shape.push_back(1);
    if (!reduced[i]) shape.push_back((*x)[i]);
  }
  n.Out(0, type, shape);
}

void Reduce(Inference& n) {
  MaybeShape axes = IntsAttribute(n.node(), "axes");
  if (n.Has(1)) axes = n.Integers(1);
  if (axes && axes->empty() && IntAttribute(n.node(), "noop_with_empty_axes", 0) != 0)
    return SameAsFirst(n);
  ReduceOver(n, n.Type(0), axes);
}

void ArgReduce(Inference& n) {
  ReduceOver(n, ElementType::kInt64, Shape{IntAttribute(n.node(), "axis", 0)});
}

void TopK(Inference& n) {
  MaybeShape x = n.In(0), k = n.Integers(1);
  int64_t axis = IntAttribute(n.node(), "axis", -1);
  if (x && Normalize(axis, x->size()))
    (*x)[static_cast<size_t>(axis)] = k && k->size() == 1 ? (*k)[0] : kDynamic;
  n.Out(0, n.Type(0), x);
  n.Out(1, ElementType::kInt64, x);
}

void MatrixProduct(Inference& n) {
  MaybeShape a = n.In(0), b = n.In(1), result;
  if (a && b && a->size() >= 2 && b->size() >= 2) {
    Shape outer;
    if (Broadcast({a->begin(), a->end() - 2}, {b->begin(), b->end() - 2}, outer)) {
      outer.push_back((*a)[a->size() - 2]);
      outer.push_back(b->back());
      result = outer;
    }
  }
  n.Out(0, n.Type(0), result);
}

void Gemm(Inference& n) {
  MaybeShape a = n.In(0), b = n.In(1), result;
  if (a && b && a->size() == 2 && b->size() == 2) {
    bool flip_a = IntAttribute(n.node(), "transA", 0) != 0,
         flip_b = IntAttribute(n.node(), "transB", 0) != 0;
    result = Shape{(*a)[flip_a ? 1 : 0], (*b)[flip_b ? 0 : 1]};
  }
  n.Out(0, n.Type(0), result);
}

void NonMaxSuppression(Inference& n) { n.Out(0, ElementType::kInt64, Shape{kDynamic, 3}); }

void EfficientNms(Inference& n) {
  MaybeShape boxes = n.In(0);
  int64_t batch = boxes && !boxes->empty() ? (*boxes)[0] : kDynamic;
  int64_t most = IntAttribute(n.node(), "max_output_boxes", kDynamic);
  n.Out(0, ElementType::kInt32, Shape{batch, 1});
  n.Out(1, n.Type(0), Shape{batch, most, 4});
  n.Out(2, n.Type(0), Shape{batch, most});
  n.Out(3, ElementType::kInt32, Shape{batch, most});
}

void Dropout(Inference& n) {
  SameAsFirst(n);
  n.Out(1, ElementType::kBool, n.In(0));
}

using Rule = void (*)(Inference&);
const std::unordered_map<std::string, Rule>& Rules() {
  static const std::unordered_map<std::string, Rule> table = [] {
    std::unordered_map<std::string, Rule> made = {{"ArgMax", ArgReduce},
                                                  {"ArgMin", ArgReduce},
                                                  {"AveragePool", Pool},
                                                  {"Cast", Cast},
                                                  {"Concat", Concat},
                                                  {"ConstantOfShape", ConstantOfShape},
                                                  {"Conv", Convolution},
                                                  {"Dropout", Dropout},
                                                  {"EfficientNMS_TRT", EfficientNms},
                                                  {"Expand", Expand},
                                                  {"Flatten", Flatten},
                                                  {"Gather", Gather},
                                                  {"Gemm", Gemm},
                                                  {"GlobalAveragePool", GlobalPool},
                                                  {"GlobalMaxPool", GlobalPool},
                                                  {"MatMul", MatrixProduct},
                                                  {"MaxPool", Pool},
                                                  {"NonMaxSuppression", NonMaxSuppression},
                                                  {"Pad", Pad},
                                                  {"Range", Range},
                                                  {"Reshape", Reshape},
                                                  {"Resize", Resize},
                                                  {"Shape", ShapeOf},
                                                  {"Size", Scalar},
                                                  {"Slice", Slice},
                                                  {"Split", Split},
                                                  {"Squeeze", Squeeze},
                                                  {"Tile", Tile},
                                                  {"TopK", TopK},
                                                  {"Transpose", Transpose},
                                                  {"Unsqueeze", Unsqueeze},
                                                  {"Where", Where}};
    for (const char* op : {"Abs",        "BatchNormalization",
                           "Ceil",       "Clip",
                           "CumSum",     "Elu",
                           "Erf",        "Exp",
                           "Floor",      "HardSigmoid",
                           "HardSwish",  "Identity",
                           "LeakyRelu",  "Log",
                           "LogSoftmax", "Neg",
                           "Not",        "PRelu",
                           "Reciprocal", "Relu",
                           "Round",      "Sigmoid",
                           "Sign",       "Softmax",
                           "Softplus",   "Sqrt",
                           "Tanh",       "InstanceNormalization"})
      made[op] = SameAsFirst;
    for (const char* op : {"Add", "Sub", "Mul", "Div", "Pow", "Mod", "And", "Or", "Xor", "Min",
                           "Max", "Sum", "Mean"})
      made[op] = Elementwise;
    for (const char* op : {"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"})
      made[op] = Comparison;
    for (const char* op : {"ReduceMax", "ReduceMin", "ReduceMean", "ReduceProd", "ReduceSum",
                           "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp"})
      made[op] = Reduce;
    return made;
  }();
  return table;
}

}  // namespace

void InferNode(Graph& graph, const Node& node) {
  Inference inference(graph, node);
  auto found = node.domain.empty() ? Rules().find(node.op) : Rules().end();
  if (found != Rules().end() && inference.Has(0)) {
    found->second(inference);
    return;
  }
  for (size_t i = 0; i < node.outputs.size(); ++i)
    inference.Out(i, ElementType::kUnknown, std::nullopt);
}

void InferShapes(Graph& graph) {
  for (const Node& node : graph.nodes) InferNode(graph, node);
}

bool IsStatic(const Value& value) {
  return value.shape_known && std::all_of(value.shape.begin(), value.shape.end(),
                                          [](int64_t dimension) { return dimension >= 0; });
}

}  // namespace edet::graph
