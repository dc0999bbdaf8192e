#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "testing/temporary_directory.h"

namespace edet::testing {

std::string Slurp(const std::filesystem::path& path);
void Spill(const std::filesystem::path& path, const std::string& text);

// Each byte as a character, so that any text can stand in JSON.
std::string FromLatin1(const std::string& bytes);

// What DeepStream's own parsers say of a config.
struct Verdict {
  bool crashed = false;
  bool accepted = false;
  nlohmann::json values;
  std::string warnings;  // stderr
};

// Builds the judge where the reference data has its script, or skips the test. The folder holds the
// files that the configs name.
class JudgeTest : public ::testing::Test {
 protected:
  void SetUp() override;
  // `mode`: infer or app. The judge reads YAML where the file's name says so.
  Verdict Judge(const std::string& mode, const std::filesystem::path& config) const;

  TemporaryDirectory folder_;

 private:
  std::filesystem::path program_;
};

}  // namespace edet::testing
