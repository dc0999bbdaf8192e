#include "graph/half_precision.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace edet::graph {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// image - 100 -> Conv -> pooled gate, as in squeeze-and-excite -> Conv -> Transpose -> Sigmoid.
struct SmallNetwork {
  Graph graph;
  ValueId weights, weights_again;
};

SmallNetwork Make(const std::vector<float>& weights = {1, 2, 3, 4}) {
  SmallNetwork made;
  Graph& g = made.graph;
  const Shape shape{1, 2, 4, 4};
  TensorPtr shared = FloatTensor({2, 2, 1, 1}, weights);
  made.weights = g.AddConstant("w", shared);
  made.weights_again = g.AddConstant("w_again", shared);
  ValueId mean = g.AddConstant("mean", FloatTensor({}, {100.F}));
  ValueId image = g.AddInput("image", ElementType::kFloat32, shape);
  ValueId x = g.AddNode("Sub", "normalize", {image, mean}, ElementType::kFloat32, shape);
  x = g.AddNode("Conv", "stem", {x, made.weights}, ElementType::kFloat32, shape);
  ValueId gate = g.AddNode("GlobalAveragePool", "pool", {x}, ElementType::kFloat32, {1, 2, 1, 1});
  x = g.AddNode("Mul", "excite", {x, gate}, ElementType::kFloat32, shape);
  x = g.AddNode("Conv", "predict", {x, made.weights_again}, ElementType::kFloat32, shape);
  x = g.AddNode("Transpose", "to_nhwc", {x}, ElementType::kFloat32, {1, 4, 4, 2});
  g.MarkOutput(x, "logits");
  g.MarkOutput(g.AddNode("Sigmoid", "sigmoid", {x}, ElementType::kFloat32, {1, 4, 4, 2}), "scores");
  return made;
}

const Node* Find(const Graph& graph, const std::string& name) {
  for (const Node& node : graph.nodes) {
    if (node.name == name) return &node;
  }
  return nullptr;
}

ElementType TypeOf(const Graph& graph, const std::string& node) {
  return graph.value(Find(graph, node)->outputs[0]).type;
}

}  // namespace

// IEEE 754-2019, table of binary16: exact values, ties to even, and both ends of the range.
TEST(HalfValue, IsWhatTheBitsStandFor) {
  EXPECT_EQ(HalfValue(0x3C00), 1.F);
  EXPECT_EQ(HalfValue(0xC000), -2.F);
  EXPECT_EQ(HalfValue(0x7BFF), 65504.F);
  EXPECT_EQ(HalfValue(0x0001), 5.9604644775390625e-8F);  // the smallest
  EXPECT_EQ(HalfValue(0x03FF), 6.097555160522461e-5F);   // the largest without a leading 1
  EXPECT_EQ(HalfValue(0xFC00), -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(HalfValue(0x7E00)));
  EXPECT_TRUE(std::signbit(HalfValue(0x8000)));
  for (uint32_t bits = 0; bits < 0x7C00; ++bits)
    ASSERT_EQ(HalfBits(HalfValue(static_cast<uint16_t>(bits))), bits);
}

TEST(HalfBits, RoundsToNearestEven) {
  EXPECT_EQ(HalfBits(0.F), 0x0000);
  EXPECT_EQ(HalfBits(-0.F), 0x8000);
  EXPECT_EQ(HalfBits(1.F), 0x3C00);
  EXPECT_EQ(HalfBits(-2.F), 0xC000);
  EXPECT_EQ(HalfBits(1.F + 1.F / 2048), 0x3C00);     // a tie: down to even
  EXPECT_EQ(HalfBits(1.F + 3.F / 2048), 0x3C02);     // a tie: up to even
  EXPECT_EQ(HalfBits(1.F + 1.001F / 2048), 0x3C01);  // just over it
  EXPECT_EQ(HalfBits(1.99999F), 0x4000);             // carries into the exponent
  EXPECT_EQ(HalfBits(65504.F), 0x7BFF);
  EXPECT_EQ(HalfBits(65519.F), 0x7BFF);
  EXPECT_EQ(HalfBits(65520.F), 0x7C00);
  EXPECT_EQ(HalfBits(-kInfinity), 0xFC00);
  EXPECT_EQ(HalfBits(std::nanf("")) & 0x7C00, 0x7C00);
  EXPECT_NE(HalfBits(std::nanf("")) & 0x03FF, 0);
}

TEST(HalfBits, KeepsWhatIsBelowTheNormalRange) {
  EXPECT_EQ(HalfBits(std::ldexp(1.F, -14)), 0x0400);
  EXPECT_EQ(HalfBits(std::ldexp(1.F, -24)), 0x0001);
  EXPECT_EQ(HalfBits(std::ldexp(1.F, -25)), 0x0000);  // a tie: down to even
  EXPECT_EQ(HalfBits(std::ldexp(3.F, -25)), 0x0002);  // a tie: up to even
  EXPECT_EQ(HalfBits(std::ldexp(1.001F, -25)), 0x0001);
  EXPECT_EQ(HalfBits(std::ldexp(1023.75F, -24)), 0x0400);  // carries into the normal range
  EXPECT_EQ(HalfBits(-std::ldexp(5.F, -24)), 0x8005);
}

TEST(ToHalfPrecision, KeepsTheBordersAndTheSumInFloat32) {
  SmallNetwork made = Make();
  Result<HalfPrecisionReport> report = ToHalfPrecision(made.graph);
  ASSERT_TRUE(report.ok());
  const Graph& g = made.graph;
  EXPECT_EQ(g.value(g.inputs[0]).type, ElementType::kFloat32);
  for (ValueId output : g.outputs) EXPECT_EQ(g.value(output).type, ElementType::kFloat32);
  EXPECT_EQ(g.value(g.outputs[0]).name, "logits");
  for (const char* name : {"normalize", "pool", "sigmoid"})
    EXPECT_EQ(TypeOf(g, name), ElementType::kFloat32) << name;
  for (const char* name : {"stem", "excite", "predict", "to_nhwc"})
    EXPECT_EQ(TypeOf(g, name), ElementType::kFloat16) << name;
  EXPECT_EQ(report->nodes, 4);
  EXPECT_EQ(report->casts, 4);  // into the stem, into and out of the sum, out of the heads
}

TEST(ToHalfPrecision, GivesEachOperatorOneType) {
  Graph g = Make().graph;
  ASSERT_TRUE(ToHalfPrecision(g).ok());
  std::set<ValueId> known(g.inputs.begin(), g.inputs.end());
  std::set<std::string> names;
  for (const Node& node : g.nodes) {
    std::set<ElementType> types;
    for (ValueId id : node.inputs) {
      EXPECT_TRUE(g.value(id).constant || known.count(id) == 1) << node.name << " comes too early";
      types.insert(g.value(id).type);
    }
    if (node.op != "Cast") types.insert(g.value(node.outputs[0]).type);
    EXPECT_EQ(types.size(), 1u) << node.name;
    known.insert(node.outputs.begin(), node.outputs.end());
    EXPECT_TRUE(names.insert(g.value(node.outputs[0]).name).second) << node.name;
  }
}

TEST(ToHalfPrecision, RoundsASharedTensorOnce) {
  SmallNetwork made = Make();
  Result<HalfPrecisionReport> report = ToHalfPrecision(made.graph);
  ASSERT_TRUE(report.ok());
  const TensorPtr& weights = made.graph.value(made.weights).constant;
  EXPECT_EQ(weights, made.graph.value(made.weights_again).constant);
  EXPECT_EQ(weights->halves, (std::vector<uint16_t>{0x3C00, 0x4000, 0x4200, 0x4400}));
  EXPECT_EQ(report->weights, 4u);
  EXPECT_EQ(ParameterCount(made.graph), 5u);
}

TEST(ToHalfPrecision, KeepsAConstantThatFloat32NeedsToo) {
  SmallNetwork made = Make();
  made.graph.AddNode("Relu", "reader", {made.weights}, ElementType::kFloat32, {2, 2, 1, 1});
  ASSERT_TRUE(ToHalfPrecision(made.graph).ok());
  EXPECT_EQ(made.graph.value(made.weights).type, ElementType::kFloat32);
  EXPECT_EQ(TypeOf(made.graph, "reader"), ElementType::kFloat32);
  EXPECT_EQ(made.graph.value(Find(made.graph, "stem")->inputs[1]).name, "w/half");
}

TEST(ToHalfPrecision, LeavesWhatNeedsFloat32) {
  Graph g = Make().graph;
  auto node = std::find_if(g.nodes.begin(), g.nodes.end(), [](auto& n) { return n.op == "Mul"; });
  node->needs_float32 = true;
  ASSERT_TRUE(ToHalfPrecision(g).ok());
  EXPECT_EQ(TypeOf(g, "excite"), ElementType::kFloat32);
  EXPECT_EQ(TypeOf(g, "predict"), ElementType::kFloat16);
}

TEST(ToHalfPrecision, NamesAWeightThatIsBeyondTheRange) {
  for (float bad : {70000.F, -65520.F, kInfinity, std::nanf("")}) {
    SmallNetwork made = Make({1, bad, 3, 4});
    Result<HalfPrecisionReport> report = ToHalfPrecision(made.graph);
    ASSERT_FALSE(report.ok()) << bad;
    EXPECT_EQ(report.error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(report.error().where, "w");
    EXPECT_EQ(made.graph.nodes.size(), 7u) << "the graph must stay as it was";
    EXPECT_EQ(made.graph.value(made.weights).type, ElementType::kFloat32);
  }
}

TEST(ToHalfPrecision, CountsChannelsThatLoseTheirBits) {
  SmallNetwork made = Make({1, 1e-9F, 3e-7F, 4e-7F});
  Result<HalfPrecisionReport> report = ToHalfPrecision(made.graph);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->zeroed, 1u);
  EXPECT_EQ(report->coarse_channels, 1u);  // the second: a few multiples of 6e-8
  EXPECT_EQ(report->first_coarse, "w");
}

TEST(ToHalfPrecision, LeavesAPlanWithoutValues) {
  SmallNetwork made = Make({});
  ASSERT_TRUE(ToHalfPrecision(made.graph).ok());
  EXPECT_EQ(made.graph.value(made.weights).type, ElementType::kFloat16);
  EXPECT_TRUE(made.graph.value(made.weights).constant->halves.empty());
}

}  // namespace edet::graph
