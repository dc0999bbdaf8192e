// Passes over graphs from elsewhere: what they compute is compared with numbers worked out by hand
// or by ONNX's rules, not with the passes themselves.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "graph/evaluate.h"
#include "graph/fold_constants.h"
#include "graph/infer_shapes.h"
#include "graph/remove_identities.h"
#include "graph/remove_unused.h"
#include "graph/rewrite.h"
#include "graph/simplify_views.h"

namespace edet::graph {
namespace {

Node Operator(const std::string& op, std::map<std::string, Attribute> attributes = {},
              size_t outputs = 1) {
  Node node;
  node.op = op;
  node.attributes = std::move(attributes);
  for (size_t i = 0; i < outputs; ++i) node.outputs.push_back(static_cast<ValueId>(i));
  return node;
}

std::vector<int64_t> Ints(std::vector<int64_t> values) { return values; }

TensorPtr List(std::vector<int64_t> values) {
  Shape shape{static_cast<int64_t>(values.size())};
  return Int64Tensor(shape, std::move(values));
}

TensorPtr One(const Node& node, const std::vector<TensorPtr>& inputs) {
  std::vector<TensorPtr> outputs = Evaluate(node, inputs);
  return outputs.size() == 1 ? outputs[0] : nullptr;
}

}  // namespace

TEST(Evaluate, SlicesAsOnnxSaysWithNegativeStepsAndFarBounds) {
  TensorPtr x = Int64Tensor({2, 4}, {0, 1, 2, 3, 10, 11, 12, 13});
  constexpr int64_t kFar = std::numeric_limits<int64_t>::max();
  TensorPtr y = One(Operator("Slice"), {x, List({1}), List({kFar}), List({1}), List({2})});
  ASSERT_TRUE(y);
  EXPECT_EQ(y->shape, (Shape{2, 2}));
  EXPECT_EQ(y->integers, Ints({1, 3, 11, 13}));
  TensorPtr turned = One(Operator("Slice"), {x, List({-1}), List({-kFar}), List({1}), List({-1})});
  ASSERT_TRUE(turned);
  EXPECT_EQ(turned->integers, Ints({3, 2, 1, 0, 13, 12, 11, 10}));
  EXPECT_FALSE(One(Operator("Slice"), {x, List({0}), List({1}), List({2})})) << "no such axis";
  EXPECT_FALSE(One(Operator("Slice"), {x, List({0}), List({1}), List({1}), List({0})}));
}

TEST(Evaluate, MovesElements) {
  TensorPtr x = FloatTensor({2, 3}, {1, 2, 3, 4, 5, 6});
  TensorPtr t = One(Operator("Transpose", {{"perm", Ints({1, 0})}}), {x});
  EXPECT_EQ(t->floats, (std::vector<float>{1, 4, 2, 5, 3, 6}));
  TensorPtr g = One(Operator("Gather", {{"axis", int64_t{1}}}), {x, List({-1, 0})});
  EXPECT_EQ(g->floats, (std::vector<float>{3, 1, 6, 4}));
  TensorPtr c = One(Operator("Concat", {{"axis", int64_t{-1}}}), {x, x});
  EXPECT_EQ(c->floats, (std::vector<float>{1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6}));
  TensorPtr e = One(Operator("Expand"), {FloatTensor({2, 1}, {7, 8}), List({2, 2})});
  EXPECT_EQ(e->floats, (std::vector<float>{7, 7, 8, 8}));
  std::vector<TensorPtr> parts = Evaluate(Operator("Split", {{"axis", int64_t{1}}}, 2), {x});
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[1]->floats, (std::vector<float>{3, 6}));
}

TEST(Evaluate, ReducesAndFindsTheFirstOfEqualMaxima) {
  TensorPtr x = FloatTensor({2, 3}, {1, 5, 5, -1, -3, -2});
  TensorPtr best = One(Operator("ArgMax", {{"axis", int64_t{1}}, {"keepdims", int64_t{0}}}), {x});
  EXPECT_EQ(best->integers, Ints({1, 0}));
  EXPECT_EQ(best->shape, (Shape{2}));
  TensorPtr most = One(Operator("ReduceMax", {{"axes", Ints({0})}}), {x});
  EXPECT_EQ(most->floats, (std::vector<float>{1, 5, 5}));
  EXPECT_EQ(most->shape, (Shape{1, 3}));
}

TEST(Evaluate, RefusesWhatHasNoAnswer) {
  TensorPtr zero = List({0}), ten = List({10});
  EXPECT_FALSE(One(Operator("Div"), {ten, zero}));
  TensorPtr least = List({std::numeric_limits<int64_t>::min()});
  EXPECT_FALSE(One(Operator("Div"), {least, List({-1})}));
  TensorPtr nan = FloatTensor({1}, {std::nanf("")});
  EXPECT_FALSE(One(Operator("Cast", {{"to", int64_t{7}}}), {nan}));
  EXPECT_FALSE(One(Operator("Expand"), {zero, List({int64_t{1} << 40, int64_t{1} << 40})}));
  EXPECT_FALSE(One(Operator("ConstantOfShape"), {List({int64_t{1} << 60})}));
  EXPECT_FALSE(One(Operator("Reshape"), {ten, List({3, -1})}));
  EXPECT_FALSE(One(Operator("Transpose", {{"perm", Ints({0, 0})}}), {FloatTensor({1, 1}, {1})}));
}

// Two paddings as TensorFlow exports them: sizes out of the input's own shape.
TEST(FoldConstants, CarriesOutArithmeticOnShapes) {
  Graph g;
  ValueId x = g.AddInput("x", ElementType::kFloat32, {1, 40, 50, 3});
  ValueId shape = g.AddNode("Shape", "shape", {x}, ElementType::kInt64, {4});
  ValueId height = g.AddNode("Gather", "height", {shape, g.AddConstant("one", List({1}))},
                             ElementType::kInt64, {1});
  ValueId rest = g.AddNode("Sub", "rest", {g.AddConstant("size", List({64})), height},
                           ElementType::kInt64, {1});
  ValueId zeros = g.AddConstant("zeros", List({0, 0, 0, 0, 0}));
  ValueId more = g.AddConstant("more", List({0, 0}));
  ValueId pads = g.AddNode("Concat", "pads", {zeros, rest, more}, ElementType::kInt64, {8},
                           {{"axis", int64_t{0}}});
  ValueId y = g.AddNode("Pad", "pad", {x, pads}, ElementType::kFloat32, {});
  g.MarkOutput(y, "y");
  EXPECT_EQ(FoldConstants(g), 4);
  ASSERT_EQ(g.nodes.size(), 1u);
  EXPECT_EQ(g.value(pads).constant->integers, Ints({0, 0, 0, 0, 0, 24, 0, 0}));
  EXPECT_EQ(g.shape(y), (Shape{1, 64, 50, 3}));
}

TEST(FoldConstants, WidensHalvesThatAreComputedWithInFloat32) {
  Tensor half;
  half.type = ElementType::kFloat16;
  half.shape = {3};
  half.halves = {0x3C00, 0xC000, 0x3555};  // 1, -2, the half next to a third
  Graph g;
  Value weights;
  weights.name = "w";
  weights.type = half.type;
  weights.shape = half.shape;
  weights.constant = std::make_shared<const Tensor>(half);
  g.values.push_back(weights);
  g.values.push_back({});
  g.values.push_back({});
  Node cast = Operator("Cast", {{"to", int64_t{1}}}), relu = Operator("Relu");
  cast.inputs = {0};
  cast.outputs = {1};
  relu.inputs = {1};
  relu.outputs = {2};
  g.nodes = {cast, relu};
  g.outputs = {2};
  EXPECT_EQ(FoldConstants(g), 1);
  ASSERT_TRUE(g.constant(1));
  EXPECT_EQ(g.constant(1)->floats, (std::vector<float>{1.F, -2.F, 0.333251953125F}));
}

TEST(FoldConstants, FoldsThePartOfAShapeThatIsKnown) {
  Graph g;
  ValueId x = g.AddInput("x", ElementType::kFloat32, {kDynamic, 3, 8, 6});
  ValueId shape = g.AddNode("Shape", "shape", {x}, ElementType::kInt64, {4});
  ValueId end = g.AddNode(
      "Slice", "end", {shape, g.AddConstant("two", List({2})), g.AddConstant("four", List({4}))},
      ElementType::kInt64, {2});
  ValueId begin = g.AddNode("Gather", "begin", {shape, g.AddConstant("zero", List({0}))},
                            ElementType::kInt64, {1});
  ValueId both =
      g.AddNode("Concat", "both", {begin, end}, ElementType::kInt64, {3}, {{"axis", int64_t{0}}});
  g.MarkOutput(g.AddNode("Reshape", "reshape", {x, both}, ElementType::kFloat32, {}), "y");
  FoldConstants(g);
  ASSERT_TRUE(g.value(end).constant);
  EXPECT_EQ(g.value(end).constant->integers, Ints({8, 6}));
  EXPECT_FALSE(g.value(begin).constant) << "the batch is free";
}

TEST(InferShapes, SettlesMinusOneBesideAFreeBatch) {
  Graph g;
  ValueId x = g.AddInput("x", ElementType::kFloat32, {kDynamic, 4, 4, 18});
  ValueId y = g.AddNode("Reshape", "y", {x, g.AddConstant("to", List({0, -1, 2}))},
                        ElementType::kFloat32, {});
  InferShapes(g);
  EXPECT_EQ(g.shape(y), (Shape{kDynamic, 144, 2}));
}

TEST(InferShapes, CountsAFractionalScaleInFloat32) {
  Graph g;
  ValueId x = g.AddInput("x", ElementType::kFloat32, {1, 1, 3, 3});
  ValueId scales = g.AddConstant("s", FloatTensor({4}, {1, 1, 1.6666666F, 1.6666666F}));
  ValueId y = g.AddNode("Resize", "y", {x, kNoValue, scales}, ElementType::kFloat32, {});
  InferShapes(g);
  EXPECT_EQ(g.shape(y), (Shape{1, 1, 5, 5}));
}

TEST(InferShapes, SurvivesWindowsThatCannotBe) {
  for (int64_t bad : {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
    Graph g;
    ValueId x = g.AddInput("x", ElementType::kFloat32, {1, 1, 8, 8});
    ValueId y = g.AddNode("MaxPool", "y", {x}, ElementType::kFloat32, {},
                          {{"kernel_shape", Ints({2, 2})}, {"strides", Ints({bad, bad})}});
    InferShapes(g);
    EXPECT_FALSE(g.value(y).shape_known) << bad;
  }
}

TEST(RemoveIdentities, TakesWhatChangesNothingAndLeavesWhatTurns) {
  Graph g;
  ValueId x = g.AddInput("x", ElementType::kFloat32, {2, 3});
  ValueId one = g.AddConstant("one", FloatTensor({}, {1}));
  ValueId a = g.AddNode("Mul", "times_one", {one, x}, ElementType::kFloat32, {2, 3});
  ValueId b = g.AddNode("Cast", "cast", {a}, ElementType::kFloat32, {2, 3}, {{"to", int64_t{1}}});
  ValueId last = g.AddConstant("last", List({-1})), first = g.AddConstant("first", List({-9})),
          axis = g.AddConstant("axis", List({1})), back = g.AddConstant("back", List({-1}));
  ValueId turned =
      g.AddNode("Slice", "turned", {b, last, first, axis, back}, ElementType::kFloat32, {2, 3});
  g.MarkOutput(turned, "y");
  EXPECT_EQ(RemoveIdentities(g), 2);
  ASSERT_EQ(g.nodes.size(), 1u);
  EXPECT_EQ(g.nodes[0].op, "Slice");
  EXPECT_EQ(g.nodes[0].inputs[0], x);
}

TEST(RemoveIdentities, KeepsAnIdentityThatJoinsInputAndOutput) {
  Graph g;
  ValueId x = g.AddInput("x", ElementType::kFloat32, {2});
  g.MarkOutput(g.AddNode("Identity", "id", {x}, ElementType::kFloat32, {2}), "y");
  EXPECT_EQ(RemoveIdentities(g), 0);
}

// NCHW -> NHWC, swish and a bias a channel there, and back.
TEST(SimplifyViews, CancelsALayoutThatComesBack) {
  Graph g;
  ValueId x = g.AddInput("x", ElementType::kFloat32, {1, 2, 4, 4});
  ValueId t = g.AddNode("Transpose", "to_nhwc", {x}, ElementType::kFloat32, {1, 4, 4, 2},
                        {{"perm", Ints({0, 2, 3, 1})}});
  ValueId s = g.AddNode("Sigmoid", "s", {t}, ElementType::kFloat32, {1, 4, 4, 2});
  ValueId m = g.AddNode("Mul", "m", {t, s}, ElementType::kFloat32, {1, 4, 4, 2});
  ValueId bias = g.AddConstant("bias", FloatTensor({2}, {10, 20}));
  ValueId a = g.AddNode("Add", "a", {m, bias}, ElementType::kFloat32, {1, 4, 4, 2});
  ValueId back = g.AddNode("Transpose", "to_nchw", {a}, ElementType::kFloat32, {1, 2, 4, 4},
                           {{"perm", Ints({0, 3, 1, 2})}});
  g.MarkOutput(g.AddNode("Relu", "relu", {back}, ElementType::kFloat32, {1, 2, 4, 4}), "y");
  EXPECT_EQ(SimplifyViews(g), 2);
  ASSERT_EQ(g.nodes.size(), 4u);
  const Node& add = g.nodes[2];
  ASSERT_EQ(add.op, "Add");
  const Tensor& lifted = *g.value(add.inputs[1]).constant;
  EXPECT_EQ(lifted.shape, (Shape{1, 2, 1, 1})) << "the bias belongs to the channels";
  EXPECT_EQ(lifted.floats, (std::vector<float>{10, 20}));
}

TEST(SimplifyViews, MakesOneOfAChain) {
  Graph g;
  ValueId x = g.AddInput("x", ElementType::kFloat32, {1, 4, 5, 3});
  ValueId a = g.AddNode("Squeeze", "a", {x, g.AddConstant("zero", List({0}))},
                        ElementType::kFloat32, {4, 5, 3});
  ValueId b = g.AddNode("Transpose", "b", {a}, ElementType::kFloat32, {3, 4, 5},
                        {{"perm", Ints({2, 0, 1})}});
  ValueId c = g.AddNode("Unsqueeze", "c", {b, g.AddConstant("front", List({0}))},
                        ElementType::kFloat32, {1, 3, 4, 5});
  g.MarkOutput(g.AddNode("Relu", "relu", {c}, ElementType::kFloat32, {1, 3, 4, 5}), "y");
  EXPECT_EQ(SimplifyViews(g), 2);
  ASSERT_EQ(g.nodes.size(), 2u);
  EXPECT_EQ(IntsAttribute(g.nodes[0], "perm"), Ints({0, 3, 1, 2}));
}

TEST(SortNodes, SortsAndNamesACycle) {
  Graph g;
  ValueId x = g.AddInput("x", ElementType::kFloat32, {1});
  ValueId a = g.AddNode("Relu", "a", {x}, ElementType::kFloat32, {1});
  ValueId b = g.AddNode("Relu", "b", {a}, ElementType::kFloat32, {1});
  g.MarkOutput(b, "y");
  std::swap(g.nodes[0], g.nodes[1]);
  EXPECT_TRUE(SortNodes(g));
  EXPECT_EQ(g.nodes[0].name, "a");
  g.nodes[0].inputs[0] = b;
  EXPECT_FALSE(SortNodes(g));
  EXPECT_EQ(NodeInCycle(g), "a");
}

TEST(MakeNamesUnique, KeepsInputsAndOutputs) {
  Graph g;
  ValueId x = g.AddInput("x", ElementType::kFloat32, {1});
  ValueId a = g.AddNode("Relu", "y", {x}, ElementType::kFloat32, {1});
  g.MarkOutput(g.AddNode("Relu", "y", {a}, ElementType::kFloat32, {1}), "y");
  EXPECT_EQ(MakeNamesUnique(g), 2);
  EXPECT_EQ(g.value(g.outputs[0]).name, "y");
  EXPECT_EQ(g.value(a).name, "y_2");
}

}  // namespace edet::graph
