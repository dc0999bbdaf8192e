#include "deploy/device_state.h"

#include <gmock/gmock.h>

#include "deploy/process.h"

namespace edet::deploy {
namespace {

using ::testing::HasSubstr;

const BundleTarget kXavier = {"xavier-jp5", {"35.4", "35.5"}, "6.3",    "8.5.2",
                              "11.4",       "2.31",           "aarch64"};

constexpr const char* kDevice =
    "directory=/home/me/edet/d0\narch=aarch64\nl4t=35.4.1\ndeepstream=6.3.0\ntensorrt=8.5.2\n"
    "cuda=11.4\nglibc=2.31\nfree_kib=1000\nwritable=yes\nhas_sha256sum=yes\n"
    "power_mode=MODE_30W_ALL\nsome_new_key=x\nno equals sign\ncurrent=releases/0=1\n";

DeviceState With(const std::string& lines) { return ParseProbe(kDevice + lines); }

TEST(DeviceState, IsReadFromTheProbe) {
  const DeviceState device = ParseProbe(kDevice);
  EXPECT_EQ(device.l4t, "35.4.1");
  EXPECT_EQ(device.free_bytes, 1024000U);
  EXPECT_EQ(device.current, "releases/0=1");
  EXPECT_TRUE(device.writable);
  EXPECT_FALSE(device.current_whole);
  EXPECT_FALSE(ParseProbe("free_kib=much\n").free_bytes.has_value());
}

TEST(DeviceState, HoldsNothingThatWouldSteerATerminal) {
  EXPECT_EQ(ParseProbe("power_mode=\x1b[2Jred\r\n").power_mode, "?[2Jred");
  EXPECT_EQ(LastLine("a\nb\x07\n\n"), "b?");
}

TEST(DeviceState, FitsItsPlatform) {
  EXPECT_TRUE(CompareWithTarget(ParseProbe(kDevice), kXavier).empty());
  EXPECT_TRUE(CompareWithTarget(With("l4t=35.5.0\n"), kXavier).empty());
}

struct Case {
  const char *line, *rule, *says;
  Severity severity;
};

// The test's name must be the same in every run.
void PrintTo(const Case& item, std::ostream* out) {
  *out << std::string_view(item.line).substr(0, std::string_view(item.line).find('\n'));
}

class EveryDifference : public ::testing::TestWithParam<Case> {};

TEST_P(EveryDifference, IsTold) {
  const Findings findings = CompareWithTarget(With(GetParam().line), kXavier);
  ASSERT_EQ(findings.all().size(), 1U) << GetParam().line;
  const Finding& finding = findings.all()[0];
  EXPECT_EQ(finding.rule, GetParam().rule);
  EXPECT_EQ(finding.severity, GetParam().severity);
  EXPECT_THAT(finding.what + " " + finding.hint, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    , EveryDifference,
    ::testing::Values(Case{"arch=x86_64\n", "architecture", "x86_64", Severity::kError},
                      Case{"l4t=\n", "l4t", "no Jetson", Severity::kError},
                      Case{"l4t=36.4.0\n", "l4t", "orin-jp6", Severity::kError},
                      Case{"l4t=35.1.0\n", "l4t", "xavier-jp5.0", Severity::kError},
                      Case{"l4t=35.41\n", "l4t", "no platform", Severity::kError},
                      Case{"glibc=2.27\n", "glibc", "2.27", Severity::kError},
                      Case{"deepstream=\n", "deepstream", "not installed", Severity::kWarning},
                      Case{"deepstream=6.2.0\n", "deepstream", "6.2.0", Severity::kWarning},
                      Case{"deepstream=7.0.0\n", "deepstream", "7.0.0", Severity::kError},
                      Case{"tensorrt=\n", "tensorrt", "no package", Severity::kWarning},
                      Case{"tensorrt=8.4.1\n", "tensorrt", "8.4.1", Severity::kWarning},
                      Case{"tensorrt=10.3.0\n", "tensorrt", "10.3.0", Severity::kError},
                      Case{"writable=\n", "folder", "/home/me/edet/d0", Severity::kError},
                      Case{"writable=no\n", "folder", "cannot be written", Severity::kError}));

TEST(DeviceState, LacksATool) {
  DeviceState device = ParseProbe(kDevice);
  device.tools.clear();
  EXPECT_EQ(CompareWithTarget(device, kXavier).all().at(0).rule, "tools");
}

TEST(Destination, IsAHostAndAFolder) {
  EXPECT_EQ(ParseDestination("me@xavier")->host, "me@xavier");
  EXPECT_EQ(ParseDestination("me@xavier:/opt/a b")->directory, "/opt/a b");
  EXPECT_EQ(ParseDestination("me@xavier:~/a b")->directory, "a b");
  EXPECT_EQ(ParseDestination("me@xavier:~")->directory, ".");
  EXPECT_EQ(ParseDestination("me@[fe80::1]:/opt")->host, "me@fe80::1");
  EXPECT_EQ(ParseDestination("me@[fe80::1]:/opt")->directory, "/opt");
  EXPECT_EQ(ParseDestination("[fe80::1]")->host, "fe80::1");
  for (const char* odd : {"", ":/x", "-oProxyCommand=x", "a b", "a:-x", "a\nb", "a:x\ny", "@a",
                          "a@", "a:~b/c", "a[::1]", "[::1", "me@::1", "[]", "[:]x"})
    EXPECT_EQ(ParseDestination(odd).error().code, ErrorCode::kInvalidArgument) << odd;
}

}  // namespace
}  // namespace edet::deploy
