#include "graph/graph.h"

#include <gtest/gtest.h>

#include <cmath>

#include "graph/fold_batch_norm.h"
#include "graph/remove_unused.h"

namespace edet::graph {
namespace {

struct ConvBatchNorm {
  Graph graph;
  ValueId conv, norm;
};

ConvBatchNorm Make(std::vector<float> weights) {
  ConvBatchNorm made;
  Graph& g = made.graph;
  ValueId x = g.AddInput("x", ElementType::kFloat32, {1, 1, 4, 4});
  ValueId w = g.AddConstant("w", FloatTensor({2, 1, 1, 1}, std::move(weights)));
  made.conv = g.AddNode("Conv", "conv", {x, w}, ElementType::kFloat32, {1, 2, 4, 4});
  ValueId gamma = g.AddConstant("gamma", FloatTensor({2}, {2, 3}));
  ValueId beta = g.AddConstant("beta", FloatTensor({2}, {0.5F, -1}));
  ValueId mean = g.AddConstant("mean", FloatTensor({2}, {1, 2}));
  ValueId variance = g.AddConstant("variance", FloatTensor({2}, {4, 9}));
  made.norm = g.AddNode("BatchNormalization", "norm", {made.conv, gamma, beta, mean, variance},
                        ElementType::kFloat32, {1, 2, 4, 4}, {{"epsilon", 0.F}});
  g.MarkOutput(made.norm, "y");
  return made;
}

}  // namespace

TEST(FoldBatchNorm, ComputesTheFormula) {
  Graph g = Make({10, 20}).graph;
  EXPECT_EQ(FoldBatchNorm(g), 1);
  ASSERT_EQ(g.nodes.size(), 1u);
  const Node& conv = g.nodes[0];
  EXPECT_EQ(g.value(conv.outputs[0]).name, "y");
  EXPECT_EQ(g.value(conv.inputs[1]).constant->floats,
            (std::vector<float>{10, 20}));  // 10*2/2, 20*3/3
  EXPECT_EQ(g.value(conv.inputs[2]).constant->floats,
            (std::vector<float>{-0.5F, -3}));  // 0.5-1*1, -1-2*1
}

TEST(FoldBatchNorm, LeavesAConvThatOthersRead) {
  ConvBatchNorm made = Make({1, 1});
  made.graph.MarkOutput(made.conv, "z");
  EXPECT_EQ(FoldBatchNorm(made.graph), 0);
  EXPECT_EQ(made.graph.nodes.size(), 2u);
}

TEST(FoldBatchNorm, LeavesAPlanWithoutValues) {
  Graph g = Make({}).graph;
  EXPECT_EQ(FoldBatchNorm(g), 0);
}

TEST(RemoveUnused, DropsNodesAndFreesConstants) {
  Graph g = Make({1, 1}).graph;
  ValueId extra = g.AddConstant("extra", FloatTensor({1}, {1}));
  g.AddNode("Relu", "dead", {extra}, ElementType::kFloat32, {1});
  EXPECT_EQ(RemoveUnused(g), 1);
  EXPECT_EQ(g.value(extra).constant, nullptr);
  EXPECT_EQ(ParameterCount(g), 2u + 8u);
}

}  // namespace edet::graph
