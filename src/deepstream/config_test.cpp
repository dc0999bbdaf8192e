// The readers' own promises: what is an error and where, what is a finding. Values are judged in
// judge_test.cpp.
#include <gmock/gmock.h>

#include <fstream>

#include "deepstream/app_config.h"
#include "deepstream/nvinfer_config.h"
#include "testing/temporary_directory.h"

namespace edet::deepstream {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

class ConfigTest : public ::testing::Test {
 protected:
  std::filesystem::path Write(const std::string& text, const std::string& name = "config.txt") {
    const std::filesystem::path path = folder_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  Result<NvinferConfig> Infer(const std::string& text) {
    return ReadNvinferConfig(Write(text), findings_);
  }
  Result<AppConfig> App(const std::string& text) { return ReadAppConfig(Write(text), findings_); }

  Findings findings_;
  edet::testing::TemporaryDirectory folder_;
};

auto Rule(const char* rule) { return Field(&Finding::rule, std::string(rule)); }

TEST_F(ConfigTest, MisspeltKeyNamesTheNearestAndTheLine) {
  ASSERT_TRUE(Infer("# comment\n[property]\nnum-detected-clases=3\n").ok());
  ASSERT_THAT(findings_.all(), Contains(Rule("unknown-key")));
  for (const Finding& finding : findings_.all()) {
    if (finding.rule != "unknown-key") continue;
    EXPECT_THAT(finding.hint, HasSubstr("num-detected-classes"));
    EXPECT_THAT(finding.where, HasSubstr("config.txt:3"));
  }
}

TEST_F(ConfigTest, RefusedValueSaysFileLineGroupAndKey) {
  Result<NvinferConfig> config = Infer("[property]\nbatch-size=1\n\ninterval=1.0\n");
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(config.error().where, HasSubstr("config.txt:4 [property] interval"));
}

TEST_F(ConfigTest, ClassBeyondTheLastIsAnError) {
  EXPECT_TRUE(Infer("[property]\nnum-detected-classes=2\n[class-attrs-1]\ntopk=3\n").ok());
  Result<NvinferConfig> config =
      Infer("[property]\nnum-detected-classes=2\n[class-attrs-999999]\ntopk=3\n");
  ASSERT_FALSE(config.ok());
  EXPECT_THAT(config.error().where, HasSubstr(":3 [class-attrs-999999]"));
}

TEST_F(ConfigTest, ClassInheritsFromAllWhateverTheOrder) {
  Result<NvinferConfig> config = Infer(
      "[class-attrs-1]\npre-cluster-threshold=0.5\n[class-attrs-all]\ntopk=7\npre-cluster-"
      "threshold=0.3\n"
      "[property]\nnum-detected-classes=2\n");
  ASSERT_TRUE(config.ok());
  EXPECT_FLOAT_EQ(config->postprocess.classes[0].pre_cluster_threshold, 0.3F);
  EXPECT_FLOAT_EQ(config->postprocess.classes[1].pre_cluster_threshold, 0.5F);
  EXPECT_EQ(config->postprocess.classes[1].top_k, 7);
}

TEST_F(ConfigTest, WhatIsReadOtherwiseThanItLooksIsFound) {
  Write("x", "model.onnx");
  ASSERT_TRUE(Infer("[property]\nonnx-file=model.onnx # "
                    "mine\nlabelfile-path=none.txt\nnetwork-mode=1\ninterval=0\n"
                    "interval=1\nnetwork-input-order=1\nnet-scale-factor=0\n[class-attrs-all]"
                    "\ntopk=0\n[propety]\na=1\n")
                  .ok());
  for (const char* rule : {"trailing-comment", "duplicate-key", "topk-zero", "unknown-group"}) {
    EXPECT_THAT(findings_.all(), Contains(Rule(rule))) << rule;
  }
}

TEST_F(ConfigTest, DamagedFilesAreErrorsOfOneLine) {
  for (const std::string& text :
       {std::string("\xEF\xBB\xBF[property]\n"), std::string("[property]\n; comment\n"),
        std::string("key=1\n[property]\n"), std::string("[property\n"),
        std::string("\x7F"
                    "ELF\0\1\2",
                    7),
        std::string(), std::string("[other]\n")}) {
    Result<NvinferConfig> config = Infer(text);
    ASSERT_FALSE(config.ok()) << text;
    EXPECT_EQ(config.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(config.error().ToString(), Not(HasSubstr("\n")));
  }
  EXPECT_EQ(Infer("[property]\nkey=1\n; comment\n").error().where,
            (folder_ / "config.txt").string() + ":3");
  EXPECT_FALSE(ReadNvinferConfig(folder_ / "absent.txt", findings_).ok());
  EXPECT_EQ(ReadNvinferConfig(folder_ / "absent.yml", findings_).error().code,
            ErrorCode::kNotFound);
}

TEST_F(ConfigTest, YamlIsReadWithItsOwnConversions) {
  const std::string text =
      "property:\n  batch-size: 0x10  # c\n  num-detected-classes: 2\n  interval: 1x\n"
      "  output-blob-names: a;b\n  threshold: 1\nclass-attrs-1:\n  pre-cluster-threshold: 0.6\n";
  Result<NvinferConfig> config = ReadNvinferConfig(Write(text, "config.yml"), findings_);
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  EXPECT_EQ(config->batch_size, 16U);
  EXPECT_EQ(config->interval, 1U);
  EXPECT_EQ(config->output_blob_names, (std::vector<std::string>{"a", "b"}));
  EXPECT_FLOAT_EQ(config->postprocess.classes[1].pre_cluster_threshold, 0.6F);
}

TEST_F(ConfigTest, WhatTheYamlReaderRefusesNamesItsLine) {
  for (const char* line : {"  maintain-aspect-ratio: true", "  batch-size: -1", "  offsets: [1, 2]",
                           "  infer-dims: 3;512", "  batch-size: {a: 1}", "  other: [1]"}) {
    const Result<NvinferConfig> config = ReadNvinferConfig(
        Write("# c\nproperty:\n" + std::string(line) + "\n", "config.yml"), findings_);
    ASSERT_FALSE(config.ok()) << line;
    EXPECT_NE(config.error().where.find("config.yml:3"), std::string::npos) << line;
  }
}

TEST_F(ConfigTest, YamlThatIsNoConfigIsRefused) {
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 9; ++i) bomb += std::string("*") + static_cast<char>(c - 1) + ", ";
    bomb += std::string("*") + static_cast<char>(c - 1) + "]\n";
  }
  for (const std::string& text :
       {std::string(), std::string("text"), std::string("a: [1"), bomb, std::string(100000, '['),
        std::string("\0\0\0", 3), std::string("[property]\nbatch-size=1\n")}) {
    const Result<NvinferConfig> config = ReadNvinferConfig(Write(text, "config.yml"), findings_);
    ASSERT_FALSE(config.ok()) << text.substr(0, 40);
    EXPECT_NE(config.error().ToString().find("config.yml"), std::string::npos);
  }
}

TEST_F(ConfigTest, SourcesOfYamlAreRowsOfATable) {
  Write("# c\nenable,type,uri\n1,4,rtsp://h/x\n0,4,rtsp://h/y\n1,4,rtsp://h/z\n", "sources.csv");
  const std::filesystem::path path =
      Write("source:\n  csv-file-path: sources.csv\nsink0:\n  enable: 1\n", "app.yaml");
  Result<AppConfig> config = ReadAppConfig(path, findings_);
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  ASSERT_EQ(config->sources.size(), 2U);
  EXPECT_EQ(config->sources[1].uri, "rtsp://h/z");
  Write("enable,type,uri\n1,4,rtsp://h/x\n1\n", "sources.csv");
  const Result<AppConfig> damaged = ReadAppConfig(path, findings_);
  ASSERT_FALSE(damaged.ok());
  EXPECT_NE(damaged.error().where.find("sources.csv:3"), std::string::npos);
}

TEST_F(ConfigTest, LongLinesAndCarriageReturnsAreRead) {
  Result<NvinferConfig> config =
      Infer("[property]\r\nbatch-size=2\r\nx=" + std::string(10 << 20, 'y') + "\r\n");
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  EXPECT_EQ(config->batch_size, 2U);
}

TEST_F(ConfigTest, LabelsAreReadAsNvinferDoes) {
  Result<std::vector<std::string>> labels =
      ReadLabels(Write("person\n\nbicycle\r\ncar;van\nlast", "labels.txt"));
  ASSERT_TRUE(labels.ok());
  EXPECT_THAT(*labels, ElementsAre("person", "bicycle\r", "car", "last"));
}

TEST_F(ConfigTest, AppPartsThatAreSilentlyOffAreFound) {
  Result<AppConfig> config =
      App("[source0]\ntype=2\nuri=file://a.mp4\n[primary-gei]\nenable=1\n[osd]\nenable=1\n");
  ASSERT_TRUE(config.ok());
  EXPECT_TRUE(config->sources.empty());
  for (const char* rule : {"not-enabled", "unknown-group"}) {
    EXPECT_THAT(findings_.all(), Contains(Rule(rule))) << rule;
  }
}

TEST_F(ConfigTest, MultiUriBecomesSeveralSources) {
  Result<AppConfig> config =
      App("[source3]\nenable=1\ntype=3\nnum-sources=3\nuri=file:///v/%03d.mp4\n");
  ASSERT_TRUE(config.ok());
  ASSERT_EQ(config->sources.size(), 3U);
  EXPECT_EQ(config->sources[2].uri, "file:///v/002.mp4");
  EXPECT_FALSE(App("[source0]\nenable=1\ntype=3\nnum-sources=2\nuri=file:///%s%n\n").ok());
  EXPECT_FALSE(App("[source0]\nenable=1\ntype=3\nnum-sources=-1\nuri=file:///%d\n").ok());
}

}  // namespace
}  // namespace edet::deepstream
