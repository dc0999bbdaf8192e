// `edet convert` and `edet inspect` on weights that are readable and wrong, as a user calls them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "checkpoint/bundle_writer.h"
#include "cli/command.h"
#include "cli/parser_library.h"
#include "efficientdet/untrained.h"
#include "testing/temporary_directory.h"

namespace edet::cli {
namespace fs = std::filesystem;
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kKernel = "class_net/class-0/pointwise_kernel";
constexpr const char* kVariance =
    "efficientnet-b0/blocks_0/tpu_batch_normalization/moving_variance";

std::vector<checkpoint::NamedTensor> D0() {
  efficientdet::UntrainedVariables source(1);
  std::vector<checkpoint::NamedTensor> tensors;
  for (const auto& [name, shape] : efficientdet::WantedVariables(*efficientdet::FindModel("d0")))
    tensors.push_back({name, shape, source.Read(name, shape).floats});
  return tensors;
}

struct Outcome {
  int exit_code = 0;
  std::string error;
  std::string printed;
};

// One call of the command line, in this process.
Outcome Call(std::vector<std::string> arguments) {
  CLI::App app("edet");
  app.require_subcommand(1);
  Session session;
  AddConvertCommand(app, session);
  AddInspectCommand(app, session);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants it
  Outcome outcome;
  ::testing::internal::CaptureStdout();
  try {
    app.parse(arguments);
    outcome.exit_code = session.exit_code;
  } catch (const CommandFailed& failed) {
    outcome = {ExitCode(failed.error.code), failed.error.ToString(), ""};
  } catch (const CLI::ParseError& error) {
    outcome = {2, error.what(), ""};
  }
  outcome.printed = ::testing::internal::GetCapturedStdout();
  return outcome;
}

class Weights : public ::testing::Test {
 protected:
  void Write(std::vector<checkpoint::NamedTensor> tensors) {
    ASSERT_TRUE(checkpoint::WriteBundle(folder_ / "ckpt" / "model", std::move(tensors), 1).ok());
  }
  // D0 with the last value of some variables replaced.
  void WriteSpoilt(const std::vector<std::pair<std::string, float>>& values) {
    std::vector<checkpoint::NamedTensor> tensors = D0();
    size_t spoilt = 0;
    for (checkpoint::NamedTensor& tensor : tensors) {
      for (const auto& [name, value] : values) {
        if (tensor.name != name) continue;
        tensor.values.back() = value;
        ++spoilt;
      }
    }
    ASSERT_EQ(spoilt, values.size());
    Write(std::move(tensors));
  }
  Outcome Convert(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"convert", checkpoint_, "-o", out_});
    return Call(more);
  }
  Outcome Inspect(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"inspect", checkpoint_});
    return Call(more);
  }
  void FlipLastDataByte() {
    fs::path data = folder_ / "ckpt" / "model.data-00000-of-00001";
    std::fstream file(data, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(fs::file_size(data)) - 100);
    char byte = static_cast<char>(file.peek() ^ 1);
    file.seekp(static_cast<std::streamoff>(fs::file_size(data)) - 100);
    file.put(byte);
  }

  edet::testing::TemporaryDirectory folder_;
  std::string checkpoint_ = (folder_ / "ckpt").string();
  std::string out_ = (folder_ / "out").string();
};

}  // namespace

TEST_F(Weights, NaNAndNegativeVarianceAreFindingsThatNameAllOfThem) {
  WriteSpoilt({{kKernel, std::numeric_limits<float>::quiet_NaN()}, {kVariance, -0.25F}});
  Outcome converted = Convert();
  EXPECT_EQ(converted.exit_code, 1);
  EXPECT_THAT(converted.error,
              AllOf(HasSubstr("2 variables"), HasSubstr(kKernel), HasSubstr(kVariance),
                    HasSubstr("1 NaN of"), HasSubstr("1 below 0"), HasSubstr("--allow-nonfinite")));
  EXPECT_FALSE(fs::exists(out_));
  Outcome inspected = Inspect({"--json"});
  EXPECT_EQ(inspected.exit_code, 1);
  auto weights = nlohmann::json::parse(inspected.printed)["weights"];
  EXPECT_EQ(weights["verified"], true);
  ASSERT_EQ(weights["bad"].size(), 2U);
  EXPECT_EQ(weights["bad"][0]["name"], kKernel);
  EXPECT_EQ(weights["bad"][0]["nan"], 1);
  EXPECT_EQ(weights["bad"][1]["negative_variance"], 1);
  EXPECT_EQ(Inspect({"--no-verify"}).exit_code, 0);
}

TEST_F(Weights, NaNIsConvertedWhenAskedFor) {
  if (!FindParserLibrary().ok()) GTEST_SKIP() << "the parser library is not built";
  WriteSpoilt({{kKernel, std::numeric_limits<float>::infinity()}});
  Outcome converted = Convert({"--allow-nonfinite"});
  EXPECT_EQ(converted.exit_code, 0) << converted.error;
  EXPECT_THAT(converted.printed, HasSubstr("NOTE 1 variable holds"));
  EXPECT_TRUE(fs::exists(fs::path(out_) / "model.onnx"));
}

TEST_F(Weights, DamagedDataIsListedOnlyWhenAskedFor) {
  Write(D0());
  EXPECT_EQ(Inspect().exit_code, 0);
  FlipLastDataByte();
  Outcome refused = Inspect();
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(refused.error, HasSubstr("checksum of tensor '"));
  Outcome listed = Inspect({"--no-verify", "--json"});
  EXPECT_EQ(listed.exit_code, 0) << listed.error;
  EXPECT_EQ(nlohmann::json::parse(listed.printed)["weights"]["verified"], false);
  EXPECT_EQ(Convert({"--no-verify"}).exit_code, 2);  // there is no such option
  EXPECT_EQ(Convert().exit_code, 3);
}

TEST_F(Weights, AnIndexAloneIsListed) {
  Write(D0());
  fs::remove(folder_ / "ckpt" / "model.data-00000-of-00001");
  Outcome listed = Inspect({"--json"});
  EXPECT_EQ(listed.exit_code, 0) << listed.error;
  EXPECT_EQ(nlohmann::json::parse(listed.printed)["weights"]["verified"], false);
  Outcome converted = Convert();
  EXPECT_EQ(converted.exit_code, 3);
  EXPECT_THAT(converted.error, HasSubstr("model.data-00000-of-00001"));
}

TEST_F(Weights, LimitsCanBeRaisedAndLowered) {
  Write(D0());
  for (const std::vector<std::string>& lowered :
       std::vector<std::vector<std::string>>{{"--max-tensor-bytes", "1 KiB"},
                                             {"--max-tensors", "100"},
                                             {"--max-rank", "3"},
                                             {"--max-name-bytes", "20"},
                                             {"--max-index-bytes", "4KB"}}) {
    Outcome refused = Inspect(lowered);
    EXPECT_EQ(refused.exit_code, 3) << lowered[0];
    EXPECT_THAT(refused.error, HasSubstr("--help")) << lowered[0];
    EXPECT_EQ(Convert(lowered).exit_code, 3) << lowered[0];
    EXPECT_FALSE(fs::exists(out_)) << lowered[0];
  }
  EXPECT_EQ(Inspect({"--max-tensor-bytes", "3GiB", "--max-tensors", "30000"}).exit_code, 0);
  EXPECT_EQ(Inspect({"--max-rank", "many"}).exit_code, 2);
  EXPECT_EQ(Inspect({"--max-tensor-bytes", "-5"}).exit_code, 2);
  EXPECT_EQ(Inspect({"--max-rank", "-5"}).exit_code, 2);
}

TEST_F(Weights, AStateFileIsFollowedOutOfItsFolderOnlyWhenAskedTo) {
  Write(D0());
  fs::create_directory(folder_ / "elsewhere");
  std::ofstream(folder_ / "elsewhere" / "checkpoint")
      << "model_checkpoint_path: \"../ckpt/model\"\n";
  std::string elsewhere = (folder_ / "elsewhere").string();
  Outcome refused = Call({"inspect", elsewhere});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(refused.error, HasSubstr("points outside its folder"));
  EXPECT_EQ(Call({"inspect", elsewhere, "--follow"}).exit_code, 0);
  EXPECT_EQ(Call({"convert", elsewhere, "-o", out_}).exit_code, 3);
}

TEST_F(Weights, OneReportSaysHowAModelDiffers) {
  std::vector<checkpoint::NamedTensor> tensors = D0();
  auto named = [&tensors](const std::string& name) {
    return std::find_if(tensors.begin(), tensors.end(),
                        [&name](const auto& tensor) { return tensor.name == name; });
  };
  tensors.erase(named(kVariance));
  auto kernel = named(kKernel);
  ASSERT_NE(kernel, tensors.end());
  kernel->shape.push_back(1);
  tensors.push_back({"a/stranger", {1}, {1.F}});
  Write(std::move(tensors));
  for (const std::vector<std::string>& model :
       std::vector<std::vector<std::string>>{{}, {"--model", "d0"}, {"--model", "d3"}}) {
    Outcome refused = Convert(model);
    EXPECT_EQ(refused.exit_code, 3);
    EXPECT_THAT(refused.error, AllOf(HasSubstr("missing"), HasSubstr("of another shape"),
                                     HasSubstr("unknown"), HasSubstr("efficientdet-d0")));
    EXPECT_FALSE(fs::exists(out_));
    if (!model.empty() && model[1] == "d3") continue;
    EXPECT_THAT(refused.error, AllOf(HasSubstr(kVariance), HasSubstr(kKernel),
                                     HasSubstr("a/stranger"), HasSubstr("3 variables off")));
  }
}

TEST_F(Weights, AGuessIsToldUntilTheHyperparametersSettleIt) {
  Write(D0());
  auto told = [this](const std::vector<std::string>& more) {
    fs::remove_all(out_);
    return Convert(more).printed;
  };
  EXPECT_THAT(told({}), AllOf(HasSubstr("guessed: image_size"), HasSubstr("guessed: act_type")));
  EXPECT_THAT(told({"--hparams", "image_size=256"}),
              AllOf(Not(HasSubstr("guessed: image_size")), HasSubstr("guessed: act_type")));
  EXPECT_THAT(told({"--hparams", "name=efficientdet-d0"}), Not(HasSubstr("guessed")));
}

}  // namespace edet::cli
