#include "cli/inspect_fitness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "testing/temporary_directory.h"

namespace edet::cli {
namespace {

using onnx_format::ModelSummary;
using onnx_format::TensorInfo;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ModelSummary Model(std::string type, std::vector<std::string> shape) {
  ModelSummary summary;
  summary.producer = "tf2onnx 1.17.0 None";
  summary.inputs = {{"image", std::move(type), std::move(shape)}};
  summary.outputs = {{"detections", "float32", {"N", "100", "7"}}};
  return summary;
}

TEST(InspectFitness, IntegerInputsAreFedByNone) {
  Fitness fitness = JudgeFitness(Model("uint8", {"1", "512", "512", "3"}), "m.onnx");
  ASSERT_THAT(fitness.feeding, SizeIs(1));
  EXPECT_FALSE(fitness.feeding[0].good);
  EXPECT_EQ(fitness.feeding[0].versions, "5.0 to 9.1");
  EXPECT_THAT(fitness.feeding[0].why, HasSubstr("uint8"));
  EXPECT_THAT(fitness.next, ElementsAre(HasSubstr("edet repair m.onnx")));
}

TEST(InspectFitness, NhwcIsFedFromDeepStream6On) {
  Fitness fitness = JudgeFitness(Model("float32", {"1", "512", "640", "3"}), "m.onnx");
  ASSERT_THAT(fitness.feeding, SizeIs(2));
  EXPECT_EQ(fitness.feeding[0].versions, "5.0 to 5.1");
  EXPECT_FALSE(fitness.feeding[0].good);
  EXPECT_EQ(fitness.feeding[1].versions, "6.0 to 9.1");
  EXPECT_TRUE(fitness.feeding[1].good);
  EXPECT_EQ(fitness.feeding[1].why, "network-input-order=1, infer-dims=3;512;640, batch-size=1");
  EXPECT_THAT(fitness.next, ElementsAre(HasSubstr("--target"), HasSubstr("--layout nchw")));
}

TEST(InspectFitness, NchwIsFedByAll) {
  Fitness fitness = JudgeFitness(Model("float32", {"N", "3", "h", "w"}), "m.onnx");
  ASSERT_THAT(fitness.feeding, SizeIs(1));
  EXPECT_TRUE(fitness.feeding[0].good);
  EXPECT_THAT(fitness.feeding[0].why, HasSubstr("infer-dims must be set"));
}

TEST(InspectFitness, OtherInputsAreFedByNone) {
  EXPECT_FALSE(JudgeFitness(Model("float32", {"1", "512"}), "m.onnx").feeding[0].good);
  EXPECT_FALSE(JudgeFitness(Model("float32", {"1", "7", "9", "5"}), "m.onnx").feeding[0].good);
  ModelSummary two = Model("float32", {"1", "3", "9", "9"});
  two.inputs.push_back(two.inputs[0]);
  EXPECT_THAT(JudgeFitness(two, "m.onnx").feeding[0].why, HasSubstr("the model has 2"));
  EXPECT_FALSE(JudgeFitness(ModelSummary(), "m.onnx").feeding[0].good);
}

TEST(InspectFitness, NamesTheContractAsTheParserLibraryDoes) {
  ModelSummary model = Model("float32", {"1", "3", "9", "9"});
  auto contract = [&model](std::vector<TensorInfo> outputs) {
    model.outputs = std::move(outputs);
    auto found = JudgeFitness(model, "m.onnx").contract;
    return found ? found->name : "none";
  };
  EXPECT_EQ(contract({{"detections:0", "float32", {"1", "100", "7"}}}), "rows");
  EXPECT_EQ(contract({{"class_logits", "float32", {"1", "9", "90"}},
                      {"box_deltas", "float32", {"1", "9", "4"}}}),
            "raw");
  EXPECT_EQ(
      contract({{"boxes", "float32", {"1", "9", "4"}}, {"scores", "float32", {"1", "9", "9"}}}),
      "decoded");
  std::vector<TensorInfo> four = {{"num_detections", "int32", {"1", "1"}},
                                  {"detection_boxes", "float32", {"1", "9", "4"}},
                                  {"detection_scores", "float32", {"1", "9"}},
                                  {"detection_classes", "int32", {"1", "9"}}};
  EXPECT_EQ(contract(four), "nms");
  four[0].type = four[3].type = "float32";
  EXPECT_EQ(contract(four), "tensorflow");
  EXPECT_EQ(contract({{"logits", "float32", {"1", "1000"}}}), "none");
  EXPECT_EQ(contract({}), "none");
}

TEST(InspectFitness, TellsExporters) {
  ModelSummary model = Model("float32", {"1", "3", "9", "9"});
  EXPECT_EQ(JudgeFitness(model, "m.onnx").exporter, "tf2onnx 1.17.0 (TensorFlow)");
  model.operators["EfficientNMS_TRT"] = 1;
  EXPECT_THAT(JudgeFitness(model, "m.onnx").exporter, HasSubstr("create_onnx.py"));
  model.producer = "pytorch 2.4";
  EXPECT_EQ(JudgeFitness(model, "m.onnx").exporter, "pytorch 2.4 (PyTorch)");
  model.producer.clear();
  EXPECT_EQ(JudgeFitness(model, "m.onnx").exporter, "unknown");
}

TEST(InspectFitness, OurOwnFolderIsConfiguredNext) {
  testing::TemporaryDirectory folder;
  ModelSummary model = Model("float32", {"1", "3", "9", "9"});
  model.producer = "edet 0.1.0";
  std::filesystem::path file = folder.path() / "model.onnx";
  EXPECT_THAT(JudgeFitness(model, file).next, IsEmpty());
  std::ofstream(folder.path() / "edet.json") << "{}";
  EXPECT_THAT(JudgeFitness(model, file).next, ElementsAre(HasSubstr("edet config new")));
}

}  // namespace
}  // namespace edet::cli
