#include "cli/hparams_json.h"

#include <gtest/gtest.h>

#include <fstream>

#include "efficientdet/read_hparams.h"
#include "testing/temporary_directory.h"

namespace edet::cli {
namespace {

using efficientdet::Hparams;

Hparams Read(const std::string& given, const std::string& model) {
  std::vector<std::string> notes;
  Result<Hparams> read = efficientdet::ReadHparams(given, *efficientdet::FindModel(model), notes);
  EXPECT_TRUE(read.ok()) << given << ": " << read.error().ToString();
  return read.ok() ? *read : Hparams{};
}

// What --hparams makes of the record, on top of another model.
Hparams ReadBack(const Hparams& hparams) {
  edet::testing::TemporaryDirectory folder;
  std::string path = (folder / "hparams.yaml").string();
  std::ofstream(path) << HparamsJson(hparams).dump(2);
  return Read(path, "lite4");
}

class Record : public ::testing::TestWithParam<const char*> {};

}  // namespace

TEST(HparamsJson, BringsBackEveryMemberOfTheFamily) {
  for (const Hparams& model : efficientdet::AllModels())
    EXPECT_EQ(HparamsJson(ReadBack(model)), HparamsJson(model)) << model.model_name;
}

TEST_P(Record, BringsBackWhatAUserChanged) {
  const Hparams changed = Read(GetParam(), "d0");
  EXPECT_NE(HparamsJson(changed), HparamsJson(*efficientdet::FindModel("d0")));
  EXPECT_EQ(HparamsJson(ReadBack(changed)), HparamsJson(changed));
}

INSTANTIATE_TEST_SUITE_P(
    HparamsJson, Record,
    ::testing::Values(
        "image_size=600x400,num_classes=7,min_level=2,max_level=8",
        "num_scales=2,aspect_ratios=1.0*3.0,anchor_scale=1.0*2.0*3.0*4.0*5.5",
        "act_type=mish,fpn_weight_method=channel_attn", "act_type=srelu",
        "act_type=hswish,fpn_weight_method=sum", "fpn_name=qufpn",
        "fpn_num_filters=48,fpn_cell_repeats=1,box_class_repeats=2",
        "separable_conv=False,apply_bn_for_resampling=False",
        "conv_after_downsample=True,conv_bn_act_pattern=True", "survival_prob=0.8",
        "backbone_name=efficientnet-b2", "mean_rgb=127.5,stddev_rgb=0.5*100.25*3.0",
        "backbone_config.blocks=r1_k3_s11_e1_i32_o16_se0.25*r2_k5_s22_e6_i16_o24_noskip"));

}  // namespace edet::cli
