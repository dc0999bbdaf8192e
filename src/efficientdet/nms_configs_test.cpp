#include "efficientdet/nms_configs.h"

#include <gmock/gmock.h>

#include <fstream>

#include "testing/temporary_directory.h"

namespace edet::efficientdet {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

NmsConfigs Read(const std::string& given) {
  Result<std::optional<NmsConfigs>> configs = ReadNmsConfigs(given);
  EXPECT_TRUE(configs.ok()) << configs.error().ToString();
  EXPECT_TRUE(configs->has_value()) << given;
  return configs->value_or(NmsConfigs());
}

TEST(NmsConfigs, AreReadFromPairs) {
  NmsConfigs configs = Read(
      "image_size=640,nms_configs.method=gaussian, "
      "nms_configs.iou_thresh=0.6,nms_configs.sigma=0.4,"
      "nms_configs.max_output_size=50,nms_configs.max_nms_inputs=5000");
  EXPECT_TRUE(configs.gaussian);
  EXPECT_FLOAT_EQ(*configs.iou_threshold, 0.6F);
  EXPECT_FLOAT_EQ(configs.SigmaOrDefault(), 0.4F);
  EXPECT_EQ(configs.max_detections, 50);
  EXPECT_EQ(configs.max_nms_inputs, 5000);
  EXPECT_FALSE(configs.score_threshold);
  EXPECT_FALSE(ReadNmsConfigs("image_size=640")->has_value());
  EXPECT_FALSE(ReadNmsConfigs("")->has_value());
}

// As AutoML's trainers write it: None and 0 are not given.
TEST(NmsConfigs, AreReadFromTheTrainersFile) {
  testing::TemporaryDirectory folder;
  std::ofstream(folder / "config.yaml")
      << "image_size: 512\nnms_configs:\n  iou_thresh: null\n  max_nms_inputs: 0\n"
         "  max_output_size: 100\n  method: gaussian\n  pyfunc: false\n  score_thresh: 0.0\n"
         "  sigma: null\n";
  NmsConfigs configs = Read((folder / "config.yaml").string());
  EXPECT_TRUE(configs.gaussian);
  EXPECT_FALSE(configs.iou_threshold || configs.score_threshold || configs.sigma ||
               configs.max_nms_inputs);
  EXPECT_EQ(configs.max_detections, 100);
  EXPECT_FLOAT_EQ(configs.SigmaOrDefault(), 0.5F);
}

TEST(NmsConfigs, RefuseOtherValues) {
  for (const char* wrong : {"method=linear", "iou_thresh=1.5", "iou_thresh=much", "score_thresh=-1",
                            "max_output_size=2.5", "max_output_size=1e9", "sigma=nan"}) {
    Result<std::optional<NmsConfigs>> configs = ReadNmsConfigs(std::string("nms_configs.") + wrong);
    ASSERT_FALSE(configs.ok()) << wrong;
    EXPECT_EQ(configs.error().code, ErrorCode::kInvalidArgument) << wrong;
    EXPECT_THAT(configs.error().what, HasSubstr("nms_configs.")) << wrong;
  }
  testing::TemporaryDirectory folder;
  std::ofstream(folder / "bad.yaml") << "nms_configs: [\n";
  EXPECT_EQ(ReadNmsConfigs((folder / "bad.yaml").string()).error().code, ErrorCode::kCorrupt);
  std::ofstream(folder / "list.yaml") << "nms_configs: 3\n";
  EXPECT_FALSE(ReadNmsConfigs((folder / "list.yaml").string()).ok());
  EXPECT_EQ(ReadNmsConfigs((folder / "none.yaml").string()).error().code, ErrorCode::kNotFound);
}

TEST(SoftNmsAdvice, SaysWhoComputesIt) {
  NmsConfigs configs;
  EXPECT_THAT(SoftNmsAdvice(configs, true), IsEmpty());
  configs.gaussian = true;
  configs.sigma = 0.25F;
  for (bool nms_in_graph : {true, false}) {
    std::vector<std::string> advice = SoftNmsAdvice(configs, nms_in_graph);
    EXPECT_THAT(advice, Contains(HasSubstr("EDET_PARSER_SOFT_SIGMA=0.25")));
    EXPECT_THAT(advice.front(), HasSubstr("gaussian"));
  }
}

}  // namespace
}  // namespace edet::efficientdet
