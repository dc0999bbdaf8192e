#include "efficientdet/read_hparams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "efficientdet/model.h"
#include "efficientdet/variables.h"
#include "testing/temporary_directory.h"

namespace edet::efficientdet {
namespace {

using ::testing::HasSubstr;

Hparams D0() { return *FindModel("d0"); }

Hparams Read(const std::string& given) {
  std::vector<std::string> notes;
  Result<Hparams> read = ReadHparams(given, D0(), notes);
  EXPECT_TRUE(read.ok()) << read.error().ToString();
  return read.ok() ? *read : D0();
}

Error ReadError(const std::string& given) {
  std::vector<std::string> notes;
  Result<Hparams> read = ReadHparams(given, D0(), notes);
  EXPECT_FALSE(read.ok());
  return read.ok() ? Error{} : read.error();
}

class Yaml : public ::testing::Test {
 protected:
  std::string File(const std::string& text) {
    std::string path = (folder_ / "config.yaml").string();
    std::ofstream(path) << text;
    return path;
  }
  edet::testing::TemporaryDirectory folder_;
};

}  // namespace

TEST(ReadHparams, TakesAutoMlsStrings) {
  Hparams h =
      Read("image_size=1920x1280, num_classes=3,aspect_ratios=1.0*2.0*0.5*3.0,act_type=hswish");
  EXPECT_EQ(h.image_width, 1920);
  EXPECT_EQ(h.image_height, 1280);
  EXPECT_EQ(h.num_classes, 3);
  EXPECT_EQ(h.num_anchors(), 12);
  EXPECT_EQ(h.act_type, Activation::kHardSwish);
  EXPECT_EQ(Read("").image_width, 512);
  EXPECT_TRUE(Read("fpn_name=qufpn,separable_conv=False").quad_fpn);
  EXPECT_FALSE(Read("separable_conv=False").separable_conv);
  EXPECT_TRUE(Read("survival_prob=0.8").head_residual);
  EXPECT_FALSE(Read("survival_prob=None").head_residual);
  EXPECT_EQ(Read("name=efficientdet-d7x,image_size=640").max_level, 8);
}

TEST(ReadHparams, SkipsWhatDecidesNothing) {
  Hparams h =
      Read("learning_rate=0.1,nms_configs.method=hard,moving_average_decay=0,label_map=coco");
  EXPECT_EQ(h.num_classes, 90);
}

TEST(ReadHparams, TellsWhatIsWrong) {
  EXPECT_EQ(ReadError("num_clases=3").code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(ReadError("num_clases=3").hint, HasSubstr("num_classes"));
  EXPECT_THAT(ReadError("num_classes=many").what, HasSubstr("num_classes is not a whole number"));
  EXPECT_EQ(ReadError("num_classes").code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ReadError("image_size=12x").code, ErrorCode::kCorrupt);
  EXPECT_EQ(ReadError("act_type=gelu").code, ErrorCode::kUnsupported);
  EXPECT_THAT(ReadError("heads=segmentation").what, HasSubstr("segmentation"));
  EXPECT_EQ(ReadError("no_such.yaml").code, ErrorCode::kNotFound);
  EXPECT_EQ(ReadError("anchor_scale=.nan").code, ErrorCode::kCorrupt);
}

// AdvProp: x * 2 / 255 - 1 after a mean of 0 and a deviation of 1.
TEST(ReadHparams, PutsAdvPropsRangeIntoMeanAndDeviation) {
  Hparams h = Read("mean_rgb=0.0,stddev_rgb=1.0,scale_range=true");
  for (size_t c = 0; c < 3; ++c) {
    EXPECT_FLOAT_EQ(h.mean_rgb[c], 127.5F);
    EXPECT_FLOAT_EQ(h.stddev_rgb[c], 127.5F);
  }
}

TEST_F(Yaml, OfAutoMlsTrainersIsTaken) {
  Hparams h = Read(
      File("image_size: 320\nnum_classes: 6\nlabel_map: {1: person, 2: bicycle}\nact_type: relu6\n"
           "mean_rgb: [127.0, 127.0, 127.0]\nstddev_rgb: 128.0\nfpn_weight_method: null\nheads: "
           "[object_detection]\n"
           "aspect_ratios: [[0.7, 1.4], [1.0, 1.0], [1.4, 0.7]]\nanchor_scale: [3.0, 3.0, 4.0, "
           "4.0, 5.0]\n"
           "nms_configs:\n  method: gaussian\n  iou_thresh: null\n"));
  EXPECT_EQ(h.image_height, 320);
  EXPECT_EQ(h.anchor_scale.size(), 5u);
  EXPECT_DOUBLE_EQ(h.aspect_ratios[0].x, 0.7F);
  EXPECT_DOUBLE_EQ(h.aspect_ratios[0].y, 1.4F);
  EXPECT_FLOAT_EQ(h.stddev_rgb[2], 128.F);
}

TEST_F(Yaml, ThatIsNoneIsOneError) {
  EXPECT_EQ(ReadError(File("a: [1, 2")).code, ErrorCode::kCorrupt);
  EXPECT_EQ(ReadError(File("just text")).code, ErrorCode::kCorrupt);
  EXPECT_EQ(ReadError(File("")).code, ErrorCode::kCorrupt);
  EXPECT_EQ(ReadError(File("? [1, 2]\n: 3\n")).code, ErrorCode::kCorrupt);
  EXPECT_EQ(ReadError(File(std::string(3 << 20, 'a'))).code, ErrorCode::kLimitExceeded);
}

TEST_F(Yaml, OwnNodesAreChecked) {
  Hparams h = Read(File(
      "fpn_config:\n  weight_method: sum\n  nodes:\n  - {feat_level: 6, inputs_offsets: [3, 4]}\n"
      "  - {feat_level: 3, inputs_offsets: [0, 99]}\n"));
  EXPECT_EQ(h.fpn_nodes.size(), 2u);
  VariableList list;
  BuildOptions options;
  options.postprocess.kind = NmsKind::kNone;
  Result<graph::Graph> graph = BuildModel(h, list, options);
  ASSERT_FALSE(graph.ok());
  EXPECT_THAT(graph.error().where, HasSubstr("fpn_config"));
}

// Keys come in alphabetical order in AutoML's config.yaml.
TEST_F(Yaml, OwnNodesKeepTheirWeightMethod) {
  Hparams h = Read(
      File("fpn_config:\n  weight_method: sum\n  nodes:\n  - {feat_level: 6, inputs_offsets: [3, "
           "4]}\nfpn_weight_method: null\n"));
  EXPECT_EQ(h.fpn_weight_method, FusionMethod::kSum);
}

// As PyYAML writes them for AutoML's trainers.
TEST_F(Yaml, ValuesAreToldOnOneLine) {
  std::vector<std::string> notes;
  std::string file = File(
      "aspect_ratios:\n- 1.0\n- 2.0\nimage_size: !!python/tuple\n- 96\n- 128\nfpn_name: "
      "null\ntf_random_seed: null\n");
  ASSERT_TRUE(ReadHparams(file, D0(), notes).ok());
  EXPECT_THAT(notes, ::testing::ElementsAre("aspect_ratios: [1.0, 2.0]", "image_size: [96, 128]",
                                            "fpn_name: None"));
}

// 0.224 * 255 in double precision, as config.yaml has it.
TEST_F(Yaml, GivesTheDefaultsTheirOwnNumbers) {
  Hparams h =
      Read(File("mean_rgb: [123.675, 116.28, 103.53]\nstddev_rgb: [58.395, 57.120000000000005, "
                "57.375]\n"));
  EXPECT_EQ(h.mean_rgb, D0().mean_rgb);
  EXPECT_EQ(h.stddev_rgb, D0().stddev_rgb);
}

TEST(ReadHparams, TakesPythonsLists) {
  Hparams h = Read("aspect_ratios=[1.0, 2.0,0.5, 3.0], image_size=(512,640),separable_conv=False");
  EXPECT_EQ(h.aspect_ratios.size(), 4u);
  EXPECT_EQ(h.image_height, 512);
  EXPECT_EQ(h.image_width, 640);
  EXPECT_FALSE(h.separable_conv);
  EXPECT_EQ(Read("aspect_ratios=[(1.4,0.7),(1.0,1.0)],num_classes=5").num_classes, 5);
  EXPECT_EQ(ReadError("aspect_ratios=[1.0,2.0").code, ErrorCode::kCorrupt);
  EXPECT_EQ(ReadError("aspect_ratios=1.0,2.0").code, ErrorCode::kInvalidArgument);
}

// The three ways to write the same blocks: AutoML's notation, its names, and its config.yaml.
TEST_F(Yaml, BlocksOfTheBackboneAreTaken) {
  const char* notation = "r2_k5_s22_e6_i24_o40_se0.2_noskip*r1_k7_s11_e1_i40_o48_f1";
  std::vector<Stage> given[] = {
      Read(std::string("backbone_config.blocks=") + notation).backbone_stages,
      Read(File("backbone_config:\n  blocks:\n"
                "  - {num_repeat: 2, kernel_size: 5, strides: [2, 2], expand_ratio: 6, "
                "input_filters: 24, output_filters: 40, se_ratio: 0.2, id_skip: false}\n"
                "  - {num_repeat: 1, kernel_size: 7, strides: [1, 1], expand_ratio: 1, "
                "input_filters: 40, output_filters: 48, se_ratio: null, fused_conv: 1}\n"))
          .backbone_stages,
      Read(File("backbone_config:\n  blocks:\n"
                "  - !!python/object/new:backbone.efficientnet_model.BlockArgs\n"
                "    [5, 2, 24, 40, 6, false, [2, 2], 0.2, 0, 0, 0, false]\n"
                "  - !!python/object/new:backbone.efficientnet_model.BlockArgs\n"
                "    [7, 1, 40, 48, 1, true, [1, 1], null, 0, 1, 0, false]\n"))
          .backbone_stages,
  };
  for (const std::vector<Stage>& stages : given) {
    ASSERT_EQ(stages.size(), 2u);
    EXPECT_EQ(stages[0].repeats, 2);
    EXPECT_EQ(stages[0].kernel, 5);
    EXPECT_EQ(stages[0].stride, 2);
    EXPECT_EQ(stages[0].expand, 6);
    EXPECT_EQ(stages[0].input_filters, 24);
    EXPECT_EQ(stages[0].output_filters, 40);
    EXPECT_DOUBLE_EQ(stages[0].se_ratio, 0.2);
    EXPECT_FALSE(stages[0].id_skip);
    EXPECT_EQ(stages[1].kernel, 7);
    EXPECT_EQ(stages[1].stride, 1);
    EXPECT_EQ(stages[1].se_ratio, 0.);
    EXPECT_TRUE(stages[1].id_skip);
    EXPECT_EQ(stages[1].kind, BlockKind::kFused);
  }
  EXPECT_TRUE(Read("backbone_config=None").backbone_stages.empty());
}

TEST(ReadHparams, RefusesBlocksByName) {
  auto blocks = [](const std::string& block) {
    return ReadError("backbone_config.blocks=" + block + "*r1_k3_s11_e6_i8_o8");
  };
  EXPECT_THAT(blocks("r1_k3_s11_e6_i8_o8_cc").what, HasSubstr("conditional"));
  EXPECT_THAT(blocks("r1_k3_s11_e6_i8_o8_p1").what, HasSubstr("super_pixel"));
  EXPECT_THAT(blocks("r1_k3_s11_e6_i8_o8_c1").what, HasSubstr("conv_type 1"));
  EXPECT_THAT(blocks("r1_k3_s12_e6_i8_o8").what, HasSubstr("strides"));
  EXPECT_THAT(blocks("r1_k3_s1_e6_i8_o8").what, HasSubstr("strides"));
  EXPECT_EQ(blocks("r1_k3_s12_e6_i8_o8").code, ErrorCode::kUnsupported);
  EXPECT_EQ(blocks("r1_k3_e6_i8_o8").code, ErrorCode::kCorrupt);
  EXPECT_EQ(blocks("r1_k3_s11_e6_i8_o8_z9").code, ErrorCode::kCorrupt);
  EXPECT_EQ(blocks("r1_k3_s11_e1.5_i8_o8").code, ErrorCode::kCorrupt);
  EXPECT_EQ(blocks("").code, ErrorCode::kCorrupt);
  EXPECT_EQ(ReadError("backbone_config=small").code, ErrorCode::kCorrupt);
}

}  // namespace edet::efficientdet
