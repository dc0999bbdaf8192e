#include "deploy/measurement.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "deploy/engine.h"

namespace edet::deploy {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(Distribution, TakesValuesOfTheSeries) {
  std::vector<double> values;
  for (int i = 100; i >= 1; --i) values.push_back(i);
  values.push_back(std::nan(""));
  values.push_back(std::numeric_limits<double>::infinity());
  const Distribution it = Summarize(values);
  EXPECT_EQ(it.count, 100U);
  EXPECT_EQ(it.min, 1);
  EXPECT_EQ(it.median, 50);
  EXPECT_EQ(it.p90, 90);
  EXPECT_EQ(it.p99, 99);
  EXPECT_EQ(it.max, 100);
  EXPECT_DOUBLE_EQ(it.mean, 50.5);
  EXPECT_EQ(Summarize({}).count, 0U);
  EXPECT_EQ(Summarize({7}).p99, 7);
}

TEST(RunLog, AddsTheSourcesOfAnInterval) {
  const RunLog log = ParseRunLog(
      "**PERF:  FPS 0 (Avg)\tFPS 1 (Avg)\t\n**PERF:  0.00 (0.00)\t0.00 (0.00)\t\n"
      "**PERF:  29.97 (29.50)\t30.03 (30.50)\t\n**PERF: \n**PERF:  x (y)\n");
  EXPECT_THAT(log.interval_fps, ElementsAre(0., DoubleEq(60.)));
  EXPECT_DOUBLE_EQ(log.average_fps, 60.);
}

TEST(RunLog, KeepsComponentsInTheirOrder) {
  const RunLog log = ParseRunLog(
      "\n************BATCH-NUM = 8**************\n"
      "Comp name = nvv4l2decoder0 in_system_timestamp = 1684240026498.968018 "
      "out_system_timestamp = 1684240026517.566895               component latency= 18.598877\n"
      "Comp name = nvstreammux-src_bin_muxer source_id = 0 pad_index = 0 frame_num = 8       "
      "        in_system_timestamp = 1.0 out_system_timestamp = 2.0        component_latency = "
      "116.617920\n"
      "Comp name = primary_gie in_system_timestamp = 0.0 out_system_timestamp = 1684240026652.4 "
      "              component latency= 1684240026652.4\n"
      "Comp name = half a line\n"
      "Source id = 0 Frame_num = 8 Frame latency = 233.5 (ms) \n"
      "Source id = 0 Frame_num = 9 Frame latency = 1684240027012.419922 (ms) \n");
  EXPECT_THAT(log.component_ms,
              ElementsAre(Pair("nvv4l2decoder0", ElementsAre(18.598877)),
                          Pair("nvstreammux-src_bin_muxer", ElementsAre(116.61792))));
  EXPECT_THAT(log.frame_ms, ElementsAre(233.5));
}

TEST(Tegrastats, OfJetPack4) {
  const Tegrastats it = ParseTegrastats(
      "RAM 2336/15827MB (lfb 2948x4MB) SWAP 0/7913MB (cached 0MB) CPU [2%@1190,off] EMC_FREQ 0% "
      "GR3D_FREQ 7% AO@25.5C GPU@26C thermal@25.75C PMIC@100C GPU 465/460 CPU 310/310\n");
  EXPECT_THAT(it.memory_mib, ElementsAre(2336));
  EXPECT_EQ(it.memory_total_mib, 15827);
  EXPECT_THAT(it.gpu_percent, ElementsAre(7));
  EXPECT_THAT(it.temperature_c,
              ElementsAre(Pair("AO", ElementsAre(25.5)), Pair("GPU", ElementsAre(26)),
                          Pair("thermal", ElementsAre(25.75))));
  EXPECT_THAT(it.power_mw,
              ElementsAre(Pair("CPU", ElementsAre(310)), Pair("GPU", ElementsAre(465))));
}

TEST(Tegrastats, OfJetPack6) {
  const Tegrastats it = ParseTegrastats(
      "09-13-2024 04:36:44 RAM 2819/62841MB (lfb 8x4MB) SWAP 0/31421MB (cached 0MB) CPU "
      "[2%@1728,0%@1728] EMC_FREQ 0%@2133 GR3D_FREQ 50%@[611,0] NVDEC off cpu@45.2C cv0@-256C "
      "VDD_GPU_SOC 3193mW/3100mW VDD_CPU_CV 798mW\n");
  EXPECT_THAT(it.gpu_percent, ElementsAre(50));
  EXPECT_THAT(it.temperature_c, ElementsAre(Pair("cpu", ElementsAre(45.2))));
  EXPECT_THAT(it.power_mw, ElementsAre(Pair("VDD_CPU_CV", ElementsAre(798)),
                                       Pair("VDD_GPU_SOC", ElementsAre(3193))));
}

TEST(Tegrastats, PassesOverWhatItDoesNotKnow) {
  for (const char* text : {"", "\n\n", "RAM", "RAM x/yMB", "RAM 1/2", "GPU@C C@ @", "RAM 1/"})
    EXPECT_THAT(ParseTegrastats(text).memory_mib, IsEmpty()) << text;
}

std::string Line(const std::string& label, const std::string& box, const std::string& score) {
  return label + " 0.0 0 0.0 " + box + " 0.0 0.0 0.0 0.0 0.0 0.0 0.0" + score + "\n";
}

TEST(Kitti, ReadsLabelsOfSeveralWords) {
  const auto objects = ParseKitti(
      Line("traffic light 2", "1 2 3 4.5", " 0.75") + "\n" + Line("class 0.0 0 0.0", "1 2 3 4", ""),
      "f");
  ASSERT_TRUE(objects.ok()) << objects.error().ToString();
  EXPECT_EQ(objects->at(0).label, "traffic light 2");
  EXPECT_EQ(objects->at(0).bottom, 4.5);
  EXPECT_EQ(objects->at(0).score, 0.75);
  EXPECT_EQ(objects->at(1).label, "class 0.0 0 0.0");
  EXPECT_EQ(objects->at(1).score, -1);
}

TEST(Kitti, RefusesOtherLines) {
  for (const std::string& text :
       {std::string("hello\n"), Line("", "1 2 3 4", " 0.5"), Line("a", "1 2 x 4", " 0.5"),
        Line("a", "1 2 nan 4", " 0.5"), Line("a", "1 2 3", " 0.5"), Line("a", "1 2 3 4", " x")}) {
    const auto objects = ParseKitti("\n" + text, "f");
    ASSERT_FALSE(objects.ok()) << text;
    EXPECT_EQ(objects.error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(objects.error().where, "f:2");
  }
}

TEST(Parity, PairsTheBestOverlapsOfAClass) {
  // Two boxes here; there one a little off, one of another class, one that nobody has.
  const KittiFrames reference = {{"0", {{"car", 0, 0, 10, 10, 0.9}, {"dog", 50, 50, 60, 60, 0.8}}},
                                 {"1", {}}};
  const KittiFrames device = {
      {"0", {{"car", 0, 0, 10, 6, 0.6}, {"car", 0, 0, 10, 9, 0.7}, {"cat", 50, 50, 60, 60, 0.8}}},
      {"7", {{"car", 0, 0, 1, 1, 1}}}};
  const Parity parity = CompareKitti(reference, device, 0.5);
  EXPECT_EQ(parity.frames, 2U);
  EXPECT_EQ(parity.absent_frames, 1U);
  EXPECT_EQ(parity.unasked_frames, 1U);
  EXPECT_EQ(parity.matched, 1U);
  EXPECT_EQ(parity.missing, 1U);
  EXPECT_EQ(parity.extra, 2U);
  EXPECT_EQ(parity.other_class, 1U);
  EXPECT_DOUBLE_EQ(parity.mean_iou, 0.9);
  EXPECT_NEAR(parity.mean_score_difference, 0.2, 1e-9);
  EXPECT_DOUBLE_EQ(parity.Agreement(), 2. / 5);
  EXPECT_EQ(parity.worst_frame, "0");
}

TEST(Parity, OfNothingIsComplete) {
  const Parity parity = CompareKitti({}, {}, 0.5);
  EXPECT_EQ(parity.Agreement(), 1);
  EXPECT_TRUE(ToJson(parity).at("worst_frame").is_null());
}

TEST(Parity, BoxesWithoutAreaMatchNothing) {
  const KittiFrames flat = {{"0", {{"car", 5, 5, 5, 5, 0.9}, {"car", 9, 9, 1, 1, 0.9}}}};
  EXPECT_EQ(CompareKitti(flat, flat, 0.5).matched, 0U);
}

Bundle WithEngine(const std::string& engine, const std::string& batch) {
  Bundle bundle;
  bundle.engine = engine;
  bundle.files = {{"MANIFEST.json",
                   "{\"converted\": {\"model\": {\"image_size\": {\"height\": 320, \"width\": "
                   "640}}, \"onnx\": {\"layout\": \"nchw\", \"batch\": " +
                       batch + "}}}"}};
  return bundle;
}

TEST(TrtexecOptions, AreThoseOfTheEnginesName) {
  EXPECT_THAT(*TrtexecOptions(WithEngine("model.onnx_b1_gpu0_fp32.engine", "1")),
              ElementsAre("--onnx=model.onnx"));
  EXPECT_THAT(
      *TrtexecOptions(WithEngine("model.onnx_b4_gpu1_fp16.engine", "\"dynamic\"")),
      ElementsAre("--onnx=model.onnx", "--fp16", "--device=1", "--minShapes=input:1x3x320x640",
                  "--optShapes=input:4x3x320x640", "--maxShapes=input:4x3x320x640"));
}

TEST(TrtexecOptions, RefuseWhatTheyCannotSay) {
  EXPECT_EQ(TrtexecOptions(WithEngine("model.onnx_b1_gpu0_int8.engine", "1")).error().code,
            ErrorCode::kUnsupported);
  for (const char* engine : {"", "x.engine", "-o_b1_gpu0_fp16.engine", "a b_b1_gpu0_fp16.engine"})
    EXPECT_EQ(TrtexecOptions(WithEngine(engine, "1")).error().code, ErrorCode::kCorrupt) << engine;
  EXPECT_EQ(TrtexecOptions(WithEngine("m_b1_gpu0_fp16.engine", "{")).error().code,
            ErrorCode::kCorrupt);
}

TEST(Measurement, IsReadFromTheFiles) {
  const auto it = ReadMeasurement({{"run/deepstream-app.log", "**PERF:  10.00 (9.00)\t\n"},
                                   {"run/tegrastats.log", "RAM 5/9MB GR3D_FREQ 1%\n"},
                                   {"kitti/00_000_000000.txt", Line("a", "1 2 3 4", " 0.5")}});
  ASSERT_TRUE(it.ok());
  EXPECT_EQ(it->objects, 1U);
  EXPECT_EQ(it->average_fps, 9);
  EXPECT_THAT(Table(*it).at(1), HasSubstr("10.00"));
  EXPECT_THAT(Table(*ReadMeasurement({})), IsEmpty());
  EXPECT_FALSE(ReadMeasurement({{"kitti/x.txt", "no KITTI"}}).ok());
}

}  // namespace
}  // namespace edet::deploy
