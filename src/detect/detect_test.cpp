#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "detect/anchors.h"
#include "detect/decode.h"
#include "detect/efficient_nms.h"
#include "detect/nms.h"
#include "testing/reference_data.h"

namespace edet::detect {
namespace {

using testing::Array;
using testing::LoadNpy;
using testing::LoadNpz;
using testing::ReferenceData;

// Steps of the float grid between two numbers of the same sign.
int64_t UlpsBetween(float a, float b) {
  if (a == b) return 0;
  int32_t x, y;
  std::memcpy(&x, &a, 4);
  std::memcpy(&y, &b, 4);
  return std::llabs(static_cast<int64_t>(x) - y);
}

struct Model {
  std::string name;
  int size;
  float anchor_scale;
};
void PrintTo(const Model& model, std::ostream* out) { *out << model.name; }
const Model kD0 = {"d0", 512, 4.F};
const Model kLite0 = {"lite0", 320, 3.F};

std::filesystem::path Golden(const Model& model, const std::string& file) {
  return ReferenceData() / "golden" / model.name / file;
}

AnchorConfig ConfigOf(const Model& model) {
  AnchorConfig config;
  config.image_height = config.image_width = model.size;
  config.anchor_scales = {model.anchor_scale};
  return config;
}

class GoldenModel : public ::testing::TestWithParam<Model> {};
INSTANTIATE_TEST_SUITE_P(Models, GoldenModel, ::testing::Values(kD0, kLite0),
                         [](const auto& info) { return info.param.name; });

TEST_P(GoldenModel, AnchorsAreAutoMlsBitForBit) {
  EDET_SKIP_WITHOUT("golden/d0/golden_anchors_yxyx.npy");
  const Array golden = LoadNpy(Golden(GetParam(), "golden_anchors_yxyx.npy"));
  const std::vector<float> anchors = MakeAnchors(ConfigOf(GetParam()));
  ASSERT_EQ(anchors.size(), golden.floats.size());
  int64_t worst = 0;
  for (size_t i = 0; i < anchors.size(); ++i)
    worst = std::max(worst, UlpsBetween(anchors[i], golden.floats[i]));
  EXPECT_EQ(worst, 0);
}

TEST(Anchors, OddSizesAndSixLevelsAsInTheModelTable) {
  AnchorConfig d7x;
  d7x.image_height = d7x.image_width = 1536;
  d7x.max_level = 8;
  EXPECT_EQ(MakeAnchors(d7x).size(), 4u * 442260);
  EXPECT_EQ(FeatureSizes(d7x).size(), 6u);
  AnchorConfig wide;
  wide.image_width = 600;
  wide.image_height = 400;
  const auto sizes = FeatureSizes(wide);
  EXPECT_EQ(sizes.back().width, 5);
  EXPECT_EQ(sizes.back().height, 4);
}

// Pre-NMS tensors of AutoML: decoded boxes, sigmoid scores and the best class of every anchor.
struct PreNms {
  std::vector<BoxNet> boxes;
  std::vector<float> scores;
  std::vector<int> classes;
  BestClassCandidates candidates() const {
    return {boxes.data(), scores.data(), classes.data(), boxes.size()};
  }
};

PreNms LoadPreNms(const Model& model) {
  PreNms data;
  const Array boxes = LoadNpy(Golden(model, "golden_prenms_boxes_yxyx.npy"));
  for (size_t i = 0; i + 3 < boxes.floats.size(); i += 4) {
    const float* b = &boxes.floats[i];
    data.boxes.push_back({b[1], b[0], b[3], b[2]});
  }
  data.scores = LoadNpy(Golden(model, "golden_prenms_scores.npy")).floats;
  for (int64_t c : LoadNpy(Golden(model, "golden_prenms_classes.npy")).integers) {
    data.classes.push_back(static_cast<int>(c));
  }
  return data;
}

NmsOptions Hard(float score_threshold) {
  NmsOptions options;
  options.score_threshold = score_threshold;
  return options;
}

NmsOptions Gaussian() {
  NmsOptions options;
  options.score_threshold = 0.001F;
  options.soft_sigma = 0.25F;
  return options;
}

void ExpectRows(const std::vector<float>& rows, const std::vector<float>& golden,
                float box_tolerance, float score_tolerance) {
  ASSERT_EQ(rows.size(), golden.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const size_t column = i % 7;
    const float tolerance = column == 5                  ? score_tolerance
                            : column == 0 || column == 6 ? 0.F
                                                         : box_tolerance;
    ASSERT_NEAR(rows[i], golden[i], tolerance) << "row " << i / 7 << " column " << column;
  }
}

void ExpectGlobal(const Model& model, const NmsOptions& options, const std::string& file) {
  const PreNms data = LoadPreNms(model);
  const float scale = LoadNpy(Golden(model, "golden_scale.npy")).floats.at(0);
  const auto size = static_cast<float>(model.size);
  const Detection padding = {data.boxes[0], 0.F, data.classes[0], 0};
  const auto rows =
      AutoMlRows(GlobalNms(data.candidates(), options), padding, {0.F, size, size, scale, 100});
  ExpectRows(rows, LoadNpy(Golden(model, file)).floats, 1e-4F, 1e-6F);
}

TEST_P(GoldenModel, GlobalHardNmsIsTheSavedModels) {
  EDET_SKIP_WITHOUT("golden/d0/golden_prenms_scores.npy");
  ExpectGlobal(GetParam(), Hard(0.05F), "golden_detections_global_hard_t0.05.npy");
  ExpectGlobal(GetParam(), Hard(0.4F), "golden_detections_global_hard_t0.4.npy");
  ExpectGlobal(GetParam(), Hard(0.9F), "golden_detections_global_hard_t0.9.npy");
  ExpectGlobal(GetParam(), Hard(0.4F), "golden_savedmodel_detections.npy");
}

TEST_P(GoldenModel, GlobalGaussianNmsIsAutoMls) {
  EDET_SKIP_WITHOUT("golden/d0/golden_prenms_scores.npy");
  ExpectGlobal(GetParam(), Gaussian(), "golden_detections_global_gaussian_default.npy");
}

void ExpectPerClass(const Model& model, const NmsOptions& options, const std::string& name) {
  const PreNms data = LoadPreNms(model);
  const float scale = LoadNpy(Golden(model, "golden_scale.npy")).floats.at(0);
  const auto boxes = LoadNpy(Golden(model, name + "_boxes_yxyx.npy")).floats;
  const auto scores = LoadNpy(Golden(model, name + "_scores.npy")).floats;
  const auto classes = LoadNpy(Golden(model, name + "_classes.npy")).floats;
  const auto valid = LoadNpy(Golden(model, name + "_valid.npy")).integers.at(0);
  const auto found = PerClassNms(data.candidates(), options);
  ASSERT_EQ(static_cast<int64_t>(found.size()), valid) << name;
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i].score, scores[i], 1e-6F) << name << " row " << i;
    EXPECT_EQ(static_cast<float>(found[i].class_index + 1), classes[i]) << name << " row " << i;
    EXPECT_NEAR(found[i].box.top * scale, boxes[4 * i], 1e-3F) << name << " row " << i;
    EXPECT_NEAR(found[i].box.left * scale, boxes[4 * i + 1], 1e-3F) << name << " row " << i;
    EXPECT_NEAR(found[i].box.bottom * scale, boxes[4 * i + 2], 1e-3F) << name << " row " << i;
    EXPECT_NEAR(found[i].box.right * scale, boxes[4 * i + 3], 1e-3F) << name << " row " << i;
  }
}

TEST_P(GoldenModel, PerClassNmsIsAutoMls) {
  EDET_SKIP_WITHOUT("golden/d0/golden_perclass_hard_t0.4_valid.npy");
  ExpectPerClass(GetParam(), Hard(0.05F), "golden_perclass_hard_t0.05");
  ExpectPerClass(GetParam(), Hard(0.4F), "golden_perclass_hard_t0.4");
  ExpectPerClass(GetParam(), Hard(0.9F), "golden_perclass_hard_t0.9");
  ExpectPerClass(GetParam(), Gaussian(), "golden_perclass_gaussian_default");
}

TEST_P(GoldenModel, DecodedBoxesAreAutoMls) {
  EDET_SKIP_WITHOUT("golden/d0/golden_box_p3.npy");
  const PreNms data = LoadPreNms(GetParam());
  std::vector<float> deltas;
  for (int level = 3; level <= 7; ++level) {
    const auto part =
        LoadNpy(Golden(GetParam(), "golden_box_p" + std::to_string(level) + ".npy")).floats;
    deltas.insert(deltas.end(), part.begin(), part.end());
  }
  const std::vector<float> anchors = MakeAnchors(ConfigOf(GetParam()));
  ASSERT_EQ(deltas.size(), anchors.size());
  const std::vector<BoxNet> boxes = DecodeBoxes(deltas.data(), anchors.data(), anchors.size() / 4);
  for (size_t i = 0; i < boxes.size(); ++i) {
    ASSERT_NEAR(boxes[i].left, data.boxes[i].left, 2e-3F) << i;
    ASSERT_NEAR(boxes[i].top, data.boxes[i].top, 2e-3F) << i;
    ASSERT_NEAR(boxes[i].right, data.boxes[i].right, 2e-3F) << i;
    ASSERT_NEAR(boxes[i].bottom, data.boxes[i].bottom, 2e-3F) << i;
  }
}

// The whole class head is too large for the reference data: a run of the graph leaves it in a
// folder (d0/class_logits.f32 [A, 90] and d0/box_deltas.f32 [A, 4], lite0/..: raw floats on the
// golden photo).
class WholeHeads : public GoldenModel {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("EDET_WHOLE_HEADS");
    if (folder == nullptr)
      GTEST_SKIP() << "skipped: EDET_WHOLE_HEADS names no folder with the models' whole heads";
    EDET_SKIP_WITHOUT("golden/d0/golden_plugin_t0.4_fp32.npz");
    logits_ = Read(std::filesystem::path(folder) / GetParam().name / "class_logits.f32");
    deltas_ = Read(std::filesystem::path(folder) / GetParam().name / "box_deltas.f32");
    anchors_ = MakeAnchors(ConfigOf(GetParam()));
    ASSERT_EQ(deltas_.size(), anchors_.size());
    ASSERT_EQ(logits_.size(), count() * 90);
  }

  size_t count() const { return anchors_.size() / 4; }

  static std::vector<float> Read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    std::vector<float> values(bytes.size() / 4);
    std::memcpy(values.data(), bytes.data(), values.size() * 4);
    return values;
  }

  // Anchors as the plugin wants them for box_coding 1.
  std::vector<float> CentreAnchors() const {
    std::vector<float> centre;
    for (size_t i = 0; i < anchors_.size(); i += 4) {
      const float* a = &anchors_[i];
      centre.insert(centre.end(), {(a[0] + a[2]) / 2, (a[1] + a[3]) / 2, a[2] - a[0], a[3] - a[1]});
    }
    return centre;
  }

  void ExpectPlugin(float threshold, const std::string& file, bool agnostic) const {
    EfficientNmsOptions options;
    options.score_threshold = threshold;
    options.score_activation = true;
    options.box_coding = 1;
    options.class_agnostic = agnostic;
    const std::vector<float> centre = CentreAnchors();
    std::vector<float> boxes(400, -1.F), scores(100, -1.F);
    std::vector<int32_t> classes(100, -1);
    int32_t found = -1;
    EfficientNms({deltas_.data(), logits_.data(), centre.data(), count(), 90, 1}, options,
                 {&found, boxes.data(), scores.data(), classes.data()});
    const auto path = Golden(GetParam(), file);
    const auto golden_boxes = LoadNpz(path, "boxes_yxyx").floats;
    const auto golden_scores = LoadNpz(path, "scores").floats;
    const auto golden_classes = LoadNpz(path, "classes0").integers;
    ASSERT_LE(golden_scores.size(), 100u);
    // NVIDIA's kernels round their sigmoid up to 9e-6 from the plugin's formula.
    const bool by_kernels = file.find("plugin") != std::string::npos;
    const float score_tolerance = by_kernels ? 2e-5F : 1e-5F;
    if (by_kernels) {
      EXPECT_EQ(found, LoadNpz(path, "num_detections").integers.at(0)) << file;
    }
    for (size_t i = 0; i < golden_scores.size(); ++i) {
      EXPECT_EQ(classes[i], golden_classes[i]) << file << " row " << i;
      EXPECT_NEAR(scores[i], golden_scores[i], score_tolerance) << file << " row " << i;
      for (size_t k = 4 * i; k < 4 * i + 4; ++k)
        EXPECT_NEAR(boxes[k], golden_boxes[k], 5e-3F) << file << " row " << i;
    }
  }

  std::vector<float> logits_, deltas_, anchors_;
};
INSTANTIATE_TEST_SUITE_P(Models, WholeHeads, ::testing::Values(kD0, kLite0),
                         [](const auto& info) { return info.param.name; });

TEST_P(WholeHeads, EfficientNmsIsThePlugins) {
  for (const char* threshold : {"0.9", "0.4", "0.05"}) {
    const std::string name = std::string("golden_plugin_t") + threshold + "_fp32";
    ExpectPlugin(std::stof(threshold), name + ".npz", false);
    ExpectPlugin(std::stof(threshold), name + "_agnostic.npz", true);
  }
  ExpectPlugin(0.9F, "golden_effnms_t0.9.npz", false);
  ExpectPlugin(0.4F, "golden_effnms_t0.4.npz", false);
}

// The plugin fed the best class of each anchor, across classes: AutoML's 'global'. Between them lie
// only >= and > at the thresholds, which no score or overlap of this picture meets.
TEST_P(WholeHeads, EfficientNmsOfTheBestClassIsAutoMlsGlobal) {
  const auto size = static_cast<float>(GetParam().size);
  const float scale = LoadNpy(Golden(GetParam(), "golden_scale.npy")).floats.at(0);
  std::vector<float> best;
  std::vector<int> classes;
  BestClass(logits_.data(), count(), 90, &best, &classes);
  std::fill(logits_.begin(), logits_.end(), -1e4F);
  for (size_t i = 0; i < best.size(); ++i)
    logits_[i * 90 + static_cast<size_t>(classes[i])] = best[i];
  for (const char* threshold : {"0.9", "0.4", "0.05"}) {
    EfficientNmsOptions options;
    options.score_threshold = std::stof(threshold);
    options.score_activation = options.class_agnostic = true;
    options.box_coding = 1;
    const std::vector<float> centre = CentreAnchors();
    std::vector<float> boxes(400), scores(100);
    std::vector<int32_t> found(100);
    int32_t kept = -1;
    EfficientNms({deltas_.data(), logits_.data(), centre.data(), count(), 90, 1}, options,
                 {&kept, boxes.data(), scores.data(), found.data()});
    const auto rows = LoadNpy(Golden(GetParam(), std::string("golden_detections_global_hard_t") +
                                                     threshold + ".npy"))
                          .floats;
    ASSERT_EQ(rows.size(), 700U);
    for (size_t i = 0; i < 100; ++i) {
      const float* row = &rows[i * 7];
      if (static_cast<int32_t>(i) >= kept) {
        EXPECT_EQ(row[5], 0.F) << threshold << " row " << i;
        continue;
      }
      EXPECT_EQ(found[i] + 1, static_cast<int32_t>(row[6])) << threshold << " row " << i;
      EXPECT_NEAR(scores[i], row[5], 5e-5F) << threshold << " row " << i;
      for (size_t k = 0; k < 4; ++k) {  // golden rows are clipped, and in pixels of the original
        const float clipped = std::min(std::max(boxes[i * 4 + k], 0.F), size);
        EXPECT_NEAR(clipped * scale, row[1 + k], 1e-2F) << threshold << " row " << i;
      }
    }
  }
}

TEST_P(WholeHeads, CombinedNmsIsAutoMls) {
  const std::vector<BoxNet> boxes = DecodeBoxes(deltas_.data(), anchors_.data(), count());
  std::vector<float> scores(logits_.size());
  for (size_t i = 0; i < scores.size(); ++i) scores[i] = Sigmoid(logits_[i]);
  const auto found = CombinedNms(boxes.data(), scores.data(), count(), 90, Hard(0.4F));
  const float scale = LoadNpy(Golden(GetParam(), "golden_scale.npy")).floats.at(0);
  const auto size = static_cast<float>(GetParam().size);
  const auto rows = AutoMlRows(found, Detection(), {0.F, size, size, scale, 100});
  ExpectRows(rows, LoadNpy(Golden(GetParam(), "golden_detections_combined_t0.4.npy")).floats, 5e-3F,
             1e-5F);
}

TEST_P(WholeHeads, BestClassAndSigmoidAreAutoMlsPreNms) {
  const PreNms data = LoadPreNms(GetParam());
  std::vector<float> best;
  std::vector<int> classes;
  BestClass(logits_.data(), count(), 90, &best, &classes);
  EXPECT_EQ(classes, data.classes);
  for (size_t i = 0; i < best.size(); ++i)
    ASSERT_NEAR(Sigmoid(best[i]), data.scores[i], 1e-6F) << i;
}

TEST(GlobalNms, AnOverlapAtTheThresholdStays) {
  // The second box is half of the first: an IoU of exactly 1/2. The third is nearly the first.
  const BoxNet boxes[] = {{0, 0, 2, 1}, {0, 0, 1, 1}, {0, 0, 2, 1.001F}};
  const float scores[] = {.9F, .8F, .7F};
  const int classes[] = {0, 1, 2};
  const auto kept = GlobalNms({boxes, scores, classes, 3}, NmsOptions());
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[1].anchor, 1u);
}

TEST(GlobalNms, EqualScoresComeInTheOrderOfAnchors) {
  const BoxNet boxes[] = {{0, 0, 1, 1}, {5, 5, 6, 6}, {9, 9, 10, 10}};
  const float scores[] = {.5F, .5F, std::numeric_limits<float>::quiet_NaN()};
  const int classes[] = {3, 4, 5};
  const auto kept = GlobalNms({boxes, scores, classes, 3}, NmsOptions());
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].class_index, 3);
  EXPECT_EQ(kept[1].class_index, 4);
}

// Two corner boxes with IoU exactly 1/2 in two classes: the plugin suppresses at the threshold.
struct SmallPlugin {
  std::vector<float> boxes = {0, 0, 1, 2, 0, 0, 1, 1};
  std::vector<float> scores = {.9F, .0F, .8F, .7F};
  std::vector<float> out_boxes = std::vector<float>(16, 9.F),
                     out_scores = std::vector<float>(4, 9.F);
  std::vector<int32_t> classes = std::vector<int32_t>(4, 9);
  int32_t count = 0;
  EfficientNmsOptions options;

  SmallPlugin() { options.max_output_boxes = 4; }
  void Run() {
    EfficientNms({boxes.data(), scores.data(), nullptr, 2, 2, 1}, options,
                 {&count, out_boxes.data(), out_scores.data(), classes.data()});
  }
};

TEST(EfficientNms, SuppressesAtTheThresholdWithinAClassAndPadsWithZeros) {
  SmallPlugin plugin;
  plugin.Run();
  EXPECT_EQ(plugin.count, 2);
  EXPECT_EQ(plugin.classes, (std::vector<int32_t>{0, 1, 0, 0}));
  EXPECT_EQ(plugin.out_scores, (std::vector<float>{.9F, .7F, 0, 0}));
}

TEST(EfficientNms, AgnosticBackgroundAndLimits) {
  SmallPlugin agnostic;
  agnostic.options.class_agnostic = true;
  agnostic.Run();
  EXPECT_EQ(agnostic.count, 1);
  SmallPlugin background;
  background.options.background_class = 0;
  background.Run();
  EXPECT_EQ(background.count, 1);
  EXPECT_EQ(background.classes[0], 1);
  SmallPlugin none;
  none.options.max_candidates = 1;
  none.Run();
  EXPECT_EQ(none.count, 1);
}

}  // namespace
}  // namespace edet::detect
