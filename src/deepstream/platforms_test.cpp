#include "deepstream/platforms.h"

#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "deepstream/key_table.h"
#include "deepstream/nvinfer_config.h"
#include "testing/temporary_directory.h"

namespace edet::deepstream {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

const std::map<char, Postprocessing> kKinds = {{'p', Postprocessing::kPlugin},
                                               {'o', Postprocessing::kOnnxNms},
                                               {'r', Postprocessing::kRows},
                                               {'d', Postprocessing::kDecoded},
                                               {'n', Postprocessing::kNone}};

// What each platform takes, written down by hand: plugin, onnx, rows, decoded, none; A: the plugin
// with AutoML's semantics; W: NHWC. `chosen`: what it gets where the user leaves --nms out.
struct Row {
  const char* platform;
  const char* taken;
  char chosen;
  int64_t opset;  // the newest
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.platform; }

const Row kTable[] = {
    {"xavier-jp4.4", "dn", 'd', 11},     {"xavier-jp4.5", "dn", 'd', 11},
    {"xavier-jp4.6", "pdnW", 'd', 13},   {"xavier-jp5.0", "pdnW", 'p', 17},
    {"xavier-jp5.1", "pordnW", 'p', 17}, {"xavier-jp5", "pordnW", 'p', 17},
    {"orin-jp5", "pordnW", 'p', 17},     {"orin-jp6.0", "pordnAW", 'p', 17},
    {"orin-jp6", "pordnAW", 'p', 17},    {"thor-jp7", "pordnAW", 'o', 17},
    {"dgpu-5.1", "dn", 'd', 11},         {"dgpu-6.0", "pdnW", 'd', 13},
    {"dgpu-6.1", "pdnW", 'd', 13},       {"dgpu-6.1.1", "pdnW", 'p', 17},
    {"dgpu-6.2", "pordnW", 'p', 17},     {"dgpu-6.3", "pordnW", 'p', 17},
    {"dgpu-6.4", "pordnAW", 'p', 17},    {"dgpu-7.0", "pordnAW", 'p', 17},
    {"dgpu-7.1", "pordnAW", 'p', 17},    {"dgpu-9.1", "pordnAW", 'o', 17},
};

// By docs/operators.md of onnx-tensorrt's release branches.
TEST(NewestOpset, IsTheOneThatTheParserIsDocumentedFor) {
  const std::pair<const char*, int64_t> kDocumented[] = {
      {"7.1.3", 11}, {"7.2.2", 11},   {"8.0.1", 13}, {"8.2.1", 13}, {"8.4.0", 13},
      {"8.4.1", 17}, {"8.4.1.5", 17}, {"8.4", 17},   {"8.5.2", 17}, {"8.6.2", 17},
      {"9.3", 19},   {"10.3", 20},    {"10.16", 20}, {"7.0", 11}};
  for (const auto& [tensorrt, opset] : kDocumented)
    EXPECT_EQ(NewestOpset(tensorrt), opset) << tensorrt;
  for (const Platform& platform : Platforms())
    EXPECT_EQ(platform.max_opset, std::min<int64_t>(17, NewestOpset(platform.tensorrt)));
}

TEST(FindJetPack, KnowsTheReleasesOfNvidiasTable) {
  const std::tuple<const char*, const char*, const char*> kTable[] = {
      {"4.4", "7.1.3", "5.0"},   {"4.5.1", "7.1.3", "5.1"}, {"4.6", "8.0.1", "6.0"},
      {"4.6.3", "8.2.1", "6.0"}, {"5.0.1", "8.4.0", "6.1"}, {"5.0.2", "8.4.1", "6.1.1"},
      {"5.1.1", "8.5.2", "6.2"}, {"5.1.4", "8.5.2", "6.3"}, {"6.0", "8.6.2", "7.0"},
      {"6.2", "10.3", "7.1"},    {"7.0", "10.13", "8.0"},   {"7.1", "10.16", "9.0"},
      {"7.2", "10.16", "9.1"},   {"5", "8.5.2", "6.3"},     {"4", "8.2.1", "6.0"}};
  for (const auto& [release, tensorrt, deepstream] : kTable) {
    const std::optional<JetPack> found = FindJetPack(release);
    ASSERT_TRUE(found) << release;
    EXPECT_EQ(found->tensorrt, tensorrt) << release;
    EXPECT_EQ(found->deepstream, deepstream) << release;
    EXPECT_TRUE(FindPlatform(found->platform).ok()) << release;
  }
  for (const char* unknown : {"3.3", "4.3", "8.0", "50.1"})
    EXPECT_FALSE(FindJetPack(unknown)) << unknown;
}

class EveryPlatform : public ::testing::TestWithParam<Row> {
 protected:
  bool Takes(char form) const {
    return std::string(GetParam().taken).find(form) != std::string::npos;
  }
  Result<ModelChoices> Choose(const ModelWishes& wishes) const {
    return ChooseModel(*FindPlatform(GetParam().platform), wishes);
  }
  // A refusal names the platform and what to do.
  static void ExpectRefused(const Result<ModelChoices>& choices, const char* platform) {
    ASSERT_FALSE(choices.ok());
    EXPECT_EQ(choices.error().code, ErrorCode::kUnsupported);
    EXPECT_THAT(choices.error().where, HasSubstr(platform));
    EXPECT_THAT(choices.error().hint, HasSubstr("take --"));
  }
};

TEST_P(EveryPlatform, TakesOrRefusesEachKindOfNms) {
  for (const auto& [letter, kind] : kKinds) {
    ModelWishes wishes;
    wishes.postprocessing = kind;
    Result<ModelChoices> choices = Choose(wishes);
    if (!Takes(letter)) {
      ExpectRefused(choices, GetParam().platform);
      continue;
    }
    ASSERT_TRUE(choices.ok()) << choices.error().ToString();
    EXPECT_EQ(choices->postprocessing, kind);
    EXPECT_EQ(choices->automl, kind != Postprocessing::kPlugin);
  }
}

TEST_P(EveryPlatform, ChoosesWhatItTakesItself) {
  Result<ModelChoices> choices = Choose({});
  ASSERT_TRUE(choices.ok()) << choices.error().ToString();
  EXPECT_EQ(choices->postprocessing, kKinds.at(GetParam().chosen));
  EXPECT_EQ(choices->nhwc, Takes('W'));
  EXPECT_LE(choices->opset, GetParam().opset);
  for (const char* said : {"target ", "--nms ", "--layout ", "--opset "}) {
    EXPECT_THAT(choices->reasons, Contains(HasSubstr(said)));
  }
}

TEST_P(EveryPlatform, TakesAutoMlsSemanticsSomehow) {
  ModelWishes wishes;
  wishes.automl = true;
  Result<ModelChoices> choices = Choose(wishes);
  ASSERT_TRUE(choices.ok()) << choices.error().ToString();
  EXPECT_TRUE(choices->automl);
  EXPECT_TRUE(choices->postprocessing != Postprocessing::kPlugin || Takes('A'));
  wishes.postprocessing = Postprocessing::kPlugin;
  choices = Choose(wishes);
  if (Takes('A')) {
    EXPECT_TRUE(choices.ok());
  } else {
    ExpectRefused(choices, GetParam().platform);
  }
}

TEST_P(EveryPlatform, RefusesWhatItCannotRead) {
  ModelWishes wishes;
  wishes.nhwc = true;
  EXPECT_EQ(Choose(wishes).ok(), Takes('W'));
  wishes.nhwc = false;
  wishes.opset = GetParam().opset;
  EXPECT_TRUE(Choose(wishes).ok());
  wishes.opset = GetParam().opset + 1;
  ExpectRefused(Choose(wishes), GetParam().platform);
}

// A config for a platform names no key that its DeepStream lacks, and is read without a complaint.
TEST_P(EveryPlatform, GetsAConfigOfItsVersion) {
  Platform platform = *FindPlatform(GetParam().platform);
  ModelFacts facts;
  facts.input_width = facts.input_height = 512;
  facts.num_classes = 90;
  facts.nhwc = platform.nhwc;
  facts.batch_size = 4;
  facts.platform = platform.name;
  facts.deepstream_version = platform.deepstream;
  const std::string text = NvinferConfigText(facts);
  EXPECT_THAT(text, HasSubstr("model-engine-file=model.onnx_b4_gpu0_fp16.engine"));
  EXPECT_THAT(text, HasSubstr(platform.name));
  const GroupSpec* group = NvinferKeys().Find("property");
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line) && line != "[class-attrs-all]";) {
    const KeySpec* spec = group->Find(line.substr(0, line.find('=')));
    if (spec == nullptr || line[0] == '#') continue;
    EXPECT_LE(CompareVersions(spec->since, platform.deepstream), 0) << line;
  }
  const bool crops = CompareVersions(platform.deepstream, "6.2") >= 0;
  EXPECT_EQ(text.find("crop-objects-to-roi-boundary") != std::string::npos, crops);
  const AppFacts app;
  EXPECT_THAT(AppConfigText(facts, app), HasSubstr("/opt/nvidia/deepstream/deepstream/samples/"));
}

INSTANTIATE_TEST_SUITE_P(Platforms, EveryPlatform, ::testing::ValuesIn(kTable),
                         [](const auto& info) {
                           std::string name = info.param.platform;
                           for (char& c : name) {
                             if (c == '-' || c == '.') c = '_';
                           }
                           return name;
                         });

TEST(Platforms, AreAllInTheTable) {
  std::set<std::string> known, tested;
  for (const Platform& platform : Platforms()) {
    EXPECT_TRUE(known.insert(platform.name).second) << platform.name;
    EXPECT_TRUE(platform.arch == "aarch64" || platform.arch == "x86_64") << platform.name;
    EXPECT_EQ(platform.object_bytes, CompareVersions(platform.deepstream, "9.0") < 0 ? 24U : 28U);
  }
  for (const Row& row : kTable) tested.insert(row.platform);
  EXPECT_EQ(known, tested);
}

// What the importers want as initialisers: TopK until 8.5, Resize until 8.2, Pad until 8.0.
TEST(Platforms, KnowWhatMustBeConstant) {
  auto constants = [](const char* name) { return FindPlatform(name)->constants; };
  EXPECT_THAT(constants("dgpu-5.1"), Contains("Pad"));
  EXPECT_THAT(constants("dgpu-6.0"), Contains("Pad"));
  EXPECT_THAT(constants("xavier-jp4.6"), Not(Contains("Pad")));
  EXPECT_THAT(constants("xavier-jp4.6"), Contains("Resize"));
  EXPECT_THAT(constants("xavier-jp5.0"), Not(Contains("Resize")));
  EXPECT_THAT(constants("xavier-jp5"), Contains("TopK"));
  EXPECT_TRUE(constants("orin-jp6").empty());
}

TEST(Platforms, AreFoundByNameOnly) {
  EXPECT_EQ(FindPlatform("xavier-jp5")->tensorrt, "8.5.2");
  Result<Platform> wrong = FindPlatform("xavier-jp7");
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(wrong.error().hint, HasSubstr("'xavier-jp"));
  EXPECT_FALSE(FindPlatform("").ok());
}

TEST(CompareVersions, CountsEachPart) {
  EXPECT_LT(CompareVersions("8.5.2", "8.6"), 0);
  EXPECT_GT(CompareVersions("10.3", "8.6.2"), 0);
  EXPECT_GT(CompareVersions("6.1.1", "6.1"), 0);
  EXPECT_EQ(CompareVersions("7.1", "7.1"), 0);
}

}  // namespace
}  // namespace edet::deepstream
