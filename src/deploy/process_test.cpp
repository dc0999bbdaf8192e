#include "deploy/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace edet::deploy {
namespace {

using ::testing::HasSubstr;

Result<ProcessResult> Shell(const std::string& script, std::string_view input,
                            unsigned timeout_seconds = 60) {
  std::signal(SIGPIPE, SIG_IGN);
  return RunProcess({"sh", "-c", script}, input, timeout_seconds);
}

TEST(RunProcess, GivesWhatItWroteAndItsExitCode) {
  Result<ProcessResult> done = RunProcess({"sh", "-c", "cat; echo b >&2; exit 3"}, "input", 10);
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->out, "input");
  EXPECT_EQ(done->err, "b\n");
  EXPECT_EQ(done->exit_code, 3);
  EXPECT_EQ(RunProcess({"sh", "-c", "kill -9 $$"}, "", 10)->exit_code, 137);
}

TEST(RunProcess, CarriesBothWaysMoreThanAPipeHolds) {
  const std::string input(3 << 20, 'x');
  Result<ProcessResult> done = Shell("tee /dev/stderr", input);
  ASSERT_TRUE(done.ok()) << done.error().what;
  EXPECT_EQ(done->exit_code, 0);
  EXPECT_TRUE(done->out == input);
  EXPECT_TRUE(done->err == input);
}

TEST(RunProcess, WhatAChildSaysThatStopsReadingIsKept) {
  const std::string input(1 << 20, 'x');
  for (int i = 0; i < 50; ++i) {
    Result<ProcessResult> done =
        Shell("head -c 100 >/dev/null; exec <&-; sleep 0.01; echo no space >&2; exit 3", input);
    ASSERT_TRUE(done.ok()) << done.error().what;
    EXPECT_EQ(done->exit_code, 3);
    EXPECT_EQ(done->err, "no space\n");
  }
}

TEST(RunProcess, NothingInNothingOut) {
  Result<ProcessResult> done = Shell("cat; kill -9 $$", "");
  ASSERT_TRUE(done.ok()) << done.error().what;
  EXPECT_EQ(done->exit_code, 128 + 9);
  EXPECT_EQ(done->out + done->err, "");
}

TEST(RunProcess, StopsWhatTakesTooLong) {
  Result<ProcessResult> done = Shell("exec sleep 100", "", 1);
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, ErrorCode::kEnvironment);
  EXPECT_THAT(done.error().what, HasSubstr("no answer within 1 seconds"));
}

TEST(RunProcess, NoSuchProgram) {
  Result<ProcessResult> done = RunProcess({"no-such-program"}, "", 1);
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, ErrorCode::kEnvironment);
  EXPECT_THAT(done.error().what, HasSubstr("cannot start no-such-program"));
  EXPECT_EQ(RunProcess({"/nonexistent"}, "", 1).error().code, ErrorCode::kEnvironment);
}

TEST(ShellQuoted, ComesBackFromAShell) {
  for (const char* word : {"a b", "it's", "$HOME `id` \"x\" \\", "", "a\nb", "*"})
    EXPECT_EQ(RunProcess({"sh", "-c", std::string("printf %s ") + ShellQuoted(word)}, "", 10)->out,
              word);
}

}  // namespace
}  // namespace edet::deploy
