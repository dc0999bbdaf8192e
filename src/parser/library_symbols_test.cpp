// What is read out of a library's file, without loading it.
#include "parser/library_symbols.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/file.h"
#include "testing/temporary_directory.h"

namespace edet::parser {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Debian's C library for the cross compiler.
constexpr const char* kForeignLibrary = "/usr/aarch64-linux-gnu/lib/libc.so.6";

TEST(LibrarySymbols, OurLibraryDescribesItself) {
  auto library = DescribeLibrary(EDET_PARSER_LIBRARY);
  ASSERT_TRUE(library.ok()) << library.error().ToString();
  EXPECT_TRUE(library->for_this_machine);
  EXPECT_THAT(library->needed_libraries, Contains("libstdc++.so.6"));
  EXPECT_THAT(library->needed_libraries, Contains("libdl.so.2"));
  ASSERT_TRUE(library->self.has_value());
  EXPECT_EQ(library->self->version, EDET_VERSION);
  EXPECT_EQ(library->self->cplusplus, 201402);
  EXPECT_EQ(library->self->object_bytes, (std::vector<int>{24, 28}));
  // Every exported function is described, and no other.
  std::vector<std::string> described;
  for (const auto& contract : library->self->contracts) {
    EXPECT_NE(contract.name, "");
    EXPECT_NE(contract.tensors, "");
    described.push_back(contract.function);
  }
  std::sort(described.begin(), described.end());
  EXPECT_EQ(described, library->parse_functions);
  EXPECT_THAT(described, Contains("NvDsInferParseEfficientDet"));
}

TEST(LibrarySymbols, VersionsAreComparedAsNumbers) {
  auto library = DescribeLibrary(EDET_PARSER_LIBRARY);
  ASSERT_TRUE(library.ok());
  // On x86_64, GLIBC_2.2.5, 2.7, 2.14 and others: as text, 2.7 would be the newest.
  EXPECT_THAT(library->needed_newest["GLIBC"], Not(AnyOf("", "2.2.5", "2.3", "2.7")));
  EXPECT_THAT(library->needed_newest["GLIBCXX"], StartsWith("3.4."));
}

TEST(LibrarySymbols, ReadsLibrariesOfAnotherArchitecture) {
  auto library = DescribeLibrary(kForeignLibrary);
  if (!library.ok()) GTEST_SKIP() << "no " << kForeignLibrary << " (g++-aarch64-linux-gnu)";
  EXPECT_EQ(library->architecture, "aarch64");
  EXPECT_FALSE(library->for_this_machine);
  EXPECT_FALSE(library->self.has_value());
  EXPECT_THAT(library->needed_libraries, Contains("ld-linux-aarch64.so.1"));
  EXPECT_THAT(DescribeSharedObject(kForeignLibrary), HasSubstr("built for aarch64"));
}

TEST(LibrarySymbols, OtherFilesAreRefused) {
  testing::TemporaryDirectory folder;
  for (const std::string& bytes : {std::string(), std::string("not a library"),
                                   std::string("\177ELF"), std::string("!<arch>\n")}) {
    ASSERT_TRUE(WriteFileAtomically(folder / "x.so", bytes).ok());
    auto library = DescribeLibrary(folder / "x.so");
    ASSERT_FALSE(library.ok());
    EXPECT_EQ(library.error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(ExportedParseFunctions(folder / "x.so").size(), 0u);
  }
  EXPECT_EQ(DescribeLibrary(folder / "absent.so").error().code, ErrorCode::kNotFound);
}

void ExpectReadOrRefused(const std::filesystem::path& path) {
  auto library = DescribeLibrary(path);
  if (library.ok()) {
    EXPECT_NE(library->architecture, "");
  } else {
    EXPECT_EQ(library.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_NE(DescribeSharedObject(path), "");
}

// Nothing is read beyond the file, whatever its tables say.
TEST(LibrarySymbols, DamagedLibrariesAreReadOrRefused) {
  auto bytes = ReadFile(EDET_PARSER_LIBRARY);
  ASSERT_TRUE(bytes.ok());
  testing::TemporaryDirectory folder;
  const auto path = folder / "damaged.so";
  for (size_t part = 0; part < 16; ++part) {
    ASSERT_TRUE(WriteFileAtomically(path, bytes->substr(0, bytes->size() * part / 16)).ok());
    ExpectReadOrRefused(path);
  }
  for (size_t round = 0; round < 60; ++round) {
    std::string damaged = *bytes;
    // The header, the dynamic tables at the front, and the section headers at the end.
    for (size_t at = round; at < std::min<size_t>(damaged.size(), 6000); at += 97)
      damaged[at] = static_cast<char>(round * 37 + at);
    for (size_t at = damaged.size() - 1 - round; at > damaged.size() - 2500; at -= 89)
      damaged[at] = static_cast<char>(round * 53 + at);
    if (round % 2 == 0) damaged.replace(0, 64, *bytes, 0, 64);
    ASSERT_TRUE(WriteFileAtomically(path, damaged).ok());
    ExpectReadOrRefused(path);
  }
}

}  // namespace
}  // namespace edet::parser
