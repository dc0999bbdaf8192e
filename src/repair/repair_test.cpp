#include "repair/repair.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "graph/evaluate.h"
#include "onnx/read_graph.h"
#include "repair/heads.h"
#include "repair/repairs.h"
#include "testing/reference_data.h"

namespace edet::repair {
namespace {

using efficientdet::NmsKind;
using graph::ElementType;
using graph::Graph;
using graph::kDynamic;
using graph::Shape;
using graph::ValueId;

graph::TensorPtr List(std::vector<int64_t> values) {
  Shape shape{static_cast<int64_t>(values.size())};
  return graph::Int64Tensor(shape, std::move(values));
}

int CountOf(const Graph& g, const std::string& op) {
  return static_cast<int>(
      std::count_if(g.nodes.begin(), g.nodes.end(), [&](auto& node) { return node.op == op; }));
}

const Step* Find(const Report& report, const std::string& name) {
  for (const Step& step : report.steps)
    if (step.name == name) return &step;
  return nullptr;
}

// A uint8 picture of any size, scaled into 32 x 48 and padded as TensorFlow exports it, then a
// convolution.
struct SmallExport {
  Graph graph;
  ValueId image = 0;
};

SmallExport MakeExport(bool padded = true) {
  SmallExport made;
  Graph& g = made.graph;
  constexpr int64_t kOnnxFloat = 1;
  made.image = g.AddInput("image", ElementType::kUint8, {1, kDynamic, kDynamic, 3});
  ValueId x =
      g.AddNode("Cast", "cast", {made.image}, ElementType::kFloat32, {}, {{"to", kOnnxFloat}});
  if (padded) {
    ValueId shape = g.AddNode("Shape", "shape", {x}, ElementType::kInt64, {4});
    ValueId size =
        g.AddNode("Slice", "size",
                  {shape, g.AddConstant("one", List({1})), g.AddConstant("three", List({3}))},
                  ElementType::kInt64, {2});
    ValueId most = g.AddConstant("most", List({32, 48}));
    ValueId fits = g.AddNode("Min", "fits", {size, most}, ElementType::kInt64, {2});
    ValueId zero = g.AddConstant("zero", List({0, 0}));
    ValueId whole = g.AddConstant("axes", List({1, 2}));
    x = g.AddNode("Slice", "crop", {x, zero, fits, whole}, ElementType::kFloat32, {});
    ValueId missing = g.AddNode("Sub", "missing", {most, fits}, ElementType::kInt64, {2});
    ValueId head = g.AddConstant("head", List({0, 0, 0, 0, 0})),
            tail = g.AddConstant("tail", List({0}));
    ValueId pads = g.AddNode("Concat", "pads", {head, missing, tail}, ElementType::kInt64, {8},
                             {{"axis", int64_t{0}}});
    x = g.AddNode("Pad", "pad", {x, pads}, ElementType::kFloat32, {});
  }
  x = g.AddNode("Transpose", "nchw", {x}, ElementType::kFloat32, {},
                {{"perm", std::vector<int64_t>{0, 3, 1, 2}}});
  ValueId w = g.AddConstant("w", graph::FloatTensor({2, 3, 1, 1}, {1, 2, 3, 4, 5, 6}));
  g.MarkOutput(g.AddNode("Conv", "conv", {x, w}, ElementType::kFloat32, {}), "y");
  return made;
}

Report Repair(Graph& graph, const RepairOptions& options = {}) {
  Result<Report> report = RepairGraph(graph, options);
  EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().ToString());
  return report.ok() ? *report : Report();
}

}  // namespace

TEST(Repair, FindsTheSizeThatAPictureIsPaddedTo) {
  SmallExport made = MakeExport();
  Repair(made.graph);
  const Graph& g = made.graph;
  EXPECT_EQ(g.shape(made.image), (Shape{1, 32, 48, 3}));
  EXPECT_EQ(g.value(made.image).type, ElementType::kFloat32);
  ASSERT_EQ(g.nodes.size(), 2u);
  EXPECT_EQ(g.nodes[0].op, "Transpose");
  EXPECT_EQ(g.shape(g.outputs[0]), (Shape{1, 2, 32, 48}));
}

TEST(Repair, LeavesANetworkOfAnySizeUntilItIsTold) {
  SmallExport made = MakeExport(false);
  Report report = Repair(made.graph);
  ASSERT_FALSE(report.left.empty());
  EXPECT_NE(report.left[0].find("--size"), std::string::npos);
  EXPECT_EQ(made.graph.shape(made.image)[1], kDynamic);
  RepairOptions options;
  options.image_size = ImageSize{64, 96};
  Repair(made.graph, options);
  EXPECT_EQ(made.graph.shape(made.image), (Shape{1, 64, 96, 3}));
}

TEST(Repair, RefusesASizeThatTheNetworkHasNot) {
  SmallExport made = MakeExport();
  RepairOptions options;
  options.image_size = ImageSize{64, 96};
  Result<Report> report = RepairGraph(made.graph, options);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(report.error().what.find("48x32"), std::string::npos) << report.error().what;
}

TEST(Repair, LeavesIntegersThatAreUsedAsIntegers) {
  SmallExport made = MakeExport();
  Graph& g = made.graph;
  ValueId again = g.AddNode("BitShift", "shift", {made.image, made.image}, ElementType::kUint8,
                            {1, kDynamic, kDynamic, 3});
  g.MarkOutput(again, "shifted");
  Report report = Repair(g);
  EXPECT_EQ(g.value(made.image).type, ElementType::kUint8);
  EXPECT_EQ(Find(report, "integer-input")->changes, 0);
}

TEST(Repair, TurnsTheInputToNchw) {
  SmallExport made = MakeExport();
  RepairOptions options;
  options.nchw = true;
  Repair(made.graph, options);
  EXPECT_EQ(made.graph.shape(made.image), (Shape{1, 3, 32, 48}));
  ASSERT_EQ(made.graph.nodes.size(), 1u) << "there and back is nothing";
  EXPECT_EQ(made.graph.nodes[0].op, "Conv");
}

TEST(Repair, DoesOnlyWhatItIsAskedFor) {
  SmallExport made = MakeExport();
  RepairOptions options;
  options.only = {"integer-input"};
  Report report = Repair(made.graph, options);
  ASSERT_EQ(report.steps.size(), 1u);
  EXPECT_EQ(made.graph.shape(made.image)[1], kDynamic);
  options.only = {"integer-imput"};
  Result<Report> wrong = RepairGraph(made.graph, options);
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.error().hint.find("integer-input"), std::string::npos);
}

TEST(Repair, MakesResizeOfUpsample) {
  Graph g;
  ValueId x = g.AddInput("x", ElementType::kFloat32, {1, 1, 2, 2});
  ValueId scales = g.AddConstant("scales", graph::FloatTensor({4}, {1, 1, 2, 2}));
  g.MarkOutput(g.AddNode("Upsample", "up", {x, scales}, ElementType::kFloat32, {},
                         {{"mode", std::string("nearest")}}),
               "y");
  Repair(g);
  ASSERT_EQ(g.nodes.size(), 1u);
  EXPECT_EQ(g.nodes[0].op, "Resize");
  EXPECT_EQ(StringAttribute(g.nodes[0], "coordinate_transformation_mode", ""), "asymmetric");
  EXPECT_EQ(StringAttribute(g.nodes[0], "nearest_mode", ""), "floor");
  EXPECT_EQ(g.shape(g.outputs[0]), (Shape{1, 1, 4, 4}));
}

// TensorFlow: source = floor(i * 3 / 5).
TEST(Repair, MakesIndicesOfAFractionalResize) {
  Graph g;
  ValueId x = g.AddInput("x", ElementType::kFloat32, {1, 1, 3, 3});
  ValueId scales = g.AddConstant("s", graph::FloatTensor({4}, {1, 1, 1.6666666F, 1.6666666F}));
  g.MarkOutput(g.AddNode("Resize", "up", {x, graph::kNoValue, scales}, ElementType::kFloat32, {},
                         {{"mode", std::string("nearest")},
                          {"nearest_mode", std::string("floor")},
                          {"coordinate_transformation_mode", std::string("asymmetric")}}),
               "y");
  Repair(g);
  ASSERT_EQ(CountOf(g, "Gather"), 2);
  EXPECT_EQ(g.constant(g.nodes[0].inputs[1])->integers, (std::vector<int64_t>{0, 0, 1, 1, 2}));
}

TEST(Repair, PadsAsTensorFlowDoes) {
  Graph g;
  ValueId x = g.AddInput("x", ElementType::kFloat32, {1, 1, 512, 5});
  g.MarkOutput(g.AddNode("MaxPool", "pool", {x}, ElementType::kFloat32, {},
                         {{"auto_pad", std::string("SAME_UPPER")},
                          {"kernel_shape", std::vector<int64_t>{3, 3}},
                          {"strides", std::vector<int64_t>{2, 2}}}),
               "y");
  Repair(g);
  EXPECT_EQ(IntsAttribute(g.nodes[0], "pads"), (std::vector<int64_t>{0, 1, 1, 1}));
  EXPECT_EQ(g.nodes[0].attributes.count("auto_pad"), 0u);
}

TEST(Repair, NarrowsInt64Outputs) {
  Graph g;
  ValueId x = g.AddInput("x", ElementType::kFloat32, {1, 4});
  g.MarkOutput(
      g.AddNode("ArgMax", "best", {x}, ElementType::kInt64, {1, 1}, {{"axis", int64_t{1}}}),
      "class");
  Repair(g);
  EXPECT_EQ(g.value(g.outputs[0]).type, ElementType::kInt32);
  EXPECT_EQ(g.value(g.outputs[0]).name, "class");
}

class GoldenExport : public ::testing::Test {
 protected:
  void SetUp() override {
    EDET_SKIP_WITHOUT("golden/d0/d0_tf2onnx_raw.onnx");
    Result<onnx_format::ForeignModel> read =
        onnx_format::ReadGraph(edet::testing::ReferenceData() / "golden/d0/d0_tf2onnx_raw.onnx");
    ASSERT_TRUE(read.ok()) << read.error().ToString();
    graph_ = std::move(read->graph);
  }
  Graph graph_;
};

TEST_F(GoldenExport, BecomesAsSmallAsTheConvertersOwn) {
  RepairOptions options;
  options.nms = NmsKind::kNone;
  Report report = Repair(graph_, options);
  EXPECT_LE(graph_.nodes.size(), 616u) << "what edet convert makes of the same weights";
  EXPECT_TRUE(report.left.empty()) << report.left[0];
  EXPECT_EQ(CountOf(graph_, "BatchNormalization"), 0);
  ASSERT_EQ(graph_.outputs.size(), 2u);
  EXPECT_EQ(graph_.shape(graph_.outputs[0]), (Shape{1, 49104, 90}));
  EXPECT_EQ(graph_.shape(graph_.outputs[1]), (Shape{1, 49104, 4}));
}

TEST_F(GoldenExport, TellsItsThresholdsAndAnchors) {
  RepairOptions options;
  options.skip = {"nms-tail"};
  Repair(graph_, options);
  Tail tail;
  std::string why;
  ASSERT_TRUE(FindTail(graph_, tail, why)) << why;
  EXPECT_FLOAT_EQ(tail.score_threshold, 0.4F);
  EXPECT_FLOAT_EQ(tail.iou_threshold, 0.5F);
  EXPECT_EQ(tail.max_detections, 100);
  EXPECT_EQ(tail.semantics, efficientdet::NmsSemantics::kAutoml);
  EXPECT_TRUE(tail.automl_anchors) << tail.anchor_note;
  auto golden =
      edet::testing::LoadNpy(edet::testing::ReferenceData() / "golden/d0/golden_anchors_yxyx.npy");
  ASSERT_EQ(tail.anchor_corners.size(), golden.floats.size());
  for (size_t i = 0; i < golden.floats.size(); ++i)
    ASSERT_NEAR(tail.anchor_corners[i], golden.floats[i], 1e-4) << i;
}

TEST_F(GoldenExport, TakesAFreeBatch) {
  RepairOptions options;
  options.batch = kDynamic;
  options.nms = NmsKind::kOnnx;
  Report report = Repair(graph_, options);
  EXPECT_TRUE(report.left.empty()) << report.left[0];
  EXPECT_EQ(graph_.shape(graph_.inputs[0]), (Shape{kDynamic, 512, 512, 3}));
  EXPECT_EQ(graph_.shape(graph_.outputs[1]), (Shape{kDynamic, 100, 4}));
}

// A decoder that is not AutoML's must not be replaced by AutoML's.
TEST_F(GoldenExport, LeavesADecoderThatComputesSomethingElse) {
  for (graph::Node& node : graph_.nodes)
    if (node.name == "truediv_9") node.op = "Sub";
  Report report = Repair(graph_);
  ASSERT_FALSE(report.left.empty());
  EXPECT_NE(report.left[0].find("not decoded as AutoML"), std::string::npos) << report.left[0];
  EXPECT_EQ(CountOf(graph_, "Exp"), 2) << "TensorFlow's own tail stays";
}

}  // namespace edet::repair
