#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "efficientdet/anchor_spec.h"
#include "efficientdet/backbone.h"
#include "efficientdet/feature_network.h"
#include "efficientdet/hparams.h"
#include "efficientdet/labels.h"
#include "efficientdet/model.h"
#include "efficientdet/untrained.h"
#include "efficientdet/variables.h"
#include "testing/reference_data.h"

namespace edet::efficientdet {
// A test's name is its model's.
static void PrintTo(const Hparams& hparams, std::ostream* out) { *out << hparams.model_name; }

namespace {

// The first value of class_net/class-0/pointwise_kernel for seed 1, by an independent reading of
// the two algorithms.
constexpr float kFirstUntrained = -0.27987117F;

std::string ShapeText(const graph::Shape& shape) {
  std::ostringstream text;
  text << '[';
  for (size_t i = 0; i < shape.size(); ++i) text << (i > 0 ? ", " : "") << shape[i];
  text << ']';
  return text.str();
}

std::map<std::string, std::string> ReadNames(const std::filesystem::path& path) {
  std::map<std::string, std::string> names;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    size_t tab = line.find('\t');
    names[line.substr(0, tab)] = line.substr(tab + 1);
  }
  return names;
}

BuildOptions Options(NmsKind kind, NmsSemantics semantics = NmsSemantics::kAutoml) {
  BuildOptions options;
  options.postprocess.kind = kind;
  options.postprocess.semantics = semantics;
  return options;
}

// Every post-processing, semantics and kind of batch.
std::vector<BuildOptions> EveryForm() {
  std::vector<BuildOptions> forms;
  for (NmsKind kind :
       {NmsKind::kNone, NmsKind::kDecoded, NmsKind::kOnnx, NmsKind::kRows, NmsKind::kPlugin}) {
    for (NmsSemantics semantics : {NmsSemantics::kAutoml, NmsSemantics::kPerClass}) {
      for (int64_t batch : {int64_t{1}, int64_t{3}, graph::kDynamic}) {
        forms.push_back(Options(kind, semantics));
        forms.back().batch = batch;
      }
    }
  }
  return forms;
}

int CountOps(const graph::Graph& graph, const std::string& op) {
  int count = 0;
  for (const graph::Node& node : graph.nodes) count += node.op == op ? 1 : 0;
  return count;
}

}  // namespace

TEST(FindModel, TakesShortAndFullNames) {
  EXPECT_EQ(FindModel("d7x")->max_level, 8);
  EXPECT_EQ(FindModel("efficientdet-lite3x")->fpn_num_filters, 200);
  Result<Hparams> wrong = FindModel("lite5");
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(wrong.error().hint, ::testing::HasSubstr("'lite0'"));
}

// Numbers of the original code (google/automl, fpn_configs.py).
TEST(BiFpnNodes, HasTheEdgesOfThePaper) {
  std::vector<FusionNode> nodes = BiFpnNodes(3, 7);
  ASSERT_EQ(nodes.size(), 8u);
  EXPECT_EQ(nodes[0].level, 6);
  EXPECT_EQ(nodes[0].inputs, (std::vector<int>{3, 4}));
  EXPECT_EQ(nodes[4].level, 4);
  EXPECT_EQ(nodes[4].inputs, (std::vector<int>{1, 7, 8}));
  EXPECT_EQ(nodes[7].inputs, (std::vector<int>{4, 11}));
  EXPECT_EQ(BiFpnNodes(3, 8)[8].inputs, (std::vector<int>{4, 6, 13}));
}

// The paper's example of a scaled backbone: B7, and a lite one whose first and last stage keep
// their length.
TEST(FindBackbone, ScalesFiltersAndRepeats) {
  BackboneConfig b7 = *FindBackbone("efficientnet-b7");
  EXPECT_EQ(b7.stem_filters, 64);
  EXPECT_EQ(b7.stages[5].repeats, 13);
  EXPECT_EQ(b7.stages[6].output_filters, 640);
  BackboneConfig lite4 = *FindBackbone("efficientnet-lite4");
  EXPECT_EQ(lite4.stem_filters, 32);
  EXPECT_EQ(lite4.stages[0].repeats, 1);
  EXPECT_EQ(lite4.stages[6].repeats, 1);
  EXPECT_FALSE(FindBackbone("resnet50").ok());
}

std::string BackboneError(const std::string& name, const std::vector<Stage>& stages) {
  Result<BackboneConfig> config = FindBackbone(name, stages);
  return config.ok() ? "" : config.error().what;
}

TEST(FindBackbone, TakesOwnStagesThatFitTogether) {
  using ::testing::HasSubstr;
  const std::vector<Stage> good = {{1, 3, 1, 1, 16, 16},
                                   {1, 3, 2, 4, 16, 24},
                                   {2, 7, 2, 4, 24, 32},
                                   {1, 5, 2, 4, 32, 48},
                                   {1, 3, 2, 4, 48, 64}};
  EXPECT_EQ(BackboneError("efficientnet-b0", good), "");
  EXPECT_EQ(FindBackbone("efficientnet-b3", good)->stem_filters, 24);
  // The lite stem stays at 16 while the first block would add it to 24.
  EXPECT_THAT(BackboneError("efficientnet-lite3", good), HasSubstr("cannot add its input"));
  std::vector<Stage> few(good.begin(), good.end() - 1);
  EXPECT_THAT(BackboneError("efficientnet-b0", few), HasSubstr("level 5 needs 4"));
  std::vector<Stage> early(good.begin() + 1, good.end());
  EXPECT_THAT(BackboneError("efficientnet-b0", early), HasSubstr("has a stride"));
  std::vector<Stage> broken = good;
  broken[0].id_skip = false;
  broken[0].output_filters = 8;
  EXPECT_EQ(BackboneError("efficientnet-b0", broken), "");
  broken[1].expand = 1;
  EXPECT_THAT(BackboneError("efficientnet-b0", broken), HasSubstr("cannot weigh"));
}

class EveryModel : public ::testing::TestWithParam<Hparams> {};

TEST_P(EveryModel, WantsTheVariablesOfTheOriginal) {
  std::string file = "golden/variable_names/" + GetParam().model_name + ".txt";
  EDET_SKIP_WITHOUT(file);
  std::map<std::string, std::string> expected = ReadNames(edet::testing::ReferenceData() / file);
  std::map<std::string, std::string> wanted;
  for (const auto& [name, shape] : WantedVariables(GetParam())) wanted[name] = ShapeText(shape);
  EXPECT_EQ(wanted, expected);
}

TEST_P(EveryModel, IsPlannedWithEveryPostprocessing) {
  VariableList list;
  for (NmsKind kind : {NmsKind::kNone, NmsKind::kDecoded, NmsKind::kOnnx, NmsKind::kRows}) {
    Result<graph::Graph> graph = BuildModel(GetParam(), list, Options(kind));
    ASSERT_TRUE(graph.ok()) << graph.error().ToString();
    if (kind != NmsKind::kNone) continue;
    const graph::Shape& deltas = graph->shape(graph->outputs[1]);
    size_t anchors = detect::MakeAnchors(AnchorConfigOf(GetParam())).size() / 4;
    EXPECT_EQ(deltas, (graph::Shape{1, static_cast<int64_t>(anchors), 4}));
  }
}

TEST(AnchorSpec, TellsScalesOctavesRatiosAndLevel) {
  EXPECT_EQ(AnchorSpec(*FindModel("d0")), "a4_s3_r1-2-0.5_l3");
  EXPECT_EQ(AnchorSpec(*FindModel("d7")), "a5_s3_r1-2-0.5_l3");
  Hparams own = *FindModel("lite0");
  own.anchor_scale = {3.5F, 4.F, 4.F, 4.F, 5.F};
  own.num_scales = 2;
  own.aspect_ratios = {1.F, detect::AspectRatio(1.5F, 0.5F)};
  own.min_level = 4;
  EXPECT_EQ(AnchorSpec(own), "a3.5-4-4-4-5_s2_r1-1.5x0.5_l4");
}

INSTANTIATE_TEST_SUITE_P(Family, EveryModel, ::testing::ValuesIn(AllModels()),
                         [](const auto& info) {
                           std::string name =
                               info.param.model_name.substr(std::string("efficientdet-").size());
                           return name;
                         });

TEST(BuildModel, GivesEveryValueANameOfItsOwn) {
  VariableList list;
  for (const BuildOptions& options : EveryForm()) {
    Result<graph::Graph> graph = BuildModel(*FindModel("d0"), list, options);
    ASSERT_TRUE(graph.ok()) << graph.error().ToString();
    std::set<std::string> names;
    for (const graph::Value& value : graph->values)
      EXPECT_TRUE(names.insert(value.name).second) << value.name;
  }
}

TEST(BuildModel, KeepsTheBatchInFrontOfEveryInputAndOutput) {
  VariableList list;
  for (const BuildOptions& options : EveryForm()) {
    Result<graph::Graph> graph = BuildModel(*FindModel("d0"), list, options);
    ASSERT_TRUE(graph.ok()) << graph.error().ToString();
    std::vector<graph::ValueId> ends = graph->inputs;
    ends.insert(ends.end(), graph->outputs.begin(), graph->outputs.end());
    for (graph::ValueId id : ends) {
      const graph::Shape& shape = graph->shape(id);
      EXPECT_EQ(shape.at(0), options.batch) << graph->value(id).name;
      for (size_t i = 1; i < shape.size(); ++i) EXPECT_GT(shape[i], 0) << graph->value(id).name;
    }
  }
}

// What TensorRT's importers want as initialisers, by version: Pad's pads (until 8.0), Resize's
// scales (until 8.2), TopK's K (until 8.5), and the limits of NMS always. Our graphs obey the
// strictest of them in every form.
TEST(BuildModel, GivesImportersTheirConstants) {
  const std::map<std::string, std::vector<size_t>> wanted = {
      {"Pad", {1, 2}},  {"Resize", {1, 2}},   {"TopK", {1}},   {"NonMaxSuppression", {2, 3, 4}},
      {"Reshape", {1}}, {"Slice", {1, 2, 3}}, {"Clip", {1, 2}}};
  VariableList list;
  std::map<std::string, int> seen;
  for (const BuildOptions& options : EveryForm()) {
    for (const char* model : {"d0", "lite0"}) {
      Result<graph::Graph> graph = BuildModel(*FindModel(model), list, options);
      ASSERT_TRUE(graph.ok()) << graph.error().ToString();
      for (const graph::Node& node : graph->nodes) {
        auto rule = wanted.find(node.op);
        if (rule == wanted.end()) continue;
        ++seen[node.op];
        for (size_t input : rule->second) {
          if (input >= node.inputs.size()) continue;
          EXPECT_NE(graph->value(node.inputs[input]).constant, nullptr)
              << node.op << " " << node.name << ", input " << input;
        }
      }
    }
  }
  EXPECT_GT(seen["Resize"], 0);
  EXPECT_GT(seen["TopK"], 0);
  EXPECT_GT(seen["NonMaxSuppression"], 0);
}

// Operators whose axes moved from an attribute to an input in opset 13 would not be the same in 11.
TEST(BuildModel, MeansTheSameInEveryOpset) {
  VariableList list;
  for (const BuildOptions& options : EveryForm()) {
    Result<graph::Graph> graph = BuildModel(*FindModel("d0"), list, options);
    ASSERT_TRUE(graph.ok());
    for (const graph::Node& node : graph->nodes) {
      if (node.op == "ReduceSum") {
        EXPECT_EQ(node.inputs.size() + node.attributes.count("axes"), 1U) << node.name;
      }
      EXPECT_NE(node.op, "Squeeze");
      EXPECT_NE(node.op, "Unsqueeze");
      EXPECT_NE(node.op, "Split");
    }
  }
}

TEST(BuildModel, LetsThePluginTakeTheBestClassOnly) {
  VariableList list;
  for (NmsSemantics semantics : {NmsSemantics::kAutoml, NmsSemantics::kPerClass}) {
    bool automl = semantics == NmsSemantics::kAutoml;
    Result<graph::Graph> graph =
        BuildModel(*FindModel("d0"), list, Options(NmsKind::kPlugin, semantics));
    ASSERT_TRUE(graph.ok());
    EXPECT_EQ(CountOps(*graph, "ArgMax"), automl ? 1 : 0);
    const graph::Node& plugin = graph->nodes.back();
    ASSERT_EQ(plugin.op, "EfficientNMS_TRT");
    EXPECT_EQ(plugin.attributes.count("class_agnostic"), automl ? 1U : 0U);
  }
}

TEST(BuildModel, IsLean) {
  UntrainedVariables variables(1);
  Result<graph::Graph> graph = BuildModel(*FindModel("d0"), variables, Options(NmsKind::kNone));
  ASSERT_TRUE(graph.ok());
  EXPECT_EQ(CountOps(*graph, "BatchNormalization"), 0);
  EXPECT_EQ(CountOps(*graph, "Identity"), 0);
  EXPECT_EQ(CountOps(*graph, "Shape"), 0);
  EXPECT_EQ(CountOps(*graph, "Pad"), 0);
}

TEST(BuildModel, RefusesWhatCannotBeSaid) {
  VariableList list;
  BuildOptions options = Options(NmsKind::kRows);
  for (int64_t batch : {0, -2, 1025}) {
    options.batch = batch;
    EXPECT_EQ(BuildModel(*FindModel("d0"), list, options).error().code,
              ErrorCode::kInvalidArgument);
  }
  options = Options(NmsKind::kNone);
  options.postprocess.max_detections = 5000;
  EXPECT_EQ(BuildModel(*FindModel("d0"), list, options).error().code, ErrorCode::kInvalidArgument);
  Hparams tiny = *FindModel("d0");
  tiny.image_width = 0;
  EXPECT_EQ(BuildModel(tiny, list, Options(NmsKind::kNone)).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(BuildModel, TakesOddAndOblongInputs) {
  VariableList list;
  Hparams hparams = *FindModel("d0");
  hparams.image_height = 601;
  hparams.image_width = 403;
  Result<graph::Graph> graph = BuildModel(hparams, list, Options(NmsKind::kNone));
  ASSERT_TRUE(graph.ok());
  // Level sizes by halving upwards: 76x51, 38x26, 19x13, 10x7, 5x4.
  int64_t places = 76 * 51 + 38 * 26 + 19 * 13 + 10 * 7 + 5 * 4;
  EXPECT_EQ(graph->shape(graph->outputs[0]), (graph::Shape{1, places * 9, 90}));
}

TEST(Untrained, IsTheSameEverywhere) {
  UntrainedVariables one(1), again(1), other(2);
  graph::Tensor a = one.Read("class_net/class-0/pointwise_kernel", {1, 1, 64, 64});
  EXPECT_EQ(a.floats, again.Read("class_net/class-0/pointwise_kernel", {1, 1, 64, 64}).floats);
  EXPECT_NE(a.floats, other.Read("class_net/class-0/pointwise_kernel", {1, 1, 64, 64}).floats);
  // Written down once: other machines and compilers must come to the same numbers.
  EXPECT_FLOAT_EQ(a.floats[0], kFirstUntrained);
}

TEST(DefaultLabels, NeverLeavesALineBlank) {
  std::vector<std::string> labels = DefaultLabels(90);
  ASSERT_EQ(labels.size(), 90u);
  EXPECT_EQ(labels[0], "person");
  EXPECT_EQ(labels[11], "unused_12");
  EXPECT_EQ(labels[89], "toothbrush");
  EXPECT_THAT(labels, ::testing::Not(::testing::Contains("")));
  EXPECT_EQ(DefaultLabels(2), (std::vector<std::string>{"class_1", "class_2"}));
}

}  // namespace edet::efficientdet
