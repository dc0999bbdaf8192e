#include "efficientdet/check_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "efficientdet/hparams.h"
#include "efficientdet/model.h"
#include "efficientdet/untrained.h"

namespace edet::efficientdet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Numbers of an untrained model, with one value of one variable replaced.
class Spoilt : public VariableSource {
 public:
  Spoilt(std::string name, float value) : source_(1), name_(std::move(name)), value_(value) {}
  graph::Tensor Read(const std::string& name, const graph::Shape& shape) override {
    graph::Tensor tensor = source_.Read(name, shape);
    if (name == name_) tensor.floats.back() = value_;
    return tensor;
  }

 private:
  UntrainedVariables source_;
  std::string name_;
  float value_;
};

std::vector<BadWeights> FoundIn(VariableSource& source) {
  CheckedVariables checked(source);
  BuildOptions options;
  options.postprocess.kind = NmsKind::kNone;
  EXPECT_TRUE(BuildModel(*FindModel("d0"), checked, options).ok());
  return checked.found();
}

TEST(CheckWeights, EveryOddFloatIsCounted) {
  const float largest = std::numeric_limits<float>::max(),
              subnormal = std::numeric_limits<float>::denorm_min();
  EXPECT_FALSE(CheckWeights("w", {0.F, -0.F, largest, -largest, subnormal}));
  EXPECT_FALSE(CheckWeights("w", {}));
  auto bad = CheckWeights("w", {kNaN, 1.F, -kInfinity, kInfinity, -kNaN, -1.F});
  ASSERT_TRUE(bad);
  EXPECT_EQ(bad->nan, 2U);
  EXPECT_EQ(bad->infinite, 2U);
  EXPECT_EQ(bad->negative_variance, 0U);
  EXPECT_EQ(bad->ToString(), "'w' (2 NaN, 2 infinite of 6 values)");
}

TEST(CheckWeights, OnlyAVarianceMustNotBeBelowZero) {
  EXPECT_FALSE(CheckWeights("bn/moving_mean", {-1.F}));
  EXPECT_FALSE(CheckWeights("bn/moving_variance", {0.F, -0.F, 1.F}));
  for (const char* name : {"bn/moving_variance", "bn/moving_variance/ExponentialMovingAverage"}) {
    auto bad = CheckWeights(name, {1.F, -1e-30F});
    ASSERT_TRUE(bad) << name;
    EXPECT_EQ(bad->negative_variance, 1U);
  }
}

TEST(CheckWeights, WhatTheModelReadsIsLookedAtOnce) {
  Spoilt good("", 0.F);
  EXPECT_TRUE(FoundIn(good).empty());
  // A kernel that all five levels share.
  Spoilt kernel("class_net/class-0/pointwise_kernel", kNaN);
  std::vector<BadWeights> found = FoundIn(kernel);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].name, "class_net/class-0/pointwise_kernel");
  Spoilt variance("efficientnet-b0/stem/tpu_batch_normalization/moving_variance", -0.5F);
  found = FoundIn(variance);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].negative_variance, 1U);
}

TEST(CheckWeights, OneReportNamesThem) {
  EXPECT_TRUE(ReportBadWeights({}, "ckpt").ok());
  std::vector<BadWeights> found(12, {"w", 4, 1});
  Status report = ReportBadWeights(found, "ckpt");
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(ExitCode(report.error().code), 1);
  EXPECT_THAT(report.error().ToString(), HasSubstr("12 variables hold"));
  EXPECT_THAT(report.error().ToString(), HasSubstr("and 2 more"));
  found.resize(1);
  EXPECT_THAT(ReportBadWeights(found, "ckpt").error().ToString(), Not(HasSubstr("more")));
}

}  // namespace
}  // namespace edet::efficientdet
