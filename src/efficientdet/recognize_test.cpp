#include "efficientdet/recognize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "testing/reference_data.h"

namespace edet::efficientdet {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Recognition RecognizeFile(const std::string& path) {
  Result<checkpoint::Checkpoint> opened =
      checkpoint::Checkpoint::Open(edet::testing::ReferenceData() / path);
  EXPECT_TRUE(opened.ok()) << opened.error().ToString();
  return opened.ok() ? RecognizeModel(*opened) : Recognition{};
}

void ExpectNoDifference(const VariableDifference& difference) {
  EXPECT_THAT(difference.missing, IsEmpty());
  EXPECT_THAT(difference.extra, IsEmpty());
  EXPECT_THAT(difference.wrong_shape, IsEmpty());
}

class OfficialIndex : public ::testing::TestWithParam<const char*> {};

TEST_P(OfficialIndex, IsItsModelWithNothingMissingOrExtra) {
  std::string name = GetParam();
  std::string path = "assets/automl_ckpt/" + name + "/model.index";
  EDET_SKIP_WITHOUT(path);
  Recognition found = RecognizeFile(path);
  EXPECT_FALSE(found.refusal);
  EXPECT_EQ(found.hparams.model_name, name);
  EXPECT_TRUE(found.family_member);
  EXPECT_EQ(found.hparams.num_classes, 90);
  ExpectNoDifference(found.difference);
}

INSTANTIATE_TEST_SUITE_P(Models, OfficialIndex,
                         ::testing::Values("efficientdet-d0", "efficientdet-d1", "efficientdet-d2",
                                           "efficientdet-d3"));

TEST(RecognizeModel, KnowsTheSavedModelsIndex) {
  EDET_SKIP_WITHOUT("assets/automl_savedmodel/d0_variables.index");
  Recognition found = RecognizeFile("assets/automl_savedmodel/d0_variables.index");
  EXPECT_EQ(found.hparams.model_name, "efficientdet-d0");
  EXPECT_TRUE(found.family_member);
  ExpectNoDifference(found.difference);
}

// Its names lie in the object graph, which is in the data file.
TEST(RecognizeModel, SaysWhatAKerasIndexAloneCannotTell) {
  EDET_SKIP_WITHOUT("assets/automl_savedmodel/d0_tf2_keras_variables.index");
  Recognition found = RecognizeFile("assets/automl_savedmodel/d0_tf2_keras_variables.index");
  ASSERT_TRUE(found.refusal);
  EXPECT_THAT(found.refusal->what, HasSubstr("data file"));
}

TEST(RecognizeModel, RefusesABackboneAlone) {
  EDET_SKIP_WITHOUT("assets/automl_ckpt/efficientnet-b3/model.ckpt.index");
  Recognition found = RecognizeFile("assets/automl_ckpt/efficientnet-b3/model.ckpt.index");
  ASSERT_TRUE(found.refusal);
  EXPECT_THAT(found.refusal->what, HasSubstr("the backbone efficientnet-b3 alone"));
  EXPECT_EQ(found.refusal->code, ErrorCode::kUnsupported);
}

// The names and shapes that our own builder wants, for all 15 models; d7's are d6's.
TEST(RecognizeVariables, KnowsEveryMemberOfTheFamily) {
  for (Hparams model : AllModels()) {
    model.num_classes = 7;
    Recognition found = RecognizeVariables(WantedVariables(model));
    bool is_d7 = model.model_name == "efficientdet-d7";
    EXPECT_EQ(found.hparams.model_name, is_d7 ? "efficientdet-d6" : model.model_name);
    EXPECT_TRUE(found.family_member) << model.model_name;
    EXPECT_EQ(found.hparams.num_classes, 7);
    EXPECT_EQ(found.hparams.image_width, is_d7 ? 1280 : model.image_width);
    ExpectNoDifference(found.difference);
  }
}

TEST(RecognizeVariables, ReadsAModelOfTheUsersOwn) {
  Hparams own = *FindModel("d0");
  own.num_classes = 5;
  own.fpn_num_filters = 96;
  own.fpn_cell_repeats = 4;
  own.max_level = 6;
  own.fpn_weight_method = FusionMethod::kSum;
  Recognition found = RecognizeVariables(WantedVariables(own));
  EXPECT_FALSE(found.family_member);
  EXPECT_EQ(found.hparams.num_classes, 5);
  EXPECT_EQ(found.hparams.fpn_num_filters, 96);
  EXPECT_EQ(found.hparams.fpn_cell_repeats, 4);
  EXPECT_EQ(found.hparams.max_level, 6);
  EXPECT_EQ(found.hparams.fpn_weight_method, FusionMethod::kSum);
  ExpectNoDifference(found.difference);
  EXPECT_THAT(found.reasons, Contains(HasSubstr("image_size 512x512")));
}

Hparams RandomModel(std::mt19937& random) {
  auto among = [&](int least, int most) {
    return least + static_cast<int>(random() % static_cast<uint32_t>(most - least + 1));
  };
  Hparams h = AllModels()[static_cast<size_t>(among(0, 14))];
  h.num_classes = among(1, 120);
  h.min_level = among(2, 4);
  h.max_level = among(h.min_level + 2, 8);
  h.num_scales = among(1, 5);
  h.quad_fpn = among(0, 3) == 0;
  h.fpn_num_filters = 8 * among(2, 30);
  h.fpn_cell_repeats = among(1, 6);
  h.box_class_repeats = among(1, 5);
  const FusionMethod methods[] = {FusionMethod::kFastAttention, FusionMethod::kSum,
                                  FusionMethod::kChannelFastAttention};
  h.fpn_weight_method = methods[among(0, 2)];
  h.separable_conv = among(0, 1) == 1;
  h.apply_bn_for_resampling = among(0, 1) == 1;
  h.conv_bn_act_pattern = among(0, 1) == 1;
  h.image_height = h.image_width = 512;
  return h;
}

TEST(RecognizeVariables, ReadsRandomModels) {
  std::mt19937 random(20);
  for (int i = 0; i < 60; ++i) {
    Hparams model = RandomModel(random);
    SCOPED_TRACE("model " + std::to_string(i));
    std::map<std::string, graph::Shape> variables = WantedVariables(model);
    ASSERT_FALSE(variables.empty());
    Recognition found = RecognizeVariables(variables);
    EXPECT_EQ(WantedVariables(found.hparams), variables);
    ExpectNoDifference(found.difference);
    EXPECT_EQ(found.hparams.backbone_name, model.backbone_name);
    EXPECT_EQ(found.hparams.num_classes, model.num_classes);
    EXPECT_EQ(found.hparams.num_anchors(), model.num_anchors());
    EXPECT_EQ(found.hparams.min_level, model.min_level);
    EXPECT_EQ(found.hparams.max_level, model.max_level);
    EXPECT_EQ(found.hparams.quad_fpn, model.quad_fpn);
    EXPECT_EQ(found.hparams.fpn_weight_method, model.fpn_weight_method);
    EXPECT_EQ(found.hparams.separable_conv, model.separable_conv);
    EXPECT_EQ(found.hparams.conv_bn_act_pattern, model.conv_bn_act_pattern);
  }
}

TEST(RecognizeVariables, NamesASegmentationHead) {
  auto variables = WantedVariables(*FindModel("d0"));
  variables["segmentation_head/conv2d_transpose/kernel"] = {3, 3, 3, 64};
  Recognition found = RecognizeVariables(variables);
  ASSERT_TRUE(found.refusal);
  EXPECT_THAT(found.refusal->what, HasSubstr("segmentation head"));
}

TEST(RecognizeVariables, RefusesOtherNetworks) {
  Recognition api =
      RecognizeVariables({{"WeightSharedConvolutionalBoxPredictor/BoxPredictor/biases", {24}}});
  ASSERT_TRUE(api.refusal);
  EXPECT_THAT(api.refusal->what, HasSubstr("Object Detection API"));
  Recognition other = RecognizeVariables({{"resnet50/conv1/kernel", {7, 7, 3, 64}}});
  ASSERT_TRUE(other.refusal);
  EXPECT_THAT(other.refusal->what, HasSubstr("resnet50/conv1/kernel"));
  EXPECT_TRUE(RecognizeVariables({}).refusal);
}

}  // namespace
}  // namespace edet::efficientdet
