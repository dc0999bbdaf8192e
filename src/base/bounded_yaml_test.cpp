#include "base/bounded_yaml.h"

#include <gtest/gtest.h>

namespace edet {
namespace {

ErrorCode Refusal(const std::string& text) {
  Result<YAML::Node> parsed = ParseBoundedYaml(text, "x.yaml");
  EXPECT_FALSE(parsed.ok()) << text.substr(0, 80);
  return parsed.ok() ? ErrorCode::kInternal : parsed.error().code;
}

TEST(BoundedYaml, GivesWhatTheTextSays) {
  Result<YAML::Node> parsed = ParseBoundedYaml("a: &x [1, 2]\nb: *x\n", "x.yaml");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ((*parsed)["b"][1].as<int>(), 2);
}

TEST(BoundedYaml, AliasesThatMultiplyAreRefused) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    std::string last = "*a" + std::to_string(i - 1), name = "a" + std::to_string(i);
    text += name + ": &" + name + " [";
    for (int j = 0; j < 10; ++j) text += (j == 0 ? "" : ", ") + last;
    text += "]\n";
  }
  EXPECT_EQ(Refusal(text), ErrorCode::kLimitExceeded);
}

TEST(BoundedYaml, NestingAndCyclesEnd) {
  EXPECT_EQ(Refusal("&a [*a]\n"), ErrorCode::kLimitExceeded);
  EXPECT_EQ(Refusal("a: &a {b: *a}\n"), ErrorCode::kLimitExceeded);
  EXPECT_EQ(Refusal(std::string(40, '[') + std::string(40, ']')), ErrorCode::kLimitExceeded);
  for (const std::string& deep :
       {std::string(1 << 20, '['), std::string(1 << 20, '{'), std::string(1 << 18, '-')}) {
    Result<YAML::Node> parsed = ParseBoundedYaml(deep, "x.yaml");
    EXPECT_TRUE(!parsed.ok() || parsed->IsScalar());
  }
}

TEST(BoundedYaml, ManyLevelsOfBlocksEnd) {
  std::string dashes, questions;
  for (int i = 0; i < 20000; ++i) {
    dashes += "- ";
    questions += "? ";
  }
  for (const std::string& text : {dashes, questions})
    EXPECT_NE(Refusal(text), ErrorCode::kInternal);
}

TEST(BoundedYaml, BrokenTextNamesItsLine) {
  Result<YAML::Node> parsed = ParseBoundedYaml("a: 1\nb: [1, 2\n", "x.yaml");
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().where, "x.yaml:3");
}

}  // namespace
}  // namespace edet
