// NVIDIA's own parsers judge: what we write is taken without a warning, and what we read is what
// they read. EDET_JUDGE_CASES and EDET_JUDGE_SEED in the environment ask for more mutated configs.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <regex>
#include <sstream>

#include "deepstream/app_config.h"
#include "deepstream/key_table.h"
#include "deepstream/nvinfer_config.h"
#include "deepstream/write_configs.h"
#include "testing/reference_data.h"
#include "testing/temporary_directory.h"

namespace edet::deepstream {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

std::string Slurp(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

void Spill(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// Each byte as a character, so that any text can stand in JSON.
std::string FromLatin1(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) text += static_cast<char>(0xC0 | (byte >> 6));
    text += static_cast<char>(byte >= 0x80 ? 0x80 | (byte & 0x3F) : byte);
  }
  return text;
}

struct Verdict {
  bool crashed = false;
  bool accepted = false;
  Json values;
  std::string warnings;  // stderr
};

class JudgeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    EDET_SKIP_WITHOUT("judges/nvinfer/build.sh");
    const fs::path script = testing_root_ / "judges/nvinfer/build.sh";
    const fs::path folder = EDET_JUDGE_FOLDER;
    fs::create_directories(folder);
    program_ = folder / "nvinfer_judge";
    if (!fs::exists(program_)) {
      // Tests may run side by side: the first one builds, the others wait.
      const std::string command = "flock '" + folder.string() + "/lock' sh -c \"test -x '" +
                                  program_.string() + "' || bash '" + script.string() + "' '" +
                                  folder.string() + "'\" >'" + (folder / "build.log").string() +
                                  "' 2>&1";
      if (std::system(command.c_str()) != 0) {
        GTEST_SKIP() << "skipped: the judge cannot be built here: "
                     << Slurp(folder / "build.log").substr(0, 300);
      }
    }
    Spill(folder_ / "labels.txt", "a\nb\nc\n");
    Spill(folder_ / "model.onnx", "x");
    Spill(folder_ / "config_infer_primary.txt", "[property]\n");
    Spill(folder_ / "libnvdsinfer_efficientdet.so", "x");
  }

  Verdict Judge(const std::string& mode, const fs::path& config) const {
    const fs::path out = folder_ / "judge.out", err = folder_ / "judge.err";
    const std::string command = "'" + program_.string() + "' " + mode + " '" + config.string() +
                                "' >'" + out.string() + "' 2>'" + err.string() + "'";
    const int status = std::system(command.c_str());
    Verdict verdict;
    // The answer is the last line; deepstream-app prints its warnings on stdout, before it.
    const std::string printed = Slurp(out);
    const size_t answer = printed.rfind("{\"accepted\"");
    verdict.warnings =
        Slurp(err) + printed.substr(0, answer == std::string::npos ? printed.size() : answer);
    verdict.crashed = !WIFEXITED(status) || WEXITSTATUS(status) > 3;
    verdict.accepted = status == 0;
    if (!verdict.accepted) return verdict;
    // printf's spelling of numbers that JSON does not have.
    const std::string text = std::regex_replace(
        printed.substr(answer), std::regex("([:,\\[] ?)(-?(nan|inf))\\b"), "$1\"$2\"");
    verdict.values = Json::parse(FromLatin1(text), nullptr, false);
    return verdict;
  }

  const fs::path testing_root_ = edet::testing::ReferenceData();
  fs::path program_;
  edet::testing::TemporaryDirectory folder_;
};

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

ModelFacts Facts(Postprocessing postprocessing, bool nhwc) {
  ModelFacts facts;
  facts.model_name = "efficientdet-d0";
  facts.input_width = 640;
  facts.input_height = 512;
  facts.nhwc = nhwc;
  facts.num_classes = 3;
  facts.postprocessing = postprocessing;
  facts.output_names = {"num_detections", "detection_boxes", "detection_scores",
                        "detection_classes"};
  return facts;
}

TEST_F(JudgeTest, InferConfigIsTakenWithoutWarning) {
  for (Postprocessing postprocessing :
       {Postprocessing::kPlugin, Postprocessing::kOnnxNms, Postprocessing::kRows,
        Postprocessing::kDecoded, Postprocessing::kNone}) {
    for (bool nhwc : {true, false}) {
      const fs::path config = folder_ / "config.txt";
      Spill(config, NvinferConfigText(Facts(postprocessing, nhwc)));
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
                          {"output-blob-names", Facts(postprocessing, nhwc).output_names}};
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
    Spill(config, AppConfigText(Facts(Postprocessing::kPlugin, true), app));
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

// Changes a config at random: keys, values, groups, comments, encodings.
class Mutator {
 public:
  Mutator(unsigned seed, const KeyTable& table, std::vector<std::string> groups, bool yaml = false)
      : random_(seed), table_(table), groups_(std::move(groups)), yaml_(yaml) {}

  std::string Mutate(const std::string& base) {
    lines_.clear();
    std::stringstream stream(base);
    for (std::string line; std::getline(stream, line);) {
      if (!line.empty() && line.front() != '#') lines_.push_back(line);
    }
    const size_t steps = 1 + Below(4);
    for (size_t i = 0; i < steps; ++i) Step();
    std::string text;
    for (const std::string& line : lines_) text += line + "\n";
    if (Below(40) == 0) DamageBytes(text);
    return text;
  }

 private:
  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  template <typename T>
  const T& Pick(const std::vector<T>& from) {
    return from[Below(from.size())];
  }
  size_t Line() { return Below(lines_.size()); }

  std::string Value() {
    static const std::vector<std::string> values{"",
                                                 "0",
                                                 "1",
                                                 "2",
                                                 "3",
                                                 "4",
                                                 "5",
                                                 "6",
                                                 "7",
                                                 "-1",
                                                 "-2",
                                                 "100",
                                                 "1024",
                                                 "1025",
                                                 "1 # c",
                                                 "1# c",
                                                 "1.0",
                                                 "0x10",
                                                 "1;2",
                                                 "1;2;3",
                                                 "3;512;512",
                                                 "3;512;512;1",
                                                 "3;8;8;5",
                                                 "0.5",
                                                 "-0.5",
                                                 "0.5f",
                                                 "0,5",
                                                 "0.5 # c",
                                                 "1e-60",
                                                 "-1e-60",
                                                 "1.00000001",
                                                 "true",
                                                 "false",
                                                 "TRUE",
                                                 "yes",
                                                 "nan",
                                                 "inf",
                                                 "-inf",
                                                 "1e400",
                                                 "99999999999",
                                                 "2147483647",
                                                 "model.onnx",
                                                 "missing.onnx",
                                                 "/opt/none/such/file",
                                                 "../x",
                                                 "./labels.txt",
                                                 "labels.txt",
                                                 "labels.txt/sub",
                                                 "\\q",
                                                 "\\s x",
                                                 "\\tx",
                                                 "a b",
                                                 "\xff",
                                                 "\xc3\xa4",
                                                 "0.3;0.3;0.3;1",
                                                 "0;0;0;",
                                                 "1;a;2",
                                                 ";;",
                                                 "file://a.mp4",
                                                 "file:///a.mp4",
                                                 "rtsp://h/x",
                                                 "usb:0",
                                                 "csi:1",
                                                 "usb:x",
                                                 "file://%d.mp4",
                                                 "5;",
                                                 "0;2",
                                                 "\"quoted\"",
                                                 "x # c",
                                                 "/",
                                                 "x;y",
                                                 "a\\;b;c"};
    static const std::vector<std::string> yaml_values{
        "~",  "''",     "\"1;2\"", "[1, 2]", "{a: 1}", "010",          "+1",     " 1",
        "1x", "1.5;2x", ".inf",    ".nan",   "- 1",    "'quoted # x'", "1  # c", "!!int 1"};
    return yaml_ && Below(4) == 0 ? Pick(yaml_values) : Pick(values);
  }

  char Separator() const { return yaml_ ? ':' : '='; }

  std::string KeyLine(const std::string& key, const std::string& value) const {
    return yaml_ ? "  " + key + ": " + value : key + "=" + value;
  }

  std::string TypedValue(const KeySpec& spec) {
    static const std::vector<std::string> integers{"0", "1", "2", "3", "4", "5", "10", "-1"},
        doubles{"0", "0.25", "0.5", "1", "-1", "2"};
    if (spec.type == ValueType::kBoolean) return Below(2) == 0 ? "0" : "1";
    if (spec.type == ValueType::kInteger || spec.type == ValueType::kUint64) return Pick(integers);
    if (spec.type == ValueType::kDouble) return Pick(doubles);
    if (spec.type == ValueType::kIntegerList)
      return Pick(integers) + ";" + Pick(integers) + ";" + Pick(integers);
    if (spec.type == ValueType::kDoubleList) return "0.1;0.2;0.3;" + Pick(doubles);
    return Value();
  }

  std::string Header(const std::string& name) const {
    return yaml_ ? name + ":" : "[" + name + "]";
  }
  std::string Group() { return Header(Pick(groups_)); }

  void AddKey() {
    const GroupSpec& group = Pick(table_.groups);
    const KeySpec& spec = Pick(group.keys);
    // The judge stands for x86: these two are read otherwise on a Jetson.
    if (spec.key == "scaling-compute-hw" || spec.key == "copy-hw") return;
    const std::string line = KeyLine(spec.key, Below(3) == 0 ? Value() : TypedValue(spec));
    size_t place = 1 + Line();
    const std::string header =
        (yaml_ ? "" : "[") + group.name;  // often into a group that has the key
    for (size_t i = 0; i < lines_.size() && Below(4) != 0; ++i) {
      if (lines_[i].compare(0, header.size(), header) == 0) place = i + 1;
    }
    lines_.insert(lines_.begin() + std::min(place, lines_.size()), line);
  }

  void Misspell(std::string& line) {
    if (line.empty()) return;
    const size_t at =
        Below(std::min<size_t>(line.size(), line.find(Separator()) + 1) + 1) % line.size();
    switch (Below(3)) {
      case 0:
        line.erase(at, 1);
        break;
      case 1:
        line.insert(at, 1, "abcxyz-_= 1"[Below(11)]);
        break;
      default:
        line[at] = "abcxyz-_=# []1"[Below(14)];
    }
  }

  void Step() {
    if (lines_.empty()) lines_.push_back(Header("property"));
    std::string& line = lines_[Line()];
    const size_t equals = line.find(Separator());
    switch (Below(14)) {
      case 0:
      case 1:
      case 2:
        if (equals != std::string::npos)
          line = line.substr(0, equals + 1) + (yaml_ ? " " : "") + Value();
        break;
      case 3:
      case 4:
      case 5:
      case 6:
        AddKey();
        break;
      case 7:
        lines_.erase(lines_.begin() + Line());
        break;
      case 8:
        lines_.insert(lines_.begin() + Line(), std::string(lines_[Line()]));
        break;
      case 9:
        lines_.insert(lines_.begin() + Line(), Group());
        break;
      case 10:
        if (Below(2) == 0)
          Misspell(line);
        else
          std::swap(line, lines_[Line()]);
        break;
      case 11:
        line += Pick(std::vector<std::string>{" # comment", "\r", "  ", ";", "#"});
        break;
      case 12:
        lines_.insert(lines_.begin() + Line(),
                      Pick(std::vector<std::string>{"; comment", "# comment", "", "  ", "word",
                                                    "=1", " a = b "}));
        break;
      default:
        lines_.push_back(Group());
        AddKey();
        break;
    }
  }

  void DamageBytes(std::string& text) {
    switch (Below(4)) {
      case 0:
        text.insert(0, "\xEF\xBB\xBF");
        break;
      case 1:
        text.insert(Below(text.size() + 1), 1, '\0');
        break;
      case 2:
        text.insert(Below(text.size() + 1), "\xfe\xff");
        break;
      default:
        text += KeyLine("long", std::string(100000, 'x')) + "\n";
    }
  }

  std::mt19937 random_;
  const KeyTable& table_;
  std::vector<std::string> groups_;
  bool yaml_;
  std::vector<std::string> lines_;
};

unsigned FromEnvironment(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::atoi(text));
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

TEST_F(JudgeTest, MutatedInferConfigsAreReadAlike) {
  const unsigned seed = FromEnvironment("EDET_JUDGE_SEED", 1),
                 cases = FromEnvironment("EDET_JUDGE_CASES", 250);
  const std::string base = NvinferConfigText(Facts(Postprocessing::kPlugin, true)) +
                           "[class-attrs-1]\npre-cluster-threshold=0.6\nroi-top-offset=4\n";
  Mutator mutator(seed, NvinferKeys(),
                  {"property", "class-attrs-all", "class-attrs-0", "class-attrs-2", "class-attrs-3",
                   "class-attrs-999999", "class-attrs-01", "class-attrs-2x", "class-attrs--1",
                   "class-attrs-", "propety", "other", "class-attrs- 1"});
  Tally tally;
  for (; tally.cases < cases; ++tally.cases) {
    const fs::path config = folder_ / "config.txt";
    Spill(config, mutator.Mutate(base));
    Check(Judge("infer", config), config, ReadNvinferConfig, tally);
  }
  EXPECT_EQ(tally.different, 0U);
  EXPECT_GT(tally.accepted, cases / 10);
  Report("infer", seed, tally);
}

TEST_F(JudgeTest, MutatedAppConfigsAreReadAlike) {
  const unsigned seed = FromEnvironment("EDET_JUDGE_SEED", 1),
                 cases = FromEnvironment("EDET_JUDGE_CASES", 250);
  AppFacts app;
  app.sources = {*SourceFromText("file://near.mp4")};
  const std::string base = AppConfigText(Facts(Postprocessing::kPlugin, true), app);
  Mutator mutator(seed, DeepstreamAppKeys(),
                  {"application",
                   "source0",
                   "source1",
                   "source01",
                   "sourcex",
                   "source",
                   "source-list",
                   "source-attr-all",
                   "sink0",
                   "sink1",
                   "sinkx",
                   "streammux",
                   "osd",
                   "primary-gie",
                   "secondary-gie0",
                   "secondary-gie1",
                   "tracker",
                   "tests",
                   "tiled-display",
                   "dewarper0",
                   "dewarper12",
                   "dewarper",
                   "img-save",
                   "ds-example",
                   "replay",
                   "message-consumer0",
                   "message-converter",
                   "pre-process",
                   "nvds-analytics",
                   "segvisual",
                   "unknown"});
  Tally tally;
  for (; tally.cases < cases; ++tally.cases) {
    const fs::path config = folder_ / "app.txt";
    Spill(config, mutator.Mutate(base));
    Check(Judge("app", config), config, ReadAppConfig, tally);
  }
  EXPECT_EQ(tally.different, 0U);
  EXPECT_GT(tally.accepted, cases / 10);
  Report("app", seed, tally);
}

std::string InferYaml() {
  return "property:\n  gie-unique-id: 1\n  network-type: 0\n  network-mode: 2\n"
         "  batch-size: 1\n  num-detected-classes: 3\n  onnx-file: model.onnx\n"
         "  labelfile-path: labels.txt\n  custom-lib-path: ./libnvdsinfer_efficientdet.so\n"
         "  parse-bbox-func-name: NvDsInferParseX\n  net-scale-factor: 0.0039215\n"
         "  offsets: 1;2;3\n  model-color-format: 0\n  infer-dims: 3;512;512\n"
         "  maintain-aspect-ratio: 1\n  cluster-mode: 4\n  output-blob-names: a;b\n"
         "  filter-out-class-ids: 1;2\nclass-attrs-all:\n  pre-cluster-threshold: 0.4\n"
         "  topk: 100\nclass-attrs-1:\n  pre-cluster-threshold: 0.6\n  roi-top-offset: 4\n";
}

std::string AppYaml() {
  return "application:\n  enable-perf-measurement: 1\n  perf-measurement-interval-sec: 5\n"
         "  gie-kitti-output-dir: kitti\nsource:\n  csv-file-path: sources.csv\n"
         "streammux:\n  batch-size: 1\n  width: 1920\n  height: 1080\n"
         "  batched-push-timeout: 40000\n  live-source: 0\nprimary-gie:\n  enable: 1\n"
         "  plugin-type: 0\n  batch-size: 1\n  config-file: config_infer_primary.txt\n"
         "sink0:\n  enable: 1\n  type: 3\n  codec: 1\n  sync: 0\n  output-file: out.mp4\n"
         "osd:\n  enable: 1\n  border-width: 2\ntracker:\n  enable: 0\n"
         "  ll-config-file: labels.txt\ntiled-display:\n  enable: 0\n  rows: 1\n"
         "tests:\n  file-loop: 0\n";
}

TEST_F(JudgeTest, MutatedInferYamlIsReadAlike) {
  const unsigned seed = FromEnvironment("EDET_JUDGE_SEED", 1),
                 cases = FromEnvironment("EDET_JUDGE_CASES", 250);
  Mutator mutator(seed, NvinferYamlKeys(),
                  {"property", "class-attrs-all", "class-attrs-0", "class-attrs-2", "class-attrs-3",
                   "class-attrs-2x", "class-attrs--1", "class-attrs-", "propety", "class-attrs- 1"},
                  true);
  Tally tally;
  for (; tally.cases < cases; ++tally.cases) {
    const fs::path config = folder_ / "config.yml";
    Spill(config, mutator.Mutate(InferYaml()));
    Check(Judge("infer", config), config, ReadNvinferConfig, tally);
  }
  EXPECT_EQ(tally.different, 0U);
  EXPECT_GT(tally.accepted, cases / 10);
  Report("infer, YAML", seed, tally);
}

TEST_F(JudgeTest, MutatedAppYamlIsReadAlike) {
  const unsigned seed = FromEnvironment("EDET_JUDGE_SEED", 1),
                 cases = FromEnvironment("EDET_JUDGE_CASES", 250);
  Mutator mutator(seed, DeepstreamAppYamlKeys(),
                  {"application",
                   "source",
                   "source0",
                   "sink0",
                   "sink1",
                   "sinkx",
                   "streammux",
                   "osd",
                   "primary-gie",
                   "secondary-gie0",
                   "secondary-gie1",
                   "tracker",
                   "tests",
                   "tiled-display",
                   "dewarper0",
                   "dewarper",
                   "img-save",
                   "ds-example",
                   "replay",
                   "message-consumer0",
                   "message-converter",
                   "pre-process",
                   "nvds-analytics",
                   "segvisual",
                   "unknown"},
                  true);
  Spill(folder_ / "sources.csv",
        "# sources\nenable,type,uri,num-sources,latency\n1,3,rtsp://h/%d,2,50\n"
        "0,2,file://near.mp4,1,70\n1,4,rtsp://h/x,1,90\n");
  Tally tally;
  for (; tally.cases < cases; ++tally.cases) {
    const fs::path config = folder_ / "app.yml";
    Spill(config, mutator.Mutate(AppYaml()));
    Check(Judge("app", config), config, ReadAppConfig, tally);
  }
  EXPECT_EQ(tally.different, 0U);
  EXPECT_GT(tally.accepted, cases / 10);
  Report("app, YAML", seed, tally);
}

TEST_F(JudgeTest, MutatedSourceTablesAreReadAlike) {
  const std::vector<std::string> keys{
      "enable",       "type", "uri", "num-sources", "latency", "other", "drop-frame-interval",
      "camera-width", "uri "};
  const std::vector<std::string> cells{
      "0", "1", "2", "3", "4", "", "x", "1x", " 2", "-1", "#1", "rtsp://h/%d", "file://labels.txt"};
  const unsigned seed = FromEnvironment("EDET_JUDGE_SEED", 1),
                 cases = FromEnvironment("EDET_JUDGE_CASES", 250);
  std::mt19937 random(seed);
  const auto pick = [&random](const std::vector<std::string>& from) {
    return from[std::uniform_int_distribution<size_t>(0, from.size() - 1)(random)];
  };
  Tally tally;
  for (; tally.cases < cases; ++tally.cases) {
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
    Spill(config, AppYaml());
    Check(Judge("app", config), config, ReadAppConfig, tally);
  }
  EXPECT_EQ(tally.different, 0U);
  EXPECT_GT(tally.accepted, cases / 20);
  Report("sources", seed, tally);
}

}  // namespace
}  // namespace edet::deepstream
