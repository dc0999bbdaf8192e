// Every file for every model and platform, read by GLib and by the keys of that version: an outside
// reading of what was written, key by key. NVIDIA's own parsers judge in judge_test.cpp and
// tests/judges/config_new.py.
#include "deepstream/write_configs.h"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "deepstream/config_stamp.h"
#include "deepstream/key_file.h"
#include "deepstream/platforms.h"
#include "testing/temporary_directory.h"

namespace edet::deepstream {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The family: name, network size, classes.
struct Member {
  const char* name;
  uint32_t width, height;
};
constexpr Member kFamily[] = {
    {"efficientdet-d0", 512, 512},    {"efficientdet-d1", 640, 640},
    {"efficientdet-d2", 768, 768},    {"efficientdet-d3", 896, 896},
    {"efficientdet-d4", 1024, 1024},  {"efficientdet-d5", 1280, 1280},
    {"efficientdet-d6", 1280, 1280},  {"efficientdet-d7", 1536, 1536},
    {"efficientdet-d7x", 1536, 1536}, {"efficientdet-lite0", 320, 320},
    {"efficientdet-lite1", 384, 384}, {"efficientdet-lite2", 448, 448},
    {"efficientdet-lite3", 512, 512}, {"efficientdet-lite3x", 640, 640},
    {"efficientdet-lite4", 640, 640},
};

ModelFacts FactsFor(const Member& member, const Platform& platform) {
  Result<ModelChoices> choices = ChooseModel(platform, {});
  ModelFacts facts;
  facts.model_name = member.name;
  facts.input_width = member.width;
  facts.input_height = member.height;
  facts.num_classes = 90;
  facts.nhwc = choices->nhwc;
  facts.postprocessing = choices->postprocessing;
  facts.output_names = {"num_detections", "detection_boxes", "detection_scores",
                        "detection_classes"};
  facts.platform = platform.name;
  facts.deepstream_version = platform.deepstream;
  facts.jetson = platform.arch == "aarch64";
  return facts;
}

ModelFacts FactsFor(const char* target) { return FactsFor(kFamily[0], *FindPlatform(target)); }

AppFacts AppWith(std::vector<SinkKind> sinks, TrackerKind tracker = TrackerKind::kNone) {
  AppFacts app;
  app.sinks = std::move(sinks);
  app.tracker = tracker;
  app.kitti_directory = "kitti";
  app.sources = {*SourceFromText("file:///videos/a.mp4"), *SourceFromText("rtsp://camera/1"),
                 *SourceFromText("usb:0")};
  return app;
}

// The file as GLib holds it; every key must be one of `table` in `version` and of its type.
class StrictReader {
 public:
  StrictReader(const std::string& text, const KeyTable& table, const std::string& version)
      : table_(table), version_(version) {
    std::ofstream(folder_ / "config.txt") << text;
    Findings findings;
    Result<KeyFile> file = KeyFile::Load(folder_ / "config.txt", findings);
    EXPECT_TRUE(file.ok()) << file.error().ToString();
    EXPECT_TRUE(findings.empty()) << findings.all()[0].what;
    if (!file.ok()) return;
    for (const std::string& group : file->Groups()) CheckGroup(*file, group);
  }
  size_t keys() const { return keys_; }

 private:
  void CheckGroup(const KeyFile& file, const std::string& group) {
    const GroupSpec* spec = table_.Find(group);
    ASSERT_NE(spec, nullptr) << group;
    for (const std::string& key : file.Keys(group)) CheckKey(file, group, key, *spec);
  }

  void CheckKey(const KeyFile& file, const std::string& group, const std::string& key,
                const GroupSpec& spec) {
    const std::string where = version_ + " " + file.Where(group, key);
    const KeySpec* known = spec.Find(key);
    ASSERT_NE(known, nullptr) << where;
    EXPECT_LE(CompareVersions(known->since, version_), 0) << where;
    if (!known->until.empty()) {
      EXPECT_GE(CompareVersions(known->until, version_), 0) << where;
    }
    Result<KeyFile::Value> value = file.Get(group, key, known->type);
    EXPECT_TRUE(value.ok()) << where << value.error().ToString();
    ++keys_;
  }

  edet::testing::TemporaryDirectory folder_;
  const KeyTable& table_;
  std::string version_;
  size_t keys_ = 0;
};

std::string ValueOf(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(key + "=", 0) == 0) return line.substr(key.size() + 1);
  }
  return "absent";
}

TEST(WriteConfigs, HoldOnlyKeysOfTheirVersion) {
  size_t files = 0;
  for (const Platform& platform : Platforms()) {
    for (const Member& member : kFamily) {
      const ModelFacts facts = FactsFor(member, platform);
      const std::string infer = NvinferConfigText(facts);
      EXPECT_GT(StrictReader(infer, NvinferKeys(), platform.deepstream).keys(), 18U);
      EXPECT_EQ(ValueOf(infer, "infer-dims"),
                "3;" + std::to_string(member.height) + ";" + std::to_string(member.width));
      ++files;
    }
  }
  EXPECT_EQ(files, std::size(kFamily) * Platforms().size());
}

TEST(WriteConfigs, HoldOnlyKeysOfTheirVersionForEverySinkAndTracker) {
  constexpr SinkKind kSinks[] = {SinkKind::kFile, SinkKind::kDisplay, SinkKind::kRtsp,
                                 SinkKind::kFake, SinkKind::kKafka,   SinkKind::kMqtt,
                                 SinkKind::kRedis};
  constexpr TrackerKind kTrackers[] = {TrackerKind::kNone,      TrackerKind::kIou,
                                       TrackerKind::kKlt,       TrackerKind::kNvDcf,
                                       TrackerKind::kNvSort,    TrackerKind::kNvDcfAccuracy,
                                       TrackerKind::kNvDeepSort};
  size_t written = 0, refused = 0;
  for (const Platform& platform : Platforms()) {
    const ModelFacts facts = FactsFor(kFamily[0], platform);
    for (SinkKind sink : kSinks) {
      for (TrackerKind tracker : kTrackers) {
        const AppFacts app = AppWith({sink}, tracker);
        const Status status = CheckApp(facts, app, ConfigFormat::kIni);
        if (!status.ok()) {
          EXPECT_EQ(status.error().code, ErrorCode::kUnsupported);
          EXPECT_THAT(status.error().hint, Not(IsEmpty()));
          ++refused;
          continue;
        }
        StrictReader(AppConfigText(facts, app), DeepstreamAppKeys(), platform.deepstream);
        ++written;
      }
    }
  }
  EXPECT_GT(written, 700U);
  EXPECT_GT(refused, 100U);
}

TEST(WriteConfigs, NameTheScreenOfEachDevice) {
  // The first `type` is the source's: look behind it.
  auto display_on = [](const char* target) {
    AppFacts app;
    app.sinks = {SinkKind::kDisplay};
    const std::string text = AppConfigText(FactsFor(target), app);
    return ValueOf(text.substr(text.find("[sink0]")), "type");
  };
  EXPECT_EQ(display_on("xavier-jp4.4"), "5");
  EXPECT_EQ(display_on("xavier-jp4.6"), "5");
  EXPECT_EQ(display_on("xavier-jp5.0"), "2");
  EXPECT_EQ(display_on("xavier-jp5"), "2");
  EXPECT_EQ(display_on("dgpu-5.1"), "2");
  EXPECT_EQ(display_on("dgpu-9.1"), "2");
}

TEST(WriteConfigs, NameTheTrackerOfEachVersion) {
  auto text_on = [](const char* target, TrackerKind tracker) {
    AppFacts app;
    app.tracker = tracker;
    EXPECT_TRUE(CheckApp(FactsFor(target), app, ConfigFormat::kIni).ok()) << target;
    return AppConfigText(FactsFor(target), app);
  };
  const std::string old = text_on("xavier-jp4.4", TrackerKind::kIou);
  EXPECT_THAT(ValueOf(old, "ll-lib-file"), HasSubstr("/libnvds_mot_iou.so"));
  EXPECT_THAT(ValueOf(old, "ll-config-file"), HasSubstr("/iou_config.txt"));
  EXPECT_EQ(ValueOf(old, "enable-batch-process"), "1");
  const std::string six = text_on("xavier-jp4.6", TrackerKind::kNvDeepSort);
  EXPECT_THAT(ValueOf(six, "ll-lib-file"), HasSubstr("/libnvds_nvmultiobjecttracker.so"));
  EXPECT_THAT(ValueOf(six, "ll-config-file"), HasSubstr("/config_tracker_DeepSORT.yml"));
  const std::string newer = text_on("xavier-jp5", TrackerKind::kNvDeepSort);
  EXPECT_THAT(ValueOf(newer, "ll-config-file"), HasSubstr("/config_tracker_NvDeepSORT.yml"));
  EXPECT_EQ(ValueOf(newer, "enable-batch-process"), "absent");
  AppFacts app;
  app.tracker = TrackerKind::kKlt;
  const Status refused = CheckApp(FactsFor("orin-jp6"), app, ConfigFormat::kIni);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().hint, "it has iou, nvdcf, nvdcf-accuracy, nvsort, nvdeepsort");
}

TEST(WriteConfigs, SendMessagesAsTheVersionCan) {
  AppFacts app;
  app.sinks = {SinkKind::kKafka};
  app.broker = {"10.0.0.9", 0, "cars"};
  const std::string text = AppConfigText(FactsFor("orin-jp6"), app);
  EXPECT_EQ(ValueOf(text, "msg-broker-conn-str"), "10.0.0.9;9092");
  EXPECT_EQ(ValueOf(text, "msg-conv-msg2p-new-api"), "1");
  EXPECT_EQ(ValueOf(text, "topic"), "cars");
  EXPECT_THAT(ValueOf(text, "msg-broker-proto-lib"), HasSubstr("/libnvds_kafka_proto.so"));
  const std::string old = AppConfigText(FactsFor("xavier-jp4.5"), app);
  EXPECT_EQ(ValueOf(old, "msg-conv-msg2p-new-api"), "absent");
  EXPECT_THAT(old, HasSubstr("Run with: deepstream-test5-app"));
  auto check = [](const char* target, std::vector<SinkKind> sinks) {
    AppFacts with;
    with.sinks = std::move(sinks);
    return CheckApp(FactsFor(target), with, ConfigFormat::kIni).ok();
  };
  EXPECT_FALSE(check("xavier-jp5.1", {SinkKind::kMqtt}));  // 6.2
  EXPECT_TRUE(check("xavier-jp5", {SinkKind::kMqtt}));     // 6.3
  EXPECT_FALSE(check("xavier-jp4.4", {SinkKind::kRedis}));
  EXPECT_TRUE(check("xavier-jp4.5", {SinkKind::kRedis}));
  EXPECT_FALSE(check("orin-jp6", {SinkKind::kKafka, SinkKind::kRedis}));
  EXPECT_FALSE(check("orin-jp6", {SinkKind::kFile, SinkKind::kFile}));
  app.broker.topic = "two words";
  EXPECT_FALSE(CheckApp(FactsFor("orin-jp6"), app, ConfigFormat::kIni).ok());
}

TEST(WriteConfigs, FollowTheSources) {
  AppFacts app = AppWith({SinkKind::kFile});
  const std::string live = AppConfigText(FactsFor("orin-jp6"), app);
  EXPECT_EQ(ValueOf(live, "live-source"), "1");
  EXPECT_EQ(ValueOf(live, "batched-push-timeout"), "33333");
  EXPECT_EQ(ValueOf(live, "rows"), "2");
  EXPECT_EQ(ValueOf(live, "columns"), "2");
  EXPECT_EQ(ValueOf(live.substr(live.find("[streammux]")), "batch-size"), "3");
  EXPECT_EQ(ValueOf(live.substr(live.find("[source1]")), "type"), "4");
  EXPECT_EQ(ValueOf(live.substr(live.find("[source2]")), "camera-v4l2-dev-node"), "0");
  app.sources.clear();
  app.sample_sources = 5;
  const std::string files = AppConfigText(FactsFor("orin-jp6"), app);
  EXPECT_EQ(ValueOf(files, "live-source"), "0");
  EXPECT_THAT(files, HasSubstr("[source4]"));
  EXPECT_EQ(ValueOf(files, "rows"), "2");
  EXPECT_EQ(ValueOf(files, "columns"), "3");
  app.sample_sources = 1025;
  EXPECT_FALSE(CheckApp(FactsFor("orin-jp6"), app, ConfigFormat::kIni).ok());
  app.sources = {*SourceFromText("csi:1")};
  EXPECT_TRUE(CheckApp(FactsFor("orin-jp6"), app, ConfigFormat::kIni).ok());
  EXPECT_FALSE(CheckApp(FactsFor("dgpu-7.1"), app, ConfigFormat::kIni).ok());
}

TEST(WriteConfigs, TakeSourcesByTheirText) {
  EXPECT_EQ(SourceFromText("/dev/video2")->device, 2U);
  EXPECT_EQ(SourceFromText("usb:11")->kind, SourceKind::kUsbCamera);
  EXPECT_EQ(SourceFromText("csi:0")->kind, SourceKind::kCsiCamera);
  EXPECT_EQ(SourceFromText("/videos/a.mp4")->uri, "file:///videos/a.mp4");
  EXPECT_EQ(SourceFromText("https://host/a.m3u8")->kind, SourceKind::kUri);
  for (const char* wrong : {"", "a.mp4", "usb:", "usb:x", "csi:99999", "file:///a\nb", "rtsp:/a"}) {
    Result<SourceFacts> source = SourceFromText(wrong);
    ASSERT_FALSE(source.ok()) << wrong;
    EXPECT_EQ(source.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(WriteConfigs, TableOfSourcesHasANumberInEveryColumn) {
  const AppFacts app = AppWith({SinkKind::kFile});
  EXPECT_EQ(*SourcesText(app),
            "enable,type,uri,num-sources,gpu-id,rtsp-reconnect-interval-sec,camera-v4l2-dev-node,"
            "camera-width,camera-height,camera-fps-n,camera-fps-d\n"
            "1,2,file:///videos/a.mp4,1,0,0,0,0,0,0,0\n"
            "1,4,rtsp://camera/1,1,0,30,0,0,0,0,0\n"
            "1,1,,1,0,0,0,1280,720,30,1\n");
  AppFacts comma;
  comma.sources = {*SourceFromText("file:///a,b.mp4")};
  ASSERT_FALSE(SourcesText(comma).ok());
  EXPECT_EQ(SourcesText(comma).error().code, ErrorCode::kUnsupported);
}

TEST(WriteConfigs, YamlIsRefusedBeforeItWasThere) {
  const AppFacts app;
  EXPECT_FALSE(CheckApp(FactsFor("xavier-jp4.6"), app, ConfigFormat::kYaml).ok());
  EXPECT_TRUE(CheckApp(FactsFor("dgpu-6.1"), app, ConfigFormat::kYaml).ok());
}

TEST(WriteConfigs, PrecisionIsInTheEnginesName) {
  ModelFacts facts = FactsFor("xavier-jp5");
  facts.precision = EnginePrecision::kInt8;
  facts.calibration_file = "calibration.bin";
  facts.onnx_file = "../model.onnx";
  facts.batch_size = 4;
  const std::string text = NvinferConfigText(facts);
  EXPECT_EQ(ValueOf(text, "model-engine-file"), "../model.onnx_b4_gpu0_int8.engine");
  EXPECT_EQ(ValueOf(text, "network-mode"), "1");
  EXPECT_EQ(ValueOf(text, "int8-calib-file"), "calibration.bin");
  EXPECT_EQ(ValueOf(NvinferConfigText(FactsFor("xavier-jp5")), "int8-calib-file"), "absent");
}

ServerFacts ServerWith(TritonBackend backend) {
  ServerFacts server;
  server.backend = backend;
  server.input = {"input", "FP32", {512, 512, 3}};
  server.outputs = {{"detection_boxes", "FP32", {100, 4}}, {"num_detections", "INT32", {1}}};
  return server;
}

TEST(WriteConfigs, TritonIsToldTheBatchesOfEachBackend) {
  ModelFacts facts = FactsFor("xavier-jp5");
  const std::string engine = TritonConfigText(facts, ServerWith(TritonBackend::kTensorRt));
  EXPECT_THAT(engine, HasSubstr("\nmax_batch_size: 1\n"));
  EXPECT_THAT(engine, HasSubstr("default_model_filename: \"model.onnx_b1_gpu0_fp16.engine\"\n"));
  EXPECT_THAT(engine, Not(HasSubstr("reshape")));
  EXPECT_THAT(engine, HasSubstr("data_type: TYPE_INT32\n"));
  facts.postprocessing = Postprocessing::kOnnxNms;
  const std::string fixed = TritonConfigText(facts, ServerWith(TritonBackend::kOnnxRuntime));
  EXPECT_THAT(fixed, HasSubstr("\nmax_batch_size: 0\n"));
  EXPECT_THAT(fixed, HasSubstr("shape: [1, 512, 512, 3]\n"));
  facts.dynamic_batch = true;
  facts.batch_size = 4;
  const std::string free = TritonConfigText(facts, ServerWith(TritonBackend::kOnnxRuntime));
  EXPECT_THAT(free, HasSubstr("\nmax_batch_size: 4\n"));
  EXPECT_THAT(free, Not(HasSubstr("reshape")));
  facts.postprocessing = Postprocessing::kPlugin;
  EXPECT_FALSE(CheckServer(facts, ServerWith(TritonBackend::kOnnxRuntime)).ok());
  EXPECT_TRUE(CheckServer(facts, ServerWith(TritonBackend::kTensorRt)).ok());
}

TEST(WriteConfigs, NvinferserverIsToldWhatItsVersionKnows) {
  const ServerFacts server = ServerWith(TritonBackend::kTensorRt);
  const std::string old = InferServerConfigText(FactsFor("xavier-jp4.4"), server);
  EXPECT_THAT(old, HasSubstr("trt_is {"));
  EXPECT_THAT(old, Not(HasSubstr("symmetric_padding")));
  EXPECT_THAT(old, HasSubstr("TENSOR_ORDER_LINEAR"));
  const std::string six = InferServerConfigText(FactsFor("xavier-jp4.6"), server);
  EXPECT_THAT(six, HasSubstr("triton {"));
  EXPECT_THAT(six, HasSubstr("TENSOR_ORDER_NHWC"));
  EXPECT_THAT(six, Not(HasSubstr("clip_object_outside_roi")));
  EXPECT_THAT(InferServerConfigText(FactsFor("xavier-jp5"), server),
              HasSubstr("clip_object_outside_roi: true"));
}

TEST(WriteConfigs, YamlQuotesWhatItMust) {
  AppFacts app;
  app.output_file = "a: b #c.mp4";
  const std::string text = AppConfigText(FactsFor("dgpu-9.1"), app, ConfigFormat::kYaml);
  EXPECT_THAT(text, HasSubstr("output-file: \"a: b #c.mp4\""));
  EXPECT_THAT(text, HasSubstr("csv-file-path: sources.csv"));
  EXPECT_THAT(text, Not(HasSubstr("source0")));
}

TEST(ConfigStamp, TellsEditedTextsFromWrittenOnes) {
  const std::string text = Stamped("[property]\nbatch-size=1\n");
  EXPECT_TRUE(IsAsWritten(text));
  EXPECT_FALSE(IsAsWritten("[property]\nbatch-size=1\n"));
  std::string edited = text;
  edited[edited.find('1')] = '2';
  EXPECT_FALSE(IsAsWritten(edited));
  EXPECT_FALSE(IsAsWritten(text + "interval=1\n"));
  EXPECT_FALSE(IsAsWritten(""));
}

}  // namespace
}  // namespace edet::deepstream
