#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/doctor_report.h"

namespace edet::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const Check kFound{"run", "GStreamer", Check::State::kFound, "1.22.0", ""};
const Check kAbsent{"device", "DeepStream", Check::State::kAbsent, "not on this machine", ""};
const Check kMissingForRun{"run", "x264enc", Check::State::kMissing, "encodes",
                           "apt-get install it"};
const Check kMissingForBoth{"convert", "parser library", Check::State::kMissing, "gone",
                            "build it"};

TEST(Doctor, WhatIsAbsentButNotNeededIsNoFailure) {
  EXPECT_EQ(DoctorExitCode({kFound, kAbsent}), 0);
  EXPECT_THAT(DoctorTable({kFound, kAbsent}, "1.2.3"), Not(HasSubstr("NOT ready")));
}

TEST(Doctor, AMissingElementStopsRunOnlyAndNamesTheFix) {
  EXPECT_EQ(DoctorExitCode({kFound, kMissingForRun}), 4);
  auto json = nlohmann::json::parse(DoctorJson({kFound, kMissingForRun}, "1.2.3"));
  EXPECT_EQ(json["edet"], "1.2.3");
  EXPECT_TRUE(json["jobs"]["convert"]);
  EXPECT_FALSE(json["jobs"]["run"]);
  EXPECT_EQ(json["checks"][1]["state"], "missing");
  EXPECT_EQ(json["checks"][1]["fix"], "apt-get install it");
  EXPECT_THAT(DoctorTable({kMissingForRun}, "1.2.3"), HasSubstr("-> apt-get install it"));
}

TEST(Doctor, AMissingParserLibraryStopsBothJobs) {
  auto json = nlohmann::json::parse(DoctorJson({kMissingForBoth}, "1.2.3"));
  EXPECT_FALSE(json["jobs"]["convert"]);
  EXPECT_FALSE(json["jobs"]["run"]);
}

TEST(Doctor, BytesThatAreNoUtf8DoNotStopTheReport) {
  Check odd = kFound;
  odd.value = "\xff\xfe";
  EXPECT_NO_THROW(nlohmann::json::parse(DoctorJson({odd}, "1")));
}

TEST(Machine, CpuFeaturesAreWholeWordsOfTheFlags) {
  EXPECT_THAT(CpuFeatures("processor\t: 0\nflags\t\t: fpu avx2x avx2 fma avx512f_not amx_tile\n"),
              ElementsAre("avx2", "fma", "amx_tile"));
  EXPECT_THAT(CpuFeatures("Features\t: fp asimd asimddp\n"), ElementsAre("asimd", "asimddp"));
  EXPECT_TRUE(CpuFeatures("").empty());
}

TEST(Machine, ProcValueTakesTheFirstOfItsKey) {
  EXPECT_EQ(ProcValue("MemTotal:  16 kB\nMemTotal: 3 kB\n", "MemTotal"), "16 kB");
  EXPECT_EQ(ProcValue("MemTotal:  16 kB\n", "Mem"), std::nullopt);
}

TEST(Machine, VersionsOfJetsonAndTensorRt) {
  EXPECT_EQ(
      L4tVersion("# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref, EABI: aarch64"),
      "35.4.1");
  EXPECT_EQ(L4tVersion("something else"), std::nullopt);
  EXPECT_EQ(TensorRtVersion(7103), "7.1.3");
  EXPECT_EQ(TensorRtVersion(8502), "8.5.2");
  EXPECT_EQ(TensorRtVersion(100300), "10.3.0");
  EXPECT_EQ(TensorRtVersion(101500), "10.15.0");
}

}  // namespace
}  // namespace edet::cli
