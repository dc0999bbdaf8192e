// NVIDIA's own post-processing (the judge, built from DeepStream 9.1's source) and ours, on the
// same tensors, with the same parser library: the same objects, in network and in frame pixels.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "detect/nvinfer_postprocess.h"
#include "parser/custom_library.h"
#include "testing/reference_data.h"
#include "testing/temporary_directory.h"

namespace edet::parser {
namespace {

using detect::ClassAttributes;
using detect::ClusterMode;
using testing::LoadNpz;

// One way to configure nvinfer: the keys of the file and what they mean to us.
struct Scenario {
  friend std::ostream& operator<<(std::ostream& out, const Scenario& scenario) {
    return out << scenario.name;
  }
  std::string name;
  ClusterMode mode = ClusterMode::kNms;
  bool keep_aspect = false, symmetric = false, crop = false;
  std::set<unsigned> filter_out;
  unsigned frame_width = 800, frame_height = 600;
  ClassAttributes all;
};

std::string Keys(const Scenario& scenario) {
  std::ostringstream keys;
  keys << "[property]\ngpu-id=0\nonnx-file=model.onnx\nnum-detected-classes=90\nnetwork-type=0\n"
       << "custom-lib-path=" << EDET_PARSER_LIBRARY
       << "\nparse-bbox-func-name=NvDsInferParseEfficientDet\n"
       << "cluster-mode=" << static_cast<int>(scenario.mode)
       << "\nmaintain-aspect-ratio=" << scenario.keep_aspect
       << "\nsymmetric-padding=" << scenario.symmetric
       << "\ncrop-objects-to-roi-boundary=" << scenario.crop << "\n";
  if (!scenario.filter_out.empty()) {
    keys << "filter-out-class-ids=";
    for (unsigned c : scenario.filter_out) keys << c << ";";
    keys << "\n";
  }
  const ClassAttributes& a = scenario.all;
  keys << "[class-attrs-all]\npre-cluster-threshold=" << a.pre_cluster_threshold
       << "\npost-cluster-threshold=" << a.post_cluster_threshold
       << "\nnms-iou-threshold=" << a.nms_iou_threshold << "\nroi-top-offset=" << a.roi_top_offset
       << "\nroi-bottom-offset=" << a.roi_bottom_offset
       << "\ndetected-min-w=" << a.detected_min_width
       << "\ndetected-min-h=" << a.detected_min_height
       << "\ndetected-max-w=" << a.detected_max_width
       << "\ndetected-max-h=" << a.detected_max_height << "\n";
  // nvinfer refuses a negative limit: no limit is no key.
  if (a.top_k >= 0) keys << "topk=" << a.top_k << "\n";
  return keys.str();
}

Scenario Make(const std::string& name, ClusterMode mode, bool keep_aspect, bool symmetric,
              unsigned width, unsigned height) {
  Scenario scenario;
  scenario.name = name;
  scenario.mode = mode;
  scenario.keep_aspect = keep_aspect;
  scenario.symmetric = symmetric;
  scenario.frame_width = width;
  scenario.frame_height = height;
  scenario.all.pre_cluster_threshold = 0.4F;
  return scenario;
}

std::vector<Scenario> Scenarios() {
  std::vector<Scenario> scenarios;
  for (ClusterMode mode : {ClusterMode::kGroupRectangles, ClusterMode::kNms, ClusterMode::kNone}) {
    for (int fit = 0; fit < 3; ++fit) {
      const std::string name =
          "Mode" + std::to_string(static_cast<int>(mode)) + "Fit" + std::to_string(fit);
      scenarios.push_back(Make(name + "Wide", mode, fit > 0, fit > 1, 1920, 1080));
      scenarios.push_back(Make(name + "Photo", mode, fit > 0, fit > 1, 800, 600));
      scenarios.push_back(Make(name + "OddTall", mode, fit > 0, fit > 1, 481, 641));
    }
  }
  for (ClusterMode mode : {ClusterMode::kNms, ClusterMode::kNone}) {
    Scenario filters =
        Make("Filters" + std::to_string(static_cast<int>(mode)), mode, true, true, 1280, 720);
    filters.filter_out = {0, 63, 81};
    filters.all.top_k = 2;
    filters.all.post_cluster_threshold = 0.5F;
    filters.all.detected_min_width = 40;
    filters.all.detected_min_height = 30;
    filters.all.detected_max_width = 900;
    filters.all.detected_max_height = 600;
    filters.all.roi_top_offset = 60;
    filters.all.roi_bottom_offset = 50;
    scenarios.push_back(filters);
    filters.name += "Cropped";
    filters.crop = true;
    scenarios.push_back(filters);
  }
  return scenarios;
}

// Four tensors of EfficientNMS for one frame.
struct Tensors {
  int32_t count = 0;
  std::vector<float> boxes, scores;
  std::vector<int32_t> classes;

  std::vector<OutputTensor> Outputs() const {
    const auto m = static_cast<uint32_t>(scores.size());
    return {{"num_detections", DataType::kInt32, {1}, &count},
            {"detection_boxes", DataType::kFloat, {m, 4}, boxes.data()},
            {"detection_scores", DataType::kFloat, {m}, scores.data()},
            {"detection_classes", DataType::kInt32, {m}, classes.data()}};
  }
};

Tensors Golden(const std::string& model, const std::string& file) {
  const auto path = testing::ReferenceData() / "golden" / model / file;
  Tensors tensors;
  tensors.count = static_cast<int32_t>(LoadNpz(path, "num_detections").integers.at(0));
  tensors.boxes = LoadNpz(path, "boxes_yxyx").floats;
  tensors.scores = LoadNpz(path, "scores").floats;
  for (int64_t c : LoadNpz(path, "classes0").integers)
    tensors.classes.push_back(static_cast<int32_t>(c));
  return tensors;
}

// Many overlaps, equal scores, boxes across every edge.
Tensors Crowd(float size) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> place(-0.1F * size, 1.1F * size), extent(2.F, 0.5F * size);
  Tensors tensors;
  tensors.count = 100;
  for (int i = 0; i < 100; ++i) {
    const float y = place(random), x = place(random);
    tensors.boxes.insert(tensors.boxes.end(), {y, x, y + extent(random), x + extent(random)});
    tensors.scores.push_back(static_cast<float>(random() % 20) / 20.F);
    tensors.classes.push_back(static_cast<int32_t>(random() % 4));
  }
  return tensors;
}

class Judge : public ::testing::TestWithParam<Scenario> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(EDET_NVINFER_JUDGE))
      GTEST_SKIP() << "skipped: no judge at " << EDET_NVINFER_JUDGE;
    EDET_SKIP_WITHOUT("golden/d0/golden_plugin_t0.4_fp32.npz");
  }

  std::string WriteLayers(const std::vector<OutputTensor>& outputs) const {
    const auto list = folder_ / "layers.txt";
    std::ofstream layers(list);
    for (const OutputTensor& output : outputs) {
      size_t count = 1;
      std::string dims;
      for (uint32_t d : output.dims) {
        count *= d;
        dims += (dims.empty() ? "" : ",") + std::to_string(d);
      }
      const auto file = folder_ / (output.name + ".bin");
      std::ofstream(file, std::ios::binary)
          .write(static_cast<const char*>(output.data), static_cast<std::streamsize>(count * 4));
      layers << output.name << (output.type == DataType::kFloat ? " float " : " int32 ") << dims
             << " " << file.string() << "\n";
    }
    return list.string();
  }

  nlohmann::json Ask(const Scenario& scenario, const Tensors& tensors, unsigned network) const {
    const auto config = folder_ / "config.txt", answer = folder_ / "answer.json";
    std::ofstream(config) << Keys(scenario);
    std::ostringstream command;
    command << EDET_NVINFER_JUDGE << " objects " << config << " " << WriteLayers(tensors.Outputs())
            << " " << network << "x" << network << " " << scenario.frame_width << "x"
            << scenario.frame_height << " > " << answer << " 2> " << (folder_ / "errors.txt");
    const int status = std::system(command.str().c_str());
    EXPECT_EQ(WEXITSTATUS(status), 0) << command.str();
    std::ifstream in(answer);
    return nlohmann::json::parse(in, nullptr, false);
  }

  template <typename Object>
  static void ExpectSame(const std::vector<Object>& ours, const nlohmann::json& theirs,
                         const char* where) {
    ASSERT_EQ(ours.size(), theirs.size()) << where;
    for (size_t i = 0; i < ours.size(); ++i) {
      const auto& judged = theirs[i];
      EXPECT_EQ(ours[i].class_index, judged["class"].get<unsigned>()) << where << " " << i;
      EXPECT_NEAR(ours[i].confidence, judged["confidence"].get<float>(), 1e-5F)
          << where << " " << i;
      EXPECT_NEAR(ours[i].left, judged["left"].get<float>(), 0.01F) << where << " " << i;
      EXPECT_NEAR(ours[i].top, judged["top"].get<float>(), 0.01F) << where << " " << i;
      EXPECT_NEAR(ours[i].width, judged["width"].get<float>(), 0.01F) << where << " " << i;
      EXPECT_NEAR(ours[i].height, judged["height"].get<float>(), 0.01F) << where << " " << i;
    }
  }

  void Compare(const Scenario& scenario, const Tensors& tensors, unsigned network) const {
    const nlohmann::json judged = Ask(scenario, tensors, network);
    ASSERT_TRUE(judged.contains("frame")) << judged;
    auto library = CustomLibrary::Open(EDET_PARSER_LIBRARY, "NvDsInferParseEfficientDet");
    ASSERT_TRUE(library.ok()) << library.error().ToString();
    detect::PostprocessOptions options;
    options.cluster_mode = scenario.mode;
    options.classes.assign(90, scenario.all);
    options.filter_out_class_ids = scenario.filter_out;
    options.crop_objects_to_roi_boundary = scenario.crop;
    bool returned = false;
    const auto objects = detect::ClusterObjects(
        library->Parse(tensors.Outputs(), network, network, options.classes, returned), options);
    ExpectSame(objects, judged["network"], "network");
    const auto fit = detect::FitFrame(scenario.frame_width, scenario.frame_height, network, network,
                                      scenario.keep_aspect, scenario.symmetric);
    const auto attached =
        detect::AttachToFrame(objects, options, fit, scenario.frame_width, scenario.frame_height);
    ExpectSame(attached, judged["frame"], "frame");
    if (!scenario.keep_aspect && scenario.filter_out.empty()) {
      EXPECT_EQ(attached.size(), objects.size()) << "no object at the frame's edge may vanish";
    }
  }

  testing::TemporaryDirectory folder_;
};

TEST_P(Judge, SeesTheSameObjects) {
  for (const char* threshold : {"0.05", "0.4", "0.9"}) {
    const std::string file = std::string("golden_plugin_t") + threshold + "_fp32.npz";
    Compare(GetParam(), Golden("d0", file), 512);
    Compare(GetParam(), Golden("lite0", file), 320);
  }
  Compare(GetParam(), Crowd(512.F), 512);
}

INSTANTIATE_TEST_SUITE_P(Scenarios, Judge, ::testing::ValuesIn(Scenarios()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace edet::parser
