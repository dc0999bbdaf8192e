// NVIDIA's own parsers judge: what we write is taken without a warning, and what we read is what
// they read. EDET_JUDGE_CASES and EDET_JUDGE_SEED in the environment ask for more mutated configs.
#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "deepstream/app_config.h"
#include "deepstream/key_table.h"
#include "deepstream/nvinfer_config.h"
#include "deepstream/write_configs.h"
#include "testing/config_mutator.h"
#include "testing/stock_parsers.h"

namespace edet::deepstream {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;
using testing::ConfigForm;
using testing::FromLatin1;
using testing::JudgeCases;
using testing::JudgedModel;
using testing::JudgeSeed;
using testing::JudgeTest;
using testing::Slurp;
using testing::Spill;
using testing::Verdict;

Json Number(double value) {
  if (std::isnan(value)) return std::signbit(value) ? "-nan" : "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  return value;
}

Json ClassToJson(const detect::ClassAttributes& c) {
  return {{"pre-cluster-threshold", Number(c.pre_cluster_threshold)},
          {"post-cluster-threshold", Number(c.post_cluster_threshold)},
          {"nms-iou-threshold", Number(c.nms_iou_threshold)},
          {"topk", c.top_k},
          {"eps", Number(c.eps)},
          {"group-threshold", c.group_threshold},
          {"minBoxes", c.min_boxes},
          {"roi-top-offset", c.roi_top_offset},
          {"roi-bottom-offset", c.roi_bottom_offset},
          {"detected-min-w", c.detected_min_width},
          {"detected-min-h", c.detected_min_height},
          {"detected-max-w", c.detected_max_width},
          {"detected-max-h", c.detected_max_height}};
}

Json ToJson(const NvinferConfig& c) {
  Json offsets = Json::array(), classes = Json::array();
  for (float offset : c.offsets) offsets.push_back(Number(offset));
  for (const auto& attributes : c.postprocess.classes) classes.push_back(ClassToJson(attributes));
  return {{"gie-unique-id", c.gie_unique_id},
          {"batch-size", c.batch_size},
          {"process-full-frame", c.process_mode == 1 ? 1 : 0},
          {"interval", c.interval},
          {"network-mode", c.network_mode},
          {"network-type", c.network_type},
          {"num-detected-classes", c.num_detected_classes},
          {"onnx-file", c.onnx_file.string()},
          {"model-engine-file", c.model_engine_file.string()},
          {"labelfile-path", c.labelfile_path.string()},
          {"custom-lib-path", c.custom_lib_path.string()},
          {"int8-calib-file", c.int8_calib_file.string()},
          {"parse-bbox-func-name", c.parse_bbox_func_name},
          {"net-scale-factor", Number(c.net_scale_factor)},
          {"model-color-format", static_cast<int>(c.model_color_format)},
          {"network-input-order", static_cast<int>(c.network_input_order)},
          {"infer-dims", c.infer_dims.value_or(std::vector<uint32_t>{0, 0, 0})},
          {"maintain-aspect-ratio", c.maintain_aspect_ratio ? 1 : 0},
          {"symmetric-padding", c.symmetric_padding ? 1 : 0},
          {"scaling-filter", c.scaling_filter},
          {"cluster-mode", static_cast<int>(c.postprocess.cluster_mode)},
          {"crop-objects-to-roi-boundary", c.postprocess.crop_objects_to_roi_boundary ? 1 : 0},
          {"offsets", offsets},
          {"output-blob-names", c.output_blob_names},
          {"filter-out-class-ids", std::vector<unsigned>(c.postprocess.filter_out_class_ids.begin(),
                                                         c.postprocess.filter_out_class_ids.end())},
          {"classes", classes}};
}

template <typename T>
long Given(const std::optional<T>& value) {
  return value ? static_cast<long>(*value) : -1;
}

Json TextOrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json SourceToJson(const SourceConfig& s) {
  return {{"type", s.type},
          {"uri", TextOrNull(s.uri)},
          {"num-sources", s.num_sources},
          {"latency", s.latency_ms},
          {"drop-frame-interval", s.drop_frame_interval}};
}

Json SinkToJson(const SinkConfig& s) {
  return {{"type", s.type},
          {"sync", s.sync ? 1 : 0},
          {"source-id", s.source_id},
          {"codec", s.codec},
          {"container", s.container},
          {"enc-type", s.enc_type},
          {"output-file", TextOrNull(s.output_file.string())},
          {"bitrate", static_cast<int>(s.bitrate_bps)},
          {"rtsp-port", static_cast<int>(s.rtsp_port)},
          {"udp-port", static_cast<int>(s.udp_port)}};
}

Json ToJson(const AppConfig& c) {
  Json sources = Json::array(), sinks = Json::array();
  for (const auto& source : c.sources) sources.push_back(SourceToJson(source));
  for (const auto& sink : c.sinks) sinks.push_back(SinkToJson(sink));
  return {{"application",
           {{"enable-perf-measurement", c.enable_perf_measurement ? 1 : 0},
            {"gie-kitti-output-dir", TextOrNull(c.gie_kitti_output_dir.string())},
            {"kitti-track-output-dir", TextOrNull(c.kitti_track_output_dir.string())}}},
          {"tests", {{"file-loop", c.file_loop ? 1 : 0}}},
          {"sources", sources},
          {"streammux",
           {{"batch-size", c.streammux.batch_size},
            {"width", static_cast<int>(c.streammux.width)},
            {"height", static_cast<int>(c.streammux.height)},
            {"batched-push-timeout", c.streammux.batched_push_timeout_us},
            {"live-source", c.streammux.live_source ? 1 : 0},
            {"enable-padding", c.streammux.enable_padding ? 1 : 0}}},
          {"primary-gie",
           {{"enable", c.primary_gie.enable ? 1 : 0},
            {"plugin-type", c.primary_gie.plugin_type},
            {"config-file", TextOrNull(c.primary_gie.config_file.string())},
            {"model-engine-file", TextOrNull(c.primary_gie.model_engine_file.string())},
            {"labelfile-path", TextOrNull(c.primary_gie.labelfile_path.string())},
            {"batch-size", Given(c.primary_gie.batch_size)},
            {"interval", Given(c.primary_gie.interval)},
            {"gie-unique-id", Given(c.primary_gie.gie_unique_id)}}},
          {"tracker",
           {{"enable", c.tracker.enable ? 1 : 0},
            {"ll-lib-file", TextOrNull(c.tracker.ll_lib_file.string())},
            {"ll-config-file", TextOrNull(c.tracker.ll_config_file.string())}}},
          {"osd",
           {{"enable", c.osd.enable ? 1 : 0},
            {"border-width", static_cast<int>(c.osd.border_width)},
            {"text-size", static_cast<int>(c.osd.text_size)},
            {"display-text", c.osd.display_text ? 1 : 0},
            {"display-bbox", c.osd.display_bbox ? 1 : 0}}},
          {"tiled-display",
           {{"enable", c.tiled_display.enable ? 1 : 0},
            {"rows", static_cast<int>(c.tiled_display.rows)},
            {"columns", static_cast<int>(c.tiled_display.columns)},
            {"width", static_cast<int>(c.tiled_display.width)},
            {"height", static_cast<int>(c.tiled_display.height)}}},
          {"sinks", sinks}};
}

// Where their value may differ in form but not in meaning.
bool SameScalar(const std::string& key, const Json& ours, const Json& theirs) {
  if (ours.is_string() && theirs.is_string())
    return FromLatin1(ours.get<std::string>()) == theirs.get<std::string>();
  if (ours == theirs) return true;
  if (ours.is_null() && theirs == "") return true;
  if (ours == "" && theirs.is_null()) return true;
  if (!ours.is_number() || !theirs.is_number())
    return key == "net-scale-factor" && theirs.is_string();
  // The context ignores a factor that is not positive.
  if (key == "net-scale-factor" && !(theirs.get<float>() > 0.F)) return ours == 1.F;
  // Booleans that they keep as numbers; values that we give though the group is absent.
  const bool flag = key == "live-source" || key == "enable-padding" || key == "file-loop" ||
                    key == "sync" || key == "maintain-aspect-ratio" || key == "symmetric-padding" ||
                    key == "crop-objects-to-roi-boundary" || key.compare(0, 8, "display-") == 0 ||
                    key.compare(0, 6, "enable") == 0;
  if (flag) return ours == (theirs != 0 ? 1 : 0);
  if (key == "num-sources" && theirs == 0) return ours == 1;
  if (key == "batch-size" && theirs == 0) return ours == 1;
  if (ours.is_number_float() || theirs.is_number_float())
    return ours.get<float>() == theirs.get<float>();
  return static_cast<uint32_t>(ours.get<int64_t>()) == static_cast<uint32_t>(theirs.get<int64_t>());
}

std::string Difference(const std::string& key, const Json& ours, const Json& theirs) {
  if (ours.is_object() && theirs.is_object()) {
    for (const auto& [name, value] : ours.items()) {
      if (!theirs.contains(name)) return name + " is not in the judge's answer";
      std::string text = Difference(name, value, theirs.at(name));
      if (!text.empty()) return text;
    }
    return "";
  }
  if (ours.is_array() && theirs.is_array() && ours.size() == theirs.size()) {
    for (size_t i = 0; i < ours.size(); ++i) {
      std::string text = Difference(key, ours[i], theirs[i]);
      if (!text.empty()) return text;
    }
    return "";
  }
  if (!ours.is_structured() && !theirs.is_structured() && SameScalar(key, ours, theirs)) return "";
  const auto replace = Json::error_handler_t::replace;
  return key + ": ours " + ours.dump(-1, ' ', false, replace) + ", theirs " +
         theirs.dump(-1, ' ', false, replace);
}

TEST_F(JudgeTest, InferConfigIsTakenWithoutWarning) {
  for (Postprocessing postprocessing :
       {Postprocessing::kPlugin, Postprocessing::kOnnxNms, Postprocessing::kRows,
        Postprocessing::kDecoded, Postprocessing::kNone}) {
    for (bool nhwc : {true, false}) {
      const fs::path config = folder_ / "config.txt";
      Spill(config, NvinferConfigText(JudgedModel(postprocessing, nhwc)));
      const Verdict verdict = Judge("infer", config);
      ASSERT_TRUE(verdict.accepted) << verdict.warnings;
      EXPECT_EQ(verdict.warnings, "");
      const std::string folder = fs::canonical(folder_.path()).string() + "/";
      const Json expected{{"gie-unique-id", 1},
                          {"batch-size", 1},
                          {"process-full-frame", 1},
                          {"interval", 0},
                          {"network-mode", 2},
                          {"network-type", 0},
                          {"num-detected-classes", 3},
                          {"onnx-file", folder + "model.onnx"},
                          {"model-engine-file", folder + "model.onnx_b1_gpu0_fp16.engine"},
                          {"labelfile-path", folder + "labels.txt"},
                          {"custom-lib-path", folder + "libnvdsinfer_efficientdet.so"},
                          {"parse-bbox-func-name", "NvDsInferParseEfficientDet"},
                          {"net-scale-factor", 1},
                          {"model-color-format", 0},
                          {"network-input-order", nhwc ? 1 : 0},
                          {"infer-dims", {3, 512, 640}},
                          {"maintain-aspect-ratio", 1},
                          {"symmetric-padding", 0},
                          {"scaling-filter", 1},
                          {"cluster-mode", 4},
                          {"crop-objects-to-roi-boundary", 1},
                          {"disable-output-host-copy", 0},
                          {"output-blob-names", JudgedModel(postprocessing, nhwc).output_names}};
      EXPECT_EQ(Difference("", expected, verdict.values), "");
      ASSERT_EQ(verdict.values["classes"].size(), 3U);
      EXPECT_FLOAT_EQ(verdict.values["classes"][2]["pre-cluster-threshold"], 0.4F);
      EXPECT_EQ(verdict.values["classes"][2]["topk"], 100);
    }
  }
}

TEST_F(JudgeTest, AppConfigIsTakenWithoutWarning) {
  for (const char* uri : {"", "file:///videos/a b;c.mp4", "file://near.mp4", "rtsp://camera/1"}) {
    AppFacts app;
    if (*uri != '\0') app.sources = {*SourceFromText(uri)};
    app.kitti_directory = "kitti";
    const fs::path config = folder_ / "app.txt";
    Spill(config, AppConfigText(JudgedModel(Postprocessing::kPlugin, true), app));
    const Verdict verdict = Judge("app", config);
    ASSERT_TRUE(verdict.accepted) << verdict.warnings;
    EXPECT_EQ(verdict.warnings, "");
    const std::string folder = fs::canonical(folder_.path()).string() + "/";
    const bool live = std::string(uri) == "rtsp://camera/1";
    ASSERT_EQ(verdict.values["sources"].size(), 1U);
    EXPECT_EQ(verdict.values["sources"][0]["type"], live ? 4 : 2);
    if (std::string(uri) == "file://near.mp4") {
      EXPECT_EQ(verdict.values["sources"][0]["uri"], "file://" + folder + "near.mp4");
    } else if (*uri != '\0') {
      EXPECT_EQ(verdict.values["sources"][0]["uri"], uri);
    }
    const Json expected{
        {"application",
         {{"enable-perf-measurement", 1},
          {"perf-measurement-interval-sec", 5},
          {"gie-kitti-output-dir", folder + "kitti"}}},
        {"tests", {{"file-loop", 0}}},
        {"streammux",
         {{"batch-size", 1},
          {"width", 1920},
          {"height", 1080},
          {"batched-push-timeout", live ? 33333 : 40000},
          {"live-source", live ? 1 : 0}}},
        {"primary-gie",
         {{"enable", 1},
          {"plugin-type", 0},
          {"config-file", folder + "config_infer_primary.txt"},
          {"batch-size", -1},
          {"model-engine-file", nullptr}}},
        {"tracker", {{"enable", 0}}},
        {"tiled-display", {{"enable", 0}}},
        {"osd", {{"enable", 1}, {"border-width", 2}, {"text-size", 15}, {"display-text", 1}}}};
    EXPECT_EQ(Difference("", expected, verdict.values), "");
    ASSERT_EQ(verdict.values["sinks"].size(), 1U);
    const Json sink{{"type", 3},         {"codec", 1}, {"container", 1},
                    {"enc-type", 0},     {"sync", 0},  {"output-file", "out.mp4"},
                    {"bitrate", 4000000}};
    EXPECT_EQ(Difference("", sink, verdict.values["sinks"][0]), "");
  }
}

template <typename Reader>
std::string Compare(const Verdict& verdict, const fs::path& config, Reader read, bool& accepted) {
  Findings findings;
  auto ours = read(config, findings);
  accepted = ours.ok();
  if (ours.ok() != verdict.accepted) {
    return ours.ok() ? "we accept, they refuse: " + verdict.warnings
                     : "they accept, we refuse: " + ours.error().ToString();
  }
  return ours.ok() ? Difference("", ToJson(*ours), verdict.values) : "";
}

struct Tally {
  unsigned cases = 0, accepted = 0, crashed = 0, different = 0;
  std::map<std::string, unsigned> known;  // name of the known difference -> cases
};

void Report(const std::string& mode, unsigned seed, const Tally& tally) {
  std::cout << mode << ": seed " << seed << ", " << tally.cases << " configs, " << tally.accepted
            << " accepted, " << tally.crashed << " crash the stock parser, " << tally.different
            << " differ\n";
  for (const auto& [name, count] : tally.known)
    std::cout << "  known: " << name << " in " << count << "\n";
}

bool Holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The name of the known difference (docs/configs.md lists them); empty: it is none of them.
std::string KnownDifference(const std::string& config, const std::string& difference) {
  if (!Holds(difference, "they accept, we refuse")) return "";
  if (Holds(difference, "cannot resolve the path") && Holds(difference, "-output-dir"))
    return "overlooked-path";
  if (Holds(difference, "[sink") && Holds(config, "msg-conv-")) return "overlooked-after-msg-conv";
  return "";
}

template <typename Reader>
void Check(const Verdict& verdict, const fs::path& config, Reader read, Tally& tally) {
  bool accepted = false;
  const std::string difference = Compare(verdict, config, read, accepted);
  tally.accepted += accepted ? 1 : 0;
  tally.crashed += verdict.crashed ? 1 : 0;
  if (verdict.crashed || difference.empty()) return;
  if (const std::string known = KnownDifference(Slurp(config), difference); !known.empty()) {
    ++tally.known[known];
    return;
  }
  if (++tally.different <= 5)
    ADD_FAILURE() << "case " << tally.cases << ": " << difference << "\n"
                  << Slurp(config).substr(0, 4000);
}

class MutatedConfigs : public JudgeTest {
 protected:
  template <typename Reader>
  void AreReadAlike(ConfigForm form, Reader read) const {
    testing::ConfigMutator mutator(form, JudgeSeed());
    const fs::path config = folder_ / testing::ConfigName(form);
    Tally tally;
    for (; tally.cases < JudgeCases(); ++tally.cases) {
      Spill(config, mutator.Next());
      Check(Judge(testing::JudgeMode(form), config), config, read, tally);
    }
    EXPECT_EQ(tally.different, 0U);
    EXPECT_GT(tally.accepted, JudgeCases() / 10);
    Report(testing::ConfigName(form), JudgeSeed(), tally);
  }
};

TEST_F(MutatedConfigs, OfNvinferAreReadAlike) {
  AreReadAlike(ConfigForm::kInfer, ReadNvinferConfig);
}

TEST_F(MutatedConfigs, OfTheAppAreReadAlike) { AreReadAlike(ConfigForm::kApp, ReadAppConfig); }

TEST_F(MutatedConfigs, OfNvinferInYamlAreReadAlike) {
  AreReadAlike(ConfigForm::kInferYaml, ReadNvinferConfig);
}

TEST_F(MutatedConfigs, OfTheAppInYamlAreReadAlike) {
  Spill(folder_ / "sources.csv", testing::SourceTable());
  AreReadAlike(ConfigForm::kAppYaml, ReadAppConfig);
}

TEST_F(MutatedConfigs, WithTablesOfSourcesAreReadAlike) {
  const std::vector<std::string> keys{
      "enable",       "type", "uri", "num-sources", "latency", "other", "drop-frame-interval",
      "camera-width", "uri "};
  const std::vector<std::string> cells{
      "0", "1", "2", "3", "4", "", "x", "1x", " 2", "-1", "#1", "rtsp://h/%d", "file://labels.txt"};
  std::mt19937 random(JudgeSeed());
  const auto pick = [&random](const std::vector<std::string>& from) {
    return from[std::uniform_int_distribution<size_t>(0, from.size() - 1)(random)];
  };
  Tally tally;
  for (; tally.cases < JudgeCases(); ++tally.cases) {
    const size_t columns = 1 + random() % 4, rows = random() % 4;
    std::string text = random() % 3 == 0 ? "# c\n \n" : "";
    for (size_t c = 0; c < columns; ++c) text += (c == 0 ? "enable" : "," + pick(keys));
    for (size_t r = 0; r < rows; ++r) {
      text += "\n" + (random() % 8 == 0 ? pick(cells) : std::string("1"));
      for (size_t c = 1; c < columns; ++c) text += "," + pick(cells);
      if (random() % 8 == 0) text += "\r";
    }
    Spill(folder_ / "sources.csv", text + (random() % 2 == 0 ? "\n" : ""));
    const fs::path config = folder_ / "app.yml";
    Spill(config, testing::BaseConfig(ConfigForm::kAppYaml));
    Check(Judge("app", config), config, ReadAppConfig, tally);
  }
  EXPECT_EQ(tally.different, 0U);
  EXPECT_GT(tally.accepted, JudgeCases() / 20);
  Report("sources.csv", JudgeSeed(), tally);
}

}  // namespace
}  // namespace edet::deepstream
