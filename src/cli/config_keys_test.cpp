// `edet config keys` as a user calls it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/config.h"
#include "deepstream/key_table.h"

namespace edet::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// What is printed, or the error.
std::string Keys(std::vector<std::string> arguments) {
  CLI::App app("edet");
  Session session;
  AddConfigKeys(app, session);
  arguments.insert(arguments.begin(), "keys");
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants it
  ::testing::internal::CaptureStdout();
  std::string error;
  try {
    app.parse(arguments);
  } catch (const CommandFailed& failed) {
    error = failed.error.ToString();
  }
  return ::testing::internal::GetCapturedStdout() + error;
}

}  // namespace

TEST(ConfigKeys, OneKeyIsToldWhole) {
  EXPECT_THAT(Keys({"nms-iou-threshold"}),
              AllOf(HasSubstr("[class-attrs-all|N]"), HasSubstr("0 to 1"), HasSubstr("0.3"),
                    HasSubstr("DeepStream 5.0 and newer"), HasSubstr("cluster-mode 4")));
  EXPECT_THAT(Keys({"bbox-bg-color7"}), HasSubstr("[primary-gie] [secondary-gieN]"));
}

TEST(ConfigKeys, APlatformHasTheKeysOfItsDeepStream) {
  EXPECT_THAT(Keys({"--target", "xavier-jp4.4"}), Not(HasSubstr("network-input-order")));
  EXPECT_THAT(Keys({"--target", "xavier-jp5"}), HasSubstr("network-input-order"));
  // Between two versions whose parsers are known, the older one counts.
  EXPECT_EQ(Keys({"--version", "7.1", "--json"}), Keys({"--version", "6.3", "--json"}));
  EXPECT_THAT(Keys({"strongly-typed", "--version", "8.0"}), HasSubstr("does not know"));
  EXPECT_THAT(Keys({"--version", "1.0"}), HasSubstr("the oldest is 5.0"));
}

TEST(ConfigKeys, JsonHoldsEveryKeyOfEveryGroup) {
  size_t keys = 0;
  for (const auto* table : {&deepstream::NvinferKeys(), &deepstream::DeepstreamAppKeys()}) {
    for (const auto& group : table->groups) keys += group.keys.size();
  }
  const auto list = nlohmann::json::parse(Keys({"--json"}));
  ASSERT_EQ(list.size(), keys);
  for (const auto& entry : list) {
    for (const char* field : {"file", "group", "key", "type", "since", "meaning"})
      EXPECT_TRUE(entry.contains(field)) << entry;
  }
}

TEST(ConfigKeys, UnknownNamesComeWithTheNearest) {
  EXPECT_THAT(Keys({"clustermode"}), HasSubstr("did you mean cluster-mode?"));
  EXPECT_THAT(Keys({"--group", "stream-mux"}), HasSubstr("did you mean streammux?"));
}

}  // namespace edet::cli
