#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/checked_math.h"
#include "base/file.h"
#include "base/printable.h"
#include "base/result.h"
#include "testing/temporary_directory.h"

namespace edet {
namespace fs = std::filesystem;

TEST(Error, IsOneLineWithItsParts) {
  Error error{ErrorCode::kCorrupt, "bad\nname", "f.index:12", "copy it again"};
  EXPECT_EQ(error.ToString(), "bad?name (f.index:12): copy it again");
  EXPECT_EQ(Error{}.ToString(), "");
}

TEST(Printable, IsOneLineOfUtf8WhateverItIsGiven) {
  EXPECT_EQ(Printable("plain /name:0 \xC3\xA9 \xF0\x9F\x8E\x88"),
            "plain /name:0 \xC3\xA9 \xF0\x9F\x8E\x88");
  EXPECT_EQ(Printable("a\nb\r\t\x1B[31m\x7F"),
            "a?b??"
            "?[31m?");
  EXPECT_EQ(Printable(std::string_view("a\0b", 3)), "a?b");
  EXPECT_EQ(Printable("\xC2\x9B"
                      "31m"),
            "?31m");  // a control code of its own
  EXPECT_EQ(Printable("\xE2\x80\xAE"
                      "cba\xE2\x80\xA8"),
            "?cba?");  // right to left; a line's end
  EXPECT_EQ(Printable("\xFF\xFE\xC3("), std::string(3, '?') + "(");
  EXPECT_EQ(Printable("\xE9\x9F"), "??");                 // cut off
  EXPECT_EQ(Printable("\xC0\x8A\xED\xA0\x80"), "?????");  // a line's end in two bytes; a surrogate
  EXPECT_EQ(Printable("abc\xC3\xA9", 4), "abc...");       // not within a character
  EXPECT_EQ(Printable("abc", 3), "abc");
}

TEST(OutputFiles, ReplacesNoDeviceAndNoPipe) {
  testing::TemporaryDirectory folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  fs::create_symlink("/dev/null", folder / "null");
  for (const char* name : {"pipe", "null"}) {
    const auto before = fs::symlink_status(folder / name).type();
    Status status = WriteFileAtomically(folder / name, "text");
    ASSERT_FALSE(status.ok()) << name;
    EXPECT_EQ(status.error().code, ErrorCode::kIo);
    EXPECT_EQ(fs::symlink_status(folder / name).type(), before);
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 2);  // nothing left
}

TEST(ElementCount, RefusesOverflowInEveryOrder) {
  EXPECT_EQ(ElementCount({2, 3}), 6u);
  EXPECT_EQ(ElementCount({}), 1u);
  EXPECT_EQ(ElementCount({0, 5}), 0u);
  int64_t big = int64_t{1} << 32;
  EXPECT_FALSE(ElementCount({0, big, big}));
  EXPECT_FALSE(ElementCount({big, 0, big}));
  EXPECT_FALSE(ElementCount({-1}));
}

TEST(RangeFits, DoesNotWrap) {
  EXPECT_TRUE(RangeFits(10, 5, 15));
  EXPECT_FALSE(RangeFits(11, 5, 15));
  EXPECT_FALSE(RangeFits(~uint64_t{0}, 2, 15));
}

TEST(ReadFile, TellsWhatIsWrong) {
  testing::TemporaryDirectory directory;
  EXPECT_EQ(ReadFile(directory / "absent").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(ReadFile(directory.path()).error().code, ErrorCode::kIo);
  std::ofstream(directory / "f") << "12345";
  EXPECT_EQ(*ReadFile(directory / "f"), "12345");
  EXPECT_EQ(ReadFile(directory / "f", 4).error().code, ErrorCode::kLimitExceeded);
  ASSERT_EQ(mkfifo((directory / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(ReadFile(directory / "fifo").error().code, ErrorCode::kIo);
}

TEST(OutputFiles, LeavesNothingWithoutCommit) {
  testing::TemporaryDirectory directory;
  std::ofstream(directory / "a.txt") << "old";
  {
    OutputFiles output;
    ASSERT_TRUE(output.Stage(directory / "a.txt", "new").ok());
    ASSERT_TRUE(output.Stage(directory / "sub" / "b.txt", "b").ok());
  }
  EXPECT_EQ(*ReadFile(directory / "a.txt"), "old");
  EXPECT_TRUE(fs::is_empty(directory / "sub"));
  OutputFiles output;
  ASSERT_TRUE(output.Stage(directory / "a.txt", "new").ok());
  ASSERT_TRUE(output.Commit().ok());
  EXPECT_EQ(*ReadFile(directory / "a.txt"), "new");
}

TEST(OutputFiles, GiveBackWhatTheyReplacedIfOneNameCannotBeHad) {
  testing::TemporaryDirectory directory;
  std::ofstream(directory / "a.txt") << "old";
  fs::create_directory(directory / "c.txt");
  {
    OutputFiles output;
    ASSERT_TRUE(output.Stage(directory / "a.txt", "new").ok());
    ASSERT_TRUE(output.Stage(directory / "b.txt", "new").ok());
    ASSERT_TRUE(output.Stage(directory / "c.txt", "new").ok());
    EXPECT_EQ(output.Commit().error().code, ErrorCode::kIo);
  }
  EXPECT_EQ(*ReadFile(directory / "a.txt"), "old");
  EXPECT_FALSE(fs::exists(directory / "b.txt"));
  EXPECT_EQ(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()), 2);
}

}  // namespace edet
