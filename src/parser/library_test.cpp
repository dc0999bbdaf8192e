// The parser library through its exported functions, in this process as the host. Compiled twice:
// as a host without nvds_version() (24-byte objects) and, with EDET_HOST_28 and
// library/host_version_9.cpp, as DeepStream 9.1.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "detect/anchors.h"
#include "detect/decode.h"
#include "detect/nms.h"
#include "parser/custom_library.h"
#include "testing/reference_data.h"
#include "testing/temporary_directory.h"

namespace edet::parser {
namespace {

using detect::ClassAttributes;
using detect::NetworkObject;
using testing::LoadNpy;
using testing::LoadNpz;

// What a host of the real header has in its list.
struct HostObject {
  unsigned class_id;
  float left, top, width, height, confidence;
#ifdef EDET_HOST_28
  float rotation_angle;
#endif
};

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<ClassAttributes> Classes(size_t count, float threshold) {
  ClassAttributes attributes;
  attributes.pre_cluster_threshold = threshold;
  return std::vector<ClassAttributes>(count, attributes);
}

// Output tensors that own their memory; copies share it.
struct Tensors {
  std::vector<std::shared_ptr<std::vector<unsigned char>>> bytes;
  std::vector<OutputTensor> outputs;

  template <typename T>
  Tensors& Add(const std::string& name, DataType type, std::vector<uint32_t> dims,
               const std::vector<T>& values) {
    auto copy = std::make_shared<std::vector<unsigned char>>(values.size() * sizeof(T));
    if (!copy->empty()) std::memcpy(copy->data(), values.data(), copy->size());
    outputs.push_back({name, type, std::move(dims), copy->data()});
    bytes.push_back(std::move(copy));
    return *this;
  }
};

CustomLibrary Library(const std::string& function) {
  auto library = CustomLibrary::Open(EDET_PARSER_LIBRARY, function);
  if (!library.ok()) {
    ADD_FAILURE() << library.error().ToString();
    std::abort();
  }
  return std::move(library).value();
}

std::vector<NetworkObject> Parse(const std::string& function, const Tensors& tensors,
                                 const std::vector<ClassAttributes>& classes, uint32_t width = 512,
                                 uint32_t height = 512) {
  bool returned = false;
  auto objects = Library(function).Parse(tensors.outputs, width, height, classes, returned);
  EXPECT_TRUE(returned) << "gst-nvinfer reads unwritten memory after false";
  return objects;
}

// IEEE half of a float, rounded to nearest: only finite values of the normal range are used here.
uint16_t ToHalf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  const uint32_t sign = bits >> 16 & 0x8000U;
  if (std::fabs(value) < 6.2e-5F) return static_cast<uint16_t>(sign);
  const uint32_t rounded = (bits & 0x7FFFFFFFU) + 0x0FFFU + (bits >> 13 & 1U);
  return static_cast<uint16_t>(sign | ((rounded - 0x38000000U) >> 13));
}

std::vector<uint16_t> ToHalves(const std::vector<float>& values) {
  std::vector<uint16_t> halves;
  for (float value : values) halves.push_back(ToHalf(value));
  return halves;
}

template <typename T>
std::vector<T> As(const std::vector<int64_t>& values) {
  return std::vector<T>(values.begin(), values.end());
}

// Golden detections as arrays: boxes y1, x1, y2, x2 in network pixels, 0-based classes.
struct GoldenRows {
  std::vector<float> boxes, scores;
  std::vector<int64_t> classes;
  int64_t count = 0;
};

// The expected objects of golden rows: clipped, empty ones and those below the threshold left out.
std::vector<NetworkObject> Expected(const GoldenRows& rows, float threshold, float size) {
  std::vector<NetworkObject> objects;
  const auto clip = [size](float x) { return std::fmin(std::fmax(x, 0.F), size); };
  for (size_t i = 0; i < static_cast<size_t>(rows.count); ++i) {
    const float* b = &rows.boxes[4 * i];
    const float top = clip(b[0]), left = clip(b[1]), bottom = clip(b[2]), right = clip(b[3]);
    if (rows.scores[i] < threshold || bottom <= top || right <= left) continue;
    objects.push_back({static_cast<unsigned>(rows.classes[i]), left, top, right - left,
                       bottom - top, rows.scores[i]});
  }
  return objects;
}

void ExpectSame(const std::vector<NetworkObject>& found, const std::vector<NetworkObject>& expected,
                float pixels = 0.002F, float score = 1e-6F) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].class_index, expected[i].class_index) << i;
    EXPECT_NEAR(found[i].left, expected[i].left, pixels) << i;
    EXPECT_NEAR(found[i].top, expected[i].top, pixels) << i;
    EXPECT_NEAR(found[i].width, expected[i].width, pixels) << i;
    EXPECT_NEAR(found[i].height, expected[i].height, pixels) << i;
    EXPECT_NEAR(found[i].confidence, expected[i].confidence, score) << i;
  }
}

GoldenRows LoadPlugin(const std::string& model, const std::string& file) {
  const auto path = testing::ReferenceData() / "golden" / model / file;
  GoldenRows rows;
  rows.boxes = LoadNpz(path, "boxes_yxyx").floats;
  rows.scores = LoadNpz(path, "scores").floats;
  rows.classes = LoadNpz(path, "classes0").integers;
  rows.count = static_cast<int64_t>(rows.scores.size());
  if (file.find("plugin") != std::string::npos)
    rows.count = LoadNpz(path, "num_detections").integers.at(0);
  return rows;
}

Tensors NmsTensors(const GoldenRows& rows, const std::string& suffix = "") {
  Tensors tensors;
  const auto m = static_cast<uint32_t>(rows.scores.size());
  // The order is not the contract's: names decide.
  tensors.Add("detection_classes" + suffix, DataType::kInt32, {m}, As<int32_t>(rows.classes))
      .Add("detection_boxes" + suffix, DataType::kFloat, {m, 4}, rows.boxes)
      .Add("num_detections" + suffix, DataType::kInt32, {1}, As<int32_t>({rows.count}))
      .Add("detection_scores" + suffix, DataType::kFloat, {m}, rows.scores);
  return tensors;
}

TEST(ParserLibrary, GoldenEfficientNmsTensorsBecomeTheirObjects) {
  EDET_SKIP_WITHOUT("golden/d0/golden_plugin_t0.4_fp32.npz");
  for (const char* threshold : {"0.05", "0.4", "0.9"}) {
    for (const char* kind : {"_fp32.npz", "_fp32_agnostic.npz", "_fp16.npz"}) {
      for (const auto& [model, size] : {std::pair("d0", 512U), std::pair("lite0", 320U)}) {
        const GoldenRows rows =
            LoadPlugin(model, std::string("golden_plugin_t") + threshold + kind);
        const auto expected = Expected(rows, 0.5F, static_cast<float>(size));
        for (const char* function :
             {"NvDsInferParseEfficientDet", "NvDsInferParseEfficientDetNms"}) {
          ExpectSame(Parse(function, NmsTensors(rows), Classes(90, 0.5F), size, size), expected);
          ExpectSame(Parse(function, NmsTensors(rows, ":0"), Classes(90, 0.5F), size, size),
                     expected);
        }
      }
    }
  }
}

TEST(ParserLibrary, GoldenNumPyEfficientNmsTensorsBecomeTheirObjects) {
  EDET_SKIP_WITHOUT("golden/d0/golden_effnms_t0.4.npz");
  const GoldenRows rows = LoadPlugin("d0", "golden_effnms_t0.4.npz");
  const auto expected = Expected(rows, 0.4F, 512.F);
  ASSERT_GT(expected.size(), 90u);
  ExpectSame(Parse("NvDsInferParseEfficientDetNms", NmsTensors(rows), Classes(90, 0.4F)), expected);
}

// Golden rows are in pixels of the photo; the contract's are in network pixels.
GoldenRows LoadRows(const std::string& model, const std::string& file, std::vector<float>* tensor) {
  const auto folder = testing::ReferenceData() / "golden" / model;
  const float scale = LoadNpy(folder / "golden_scale.npy").floats.at(0);
  *tensor = LoadNpy(folder / file).floats;
  GoldenRows rows;
  for (size_t i = 0; i < tensor->size(); i += 7) {
    for (size_t k = 1; k <= 4; ++k) (*tensor)[i + k] /= scale;
    const float* row = tensor->data() + i;
    if (row[5] == 0.F) continue;
    rows.boxes.insert(rows.boxes.end(), row + 1, row + 5);
    rows.scores.push_back(row[5]);
    rows.classes.push_back(static_cast<int64_t>(row[6]) - 1);
    ++rows.count;
  }
  return rows;
}

TEST(ParserLibrary, GoldenAutoMlRowsBecomeTheirObjects) {
  EDET_SKIP_WITHOUT("golden/d0/golden_detections_global_hard_t0.9.npy");
  for (const auto& [model, size] : {std::pair("d0", 512U), std::pair("lite0", 320U)}) {
    for (const char* file :
         {"golden_detections_global_hard_t0.05.npy", "golden_detections_global_hard_t0.4.npy",
          "golden_detections_global_hard_t0.9.npy", "golden_detections_combined_t0.4.npy",
          "golden_detections_global_gaussian_default.npy"}) {
      std::vector<float> tensor;
      const GoldenRows rows = LoadRows(model, file, &tensor);
      const auto expected = Expected(rows, 0.F, static_cast<float>(size));
      for (const char* function :
           {"NvDsInferParseEfficientDet", "NvDsInferParseEfficientDetRows"}) {
        Tensors tensors;
        tensors.Add("detections:0", DataType::kFloat, {100, 7}, tensor);
        // Threshold 0: the padding (score 0, box and class of anchor 0) must not show.
        ExpectSame(Parse(function, tensors, Classes(90, 0.F), size, size), expected);
      }
      Tensors unnamed;
      unnamed.Add("Identity:0", DataType::kFloat, {1, 100, 7}, tensor);
      ExpectSame(Parse("NvDsInferParseEfficientDet", unnamed, Classes(90, 0.F), size, size),
                 expected);
    }
  }
}

// One row of every thing, for odd inputs.
GoldenRows OneRow(std::vector<float> box = {10, 20, 30, 60}, float score = .75F,
                  int64_t class_id = 2) {
  GoldenRows rows;
  rows.boxes = std::move(box);
  rows.scores = {score};
  rows.classes = {class_id};
  rows.count = 1;
  return rows;
}

std::vector<NetworkObject> ParseNms(const GoldenRows& rows, size_t classes = 3,
                                    float threshold = 0.5F) {
  return Parse("NvDsInferParseEfficientDetNms", NmsTensors(rows), Classes(classes, threshold));
}

TEST(ParserLibrary, EveryTypeOfEveryTensorIsRead) {
  const NetworkObject expected{2, 20.F, 10.F, 40.F, 20.F, .75F};
  const auto check = [&](const Tensors& tensors,
                         const char* function = "NvDsInferParseEfficientDet") {
    ExpectSame(Parse(function, tensors, Classes(3, 0.5F)), {expected});
  };
  const std::vector<float> box = {10, 20, 30, 60}, score = {.75F};
  Tensors half;
  half.Add("num_detections", DataType::kHalf, {1}, ToHalves({1.F}))
      .Add("detection_boxes", DataType::kHalf, {1, 4}, ToHalves(box))
      .Add("detection_scores", DataType::kHalf, {1}, ToHalves(score))
      .Add("detection_classes", DataType::kHalf, {1}, ToHalves({2.F}));
  // A count that is no whole number's type is TensorFlow's, unless the function says otherwise.
  check(half, "NvDsInferParseEfficientDetNms");
  Tensors wide;
  wide.Add("StatefulPartitionedCall/num_detections:0", DataType::kInt64, {1},
           std::vector<int64_t>{1})
      .Add("a/b/detection_boxes:1", DataType::kFloat, {1, 4}, box)
      .Add("detection_scores", DataType::kFloat, {1}, score)
      .Add("detection_classes", DataType::kInt64, {1}, std::vector<int64_t>{2});
  check(wide);
  Tensors floats;
  floats.Add("num_dets", DataType::kFloat, {1}, std::vector<float>{1.F})
      .Add("detection_boxes_xyxy", DataType::kFloat, {1, 4}, std::vector<float>{20, 10, 60, 30})
      .Add("detection_scores", DataType::kFloat, {1}, score)
      .Add("detection_classes", DataType::kFloat, {1}, std::vector<float>{2.F});
  check(floats);
  Tensors bytes;
  bytes.Add("num_detections", DataType::kUint8, {1}, std::vector<uint8_t>{1})
      .Add("detection_boxes", DataType::kFloat, {1, 4}, box)
      .Add("detection_scores", DataType::kFloat, {1}, score)
      .Add("detection_classes", DataType::kInt8, {1}, std::vector<int8_t>{2});
  check(bytes);
}

TEST(ParserLibrary, ThresholdsArePerClass) {
  GoldenRows rows;
  for (int c = 0; c < 3; ++c) {
    rows.boxes.insert(rows.boxes.end(), {10, 20, 30, 60});
    rows.scores.push_back(.5F);
    rows.classes.push_back(c);
  }
  rows.count = 3;
  auto classes = Classes(3, 0.F);
  classes[0].pre_cluster_threshold = 0.6F;
  classes[1].pre_cluster_threshold = 0.5F;
  const auto found = Parse("NvDsInferParseEfficientDet", NmsTensors(rows), classes);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].class_index, 1u);  // at the threshold is in, as for nvinfer
  EXPECT_EQ(found[1].class_index, 2u);
}

TEST(ParserLibrary, RowsThatMeanNothingAreDroppedAndTheRestStays) {
  const CustomLibrary stays_loaded = Library("NvDsInferParseEfficientDet");  // as in DeepStream
  GoldenRows rows = OneRow();
  const auto add = [&rows](std::vector<float> box, float score, int64_t class_id) {
    rows.boxes.insert(rows.boxes.end(), box.begin(), box.end());
    rows.scores.push_back(score);
    rows.classes.push_back(class_id);
    ++rows.count;
  };
  add({kNan, 20, 30, 60}, .75F, 2);
  add({10, 20, kInfinity, 60}, .75F, 2);
  add({10, 20, 30, 60}, kNan, 2);
  add({10, 20, 30, 60}, 7.F, 2);
  add({10, 20, 30, 60}, -.5F, 2);
  add({10, 20, 30, 60}, .75F, 3);
  add({10, 20, 30, 60}, .75F, -1);
  add({30, 20, 10, 60}, .75F, 2);
  add({10, 20, 10, 60}, .75F, 2);
  add({600, 600, 700, 700}, .75F, 2);
  add({-9, -8, 900, 900}, .75F, 1);
  ::testing::internal::CaptureStderr();
  const auto found = ParseNms(rows);
  const std::string said = ::testing::internal::GetCapturedStderr();
  ExpectSame(found, {{2, 20.F, 10.F, 40.F, 20.F, .75F}, {1, 0.F, 0.F, 512.F, 512.F, .75F}});
  EXPECT_THAT(said, ::testing::HasSubstr("class 3"));
  EXPECT_THAT(said, ::testing::HasSubstr("NaN or infinite"));
  EXPECT_THAT(said, ::testing::HasSubstr("no probability"));
  ::testing::internal::CaptureStderr();
  ParseNms(rows);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "")
      << "each cause is told once, not at every frame";
}

TEST(ParserLibrary, CountsAreBoundedByTheTensors) {
  GoldenRows rows = OneRow();
  for (int64_t count : {int64_t{-1}, int64_t{0}}) {
    rows.count = count;
    EXPECT_EQ(ParseNms(rows).size(), 0u) << count;
  }
  rows.count = 2000000000;
  EXPECT_EQ(ParseNms(rows).size(), 1u);
  Tensors short_scores;
  short_scores.Add("num_detections", DataType::kInt32, {1}, std::vector<int32_t>{3})
      .Add("detection_boxes", DataType::kFloat, {3, 4}, std::vector<float>(12, 5.F))
      .Add("detection_scores", DataType::kFloat, {0}, std::vector<float>())
      .Add("detection_classes", DataType::kInt32, {3}, std::vector<int32_t>(3));
  EXPECT_EQ(Parse("NvDsInferParseEfficientDet", short_scores, Classes(3, 0.F)).size(), 0u);
}

TEST(ParserLibrary, OddLayersYieldNothing) {
  for (const char* function :
       {"NvDsInferParseEfficientDet", "NvDsInferParseEfficientDetNms",
        "NvDsInferParseEfficientDetTao", "NvDsInferParseEfficientDetTensorFlow",
        "NvDsInferParseEfficientDetRows", "NvDsInferParseEfficientDetDecoded",
        "NvDsInferParseEfficientDetRaw"}) {
    EXPECT_EQ(Parse(function, Tensors(), Classes(3, 0.F)).size(), 0u);
    Tensors other;
    other.Add("logits", DataType::kFloat, {1000}, std::vector<float>(1000));
    EXPECT_EQ(Parse(function, other, Classes(3, 0.F)).size(), 0u);
    Tensors null = NmsTensors(OneRow());
    for (OutputTensor& output : null.outputs) output.data = nullptr;
    EXPECT_EQ(Parse(function, null, Classes(3, 0.F)).size(), 0u);
    Tensors wrong_type = NmsTensors(OneRow());
    for (OutputTensor& output : wrong_type.outputs) output.type = static_cast<DataType>(77);
    EXPECT_EQ(Parse(function, wrong_type, Classes(3, 0.F)).size(), 0u);
    EXPECT_EQ(Parse(function, NmsTensors(OneRow()), Classes(3, 0.F), 0, 0).size(), 0u);
    EXPECT_EQ(Parse(function, NmsTensors(OneRow()), {}).size(), 0u);
  }
}

// The host's own call: null names, short threshold vectors, the record that the host was compiled
// with.
TEST(ParserLibrary, WritesTheRecordsOfThisHost) {
  void* library = dlopen(EDET_PARSER_LIBRARY, RTLD_LAZY);
  ASSERT_NE(library, nullptr) << dlerror();
  struct Layer {
    int type;
    unsigned num_dims, d[8], num_elements;
    int binding;
    const char* name;
    const void* buffer;
    int is_input;
  };
  struct Network {
    unsigned width, height, channels;
  } network{512, 512, 3};
  struct Params {
    unsigned classes;
    std::vector<float> pre, post;
    std::vector<float>& threshold;
  };
  std::vector<float> unused;
  Params params{90, {}, {}, unused};
  std::vector<float> rows;
  for (int i = 0; i < 7; ++i) {
    const auto shift = static_cast<float>(i);
    rows.insert(rows.end(), {0.F, 10.F + shift, 20.F, 30.F + shift, 60.F, .5F, 1.F + shift});
  }
  const std::vector<Layer> layers = {{0, 1, {3}, 3, 0, nullptr, rows.data(), 0},
                                     {0, 2, {7, 7}, 49, 1, "detections", rows.data(), 0}};
  using Function =
      bool (*)(const std::vector<Layer>&, const Network&, const Params&, std::vector<HostObject>&);
  auto function = reinterpret_cast<Function>(dlsym(library, "NvDsInferParseEfficientDet"));
  ASSERT_NE(function, nullptr);
  std::vector<HostObject> objects;
  EXPECT_TRUE(function(layers, network, params, objects));
  ASSERT_EQ(objects.size(), 7u);
  for (unsigned i = 0; i < 7; ++i) {
    EXPECT_EQ(objects[i].class_id, i);
    EXPECT_EQ(objects[i].top, 10.F + static_cast<float>(i));
    EXPECT_EQ(objects[i].width, 40.F);
#ifdef EDET_HOST_28
    EXPECT_EQ(objects[i].rotation_angle, 0.F);
#endif
  }
  dlclose(library);
}

// Any rows at all against the checks written one by one.
TEST(ParserLibrary, RandomRowsPassTheChecksOfAPlainLoop) {
  const CustomLibrary stays_loaded = Library("NvDsInferParseEfficientDet");
  std::mt19937 random(3);
  const auto odd = [&random](float usual) {
    static const float kOdd[] = {kNan, kInfinity, -kInfinity, -0.F, 0.F,
                                 1.F,  1.001F,    1.002F,     3e38F};
    return random() % 12 == 0 ? kOdd[random() % 9] : usual;
  };
  const auto number = [&random](float low, float high) {
    return std::uniform_real_distribution<float>(low, high)(random);
  };
  for (int round = 0; round < 300; ++round) {
    GoldenRows rows;
    rows.count = static_cast<int64_t>(random() % 400);  // more than go to the list at once
    for (int64_t i = 0; i < rows.count; ++i) {
      for (int k = 0; k < 4; ++k) rows.boxes.push_back(odd(number(-90.F, 700.F)));
      rows.scores.push_back(odd(number(-.2F, 1.1F)));
      rows.classes.push_back(static_cast<int64_t>(random() % 14) - 2);
    }
    auto classes = Classes(10, 0.F);
    for (auto& c : classes) c.pre_cluster_threshold = number(0.F, .6F);
    std::vector<NetworkObject> expected;
    for (size_t i = 0; i < rows.scores.size(); ++i) {
      const float* b = &rows.boxes[4 * i];
      const int64_t c = rows.classes[i];
      const float score = rows.scores[i];
      if (c < 0 || c >= 10 || !(score >= 0.F) || score > 1.001F) continue;
      if (score < classes[static_cast<size_t>(c)].pre_cluster_threshold) continue;
      if (!std::all_of(b, b + 4, [](float x) { return std::isfinite(x); })) continue;
      const auto clip = [](float x) { return std::fmin(std::fmax(x, 0.F), 512.F); };
      const float w = clip(b[3]) - clip(b[1]), h = clip(b[2]) - clip(b[0]);
      if (w <= 0.F || h <= 0.F) continue;
      expected.push_back({static_cast<unsigned>(c), clip(b[1]), clip(b[0]), w, h, score});
    }
    ExpectSame(Parse("NvDsInferParseEfficientDet", NmsTensors(rows), classes), expected);
  }
}

// Raw heads of a small network whose classes are all far below any threshold but for a few anchors.
TEST(ParserLibrary, RawAndDecodedHeadsAreSuppressedAsAutoMlDoes) {
  detect::AnchorConfig config;
  config.image_width = config.image_height = 128;
  const std::vector<float> anchors = detect::MakeAnchors(config);
  const auto count = static_cast<uint32_t>(anchors.size() / 4);
  std::vector<float> logits(count * 11U, -9.F), deltas(anchors.size(), 0.F);
  const size_t middle = 9 * (8 * 16 + 8);  // level 3, row 8, column 8
  logits[middle * 11 + 4] = 3.F;
  logits[middle * 11 + 7] = 2.F;  // another class of the same anchor: AutoML keeps the best only
  logits[(middle + 9) * 11 + 5] = 1.F;  // its neighbour overlaps 0.6: suppressed whatever the class
  logits[(middle + 90) * 11 + 6] = 0.F;  // far enough
  const detect::BoxNet box = detect::DecodeBox(&deltas[4 * middle], &anchors[4 * middle]);
  Tensors raw;
  raw.Add("class_logits", DataType::kFloat, {count, 11}, logits)
      .Add("box_deltas", DataType::kFloat, {count, 4}, deltas);
  const auto found = Parse("NvDsInferParseEfficientDet", raw, Classes(11, 0.4F), 128, 128);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].class_index, 4u);
  EXPECT_EQ(found[1].class_index, 6u);
  EXPECT_NEAR(found[0].confidence, 0.9525741F, 1e-6F);
  EXPECT_NEAR(found[0].left, box.left, 1e-3F);
  EXPECT_NEAR(found[0].height, box.bottom - box.top, 1e-3F);
  std::vector<float> scores;
  for (float logit : logits) scores.push_back(detect::Sigmoid(logit));
  Tensors decoded;
  decoded.Add("scores", DataType::kFloat, {count, 11}, scores)
      .Add("boxes", DataType::kFloat, {count, 4}, anchors);
  ExpectSame(Parse("NvDsInferParseEfficientDetDecoded", decoded, Classes(11, 0.4F), 128, 128),
             found);
  // Anchors that do not belong to the network's size.
  EXPECT_EQ(Parse("NvDsInferParseEfficientDetRaw", raw, Classes(11, 0.4F), 256, 128).size(), 0u);
}

// Values of four tensors as TensorFlow's object-detection API has them.
Tensors TensorFlowTensors(const GoldenRows& rows, float size, bool half) {
  std::vector<float> boxes = rows.boxes, classes;
  for (float& value : boxes) value /= size;
  for (int64_t c : rows.classes) classes.push_back(static_cast<float>(c + 1));
  const std::vector<float> count = {static_cast<float>(rows.count)};
  const auto m = static_cast<uint32_t>(rows.scores.size());
  Tensors tensors;
  const auto add = [&](const char* name, std::vector<uint32_t> dims, const std::vector<float>& v) {
    if (half) {
      tensors.Add(name, DataType::kHalf, std::move(dims), ToHalves(v));
    } else {
      tensors.Add(name, DataType::kFloat, std::move(dims), v);
    }
  };
  add("raw_detection_boxes", {m, 4}, rows.boxes);
  add("detection_classes:0", {m}, classes);
  add("detection_boxes:0", {m, 4}, boxes);
  add("num_detections:0", {1}, count);
  add("detection_scores:0", {m}, rows.scores);
  return tensors;
}

TEST(ParserLibrary, TensorFlowsFloatTensorsAreNormalisedAndCountClassesFromOne) {
  EDET_SKIP_WITHOUT("golden/d0/golden_plugin_t0.4_fp32.npz");
  for (const auto& [model, size] : {std::pair("d0", 512.F), std::pair("lite0", 320.F)}) {
    const auto side = static_cast<uint32_t>(size);
    GoldenRows rows = LoadPlugin(model, "golden_plugin_t0.4_fp32.npz");
    const auto expected = Expected(rows, 0.5F, size);
    ASSERT_GT(expected.size(), 5u);
    for (const char* function :
         {"NvDsInferParseEfficientDet", "NvDsInferParseEfficientDetTensorFlow"}) {
      ExpectSame(
          Parse(function, TensorFlowTensors(rows, size, false), Classes(90, 0.5F), side, side),
          expected);
      const auto half =
          Parse(function, TensorFlowTensors(rows, size, true), Classes(90, 0.45F), side, side);
      ExpectSame(half, Expected(rows, 0.45F, size), 0.6F, 5e-4F);
    }
    // A host before TensorRT 8.6 hands the count [N] without an element.
    Tensors no_count = TensorFlowTensors(rows, size, false);
    no_count.outputs[3].dims = {0};
    ExpectSame(Parse("NvDsInferParseEfficientDet", no_count, Classes(90, 0.5F), side, side),
               expected);
  }
}

TEST(ParserLibrary, HalfTensorsOfTheFp16PluginGiveItsObjects) {
  EDET_SKIP_WITHOUT("golden/d0/golden_plugin_t0.4_fp16.npz");
  for (const auto& [model, size] : {std::pair("d0", 512U), std::pair("lite0", 320U)}) {
    for (const char* file : {"golden_plugin_t0.4_fp16.npz", "golden_plugin_t0.4_fp16_agnostic.npz",
                             "golden_plugin_t0.9_fp16.npz", "golden_plugin_t0.05_fp16.npz"}) {
      const GoldenRows rows = LoadPlugin(model, file);
      const auto m = static_cast<uint32_t>(rows.scores.size());
      Tensors tensors;
      tensors.Add("num_detections", DataType::kInt32, {1}, As<int32_t>({rows.count}))
          .Add("detection_boxes", DataType::kHalf, {m, 4}, ToHalves(rows.boxes))
          .Add("detection_scores", DataType::kHalf, {m}, ToHalves(rows.scores))
          .Add("detection_classes", DataType::kInt32, {m}, As<int32_t>(rows.classes));
      // The plugin's numbers are halves already: not a bit is lost.
      ExpectSame(Parse("NvDsInferParseEfficientDet", tensors, Classes(90, 0.F), size, size),
                 Expected(rows, 0.F, static_cast<float>(size)));
    }
  }
}

TEST(ParserLibrary, NamesTellOrderAndUnitOfBoxes) {
  const NetworkObject expected{2, 20.F, 10.F, 40.F, 20.F, .75F};
  struct Case {
    const char* name;
    std::vector<float> box;
  };
  for (const Case& c :
       {Case{"detection_boxes_yxyx", {10, 20, 30, 60}}, Case{"det_boxes", {20, 10, 60, 30}},
        Case{"det_boxes_yxyx", {10, 20, 30, 60}}, Case{"detection_boxes_xywh", {20, 10, 40, 20}},
        Case{"x/detection_boxes_xyxy_normalized:0", {.1F, .1F, .3F, .3F}},
        Case{"detection_boxes_normalized_xyxy", {.1F, .1F, .3F, .3F}},
        Case{"detection_boxes_normalized", {.1F, .1F, .3F, .3F}}}) {
    Tensors tensors;
    tensors.Add("num_detections", DataType::kInt32, {1}, std::vector<int32_t>{1})
        .Add(c.name, DataType::kFloat, {1, 4}, c.box)
        .Add("detection_scores", DataType::kFloat, {1}, std::vector<float>{.75F})
        .Add("detection_classes", DataType::kInt32, {1}, std::vector<int32_t>{2});
    SCOPED_TRACE(c.name);
    ExpectSame(Parse("NvDsInferParseEfficientDet", tensors, Classes(3, 0.5F), 200, 100), {expected},
               1e-4F);
  }
  for (const Case& c : {Case{"detections_xyxy", {0, 20, 10, 60, 30, .75F, 3}},
                        Case{"detections_xywh", {0, 20, 10, 40, 20, .75F, 3}},
                        Case{"detections", {0, 10, 20, 30, 60, .75F, 3}}}) {
    Tensors tensors;
    tensors.Add(c.name, DataType::kHalf, {1, 7}, ToHalves(c.box));
    SCOPED_TRACE(c.name);
    ExpectSame(Parse("NvDsInferParseEfficientDet", tensors, Classes(3, 0.5F), 200, 100),
               {expected});
  }
}

TEST(ParserLibrary, SevenColumnsBesideOtherTensorsAreNotRows) {
  Tensors tensors;
  tensors.Add("a", DataType::kFloat, {9, 7}, std::vector<float>(63, 1.F))
      .Add("b", DataType::kFloat, {9, 4}, std::vector<float>(36, 1.F));
  EXPECT_EQ(Parse("NvDsInferParseEfficientDet", tensors, Classes(7, 0.F)).size(), 0u);
}

// Heads of a network of 128 x 96 pixels with 4 levels (4 to 7), 2 octaves and 2 aspect ratios.
struct SmallHeads {
  static constexpr uint32_t kClasses = 5;
  detect::AnchorConfig config;
  std::vector<float> anchors, logits, deltas;

  SmallHeads() {
    config.image_width = 128;
    config.image_height = 96;
    config.min_level = 4;
    config.num_scales = 2;
    config.anchor_scales = {3.F};
    config.aspect_ratios = {1.F, detect::AspectRatio(1.5F, 0.5F)};
    anchors = detect::MakeAnchors(config);
    uint32_t state = 7;
    const auto random = [&state] {
      state = state * 1664525U + 1013904223U;
      return static_cast<float>(state >> 8) / 16777216.F;
    };
    for (size_t i = 0; i < anchors.size() / 4 * kClasses; ++i)
      logits.push_back(std::floor(random() * 512.F) / 64.F - 7.F);
    for (size_t i = 0; i < anchors.size(); ++i)
      deltas.push_back(std::floor(random() * 64.F) / 128.F - 0.25F);
  }
  uint32_t count() const { return static_cast<uint32_t>(anchors.size() / 4); }

  Tensors Concatenated(bool half, const std::string& boxes) const {
    Tensors tensors;
    Add(&tensors, "class_logits", {count(), kClasses}, logits, half);
    Add(&tensors, boxes, {count(), 4}, deltas, half);
    return tensors;
  }

  // [H, W, 4 * k] or [4 * k, H, W] for each level, the smallest level first.
  Tensors Levels(bool half, bool channels_first) const {
    Tensors tensors;
    const auto sizes = detect::FeatureSizes(config);
    size_t end = count();
    for (size_t i = sizes.size(); i-- > 0;) {
      const auto h = static_cast<uint32_t>(sizes[i].height);
      const auto w = static_cast<uint32_t>(sizes[i].width);
      const size_t cells = size_t{h} * w;
      end -= cells * 4;
      const auto add = [&](const std::string& name, const std::vector<float>& values, uint32_t k) {
        std::vector<float> part(values.begin() + static_cast<long>(end * k),
                                values.begin() + static_cast<long>((end + cells * 4) * k));
        if (channels_first) part = ChannelsFirst(part, cells);
        Add(&tensors, name,
            channels_first ? std::vector<uint32_t>{4 * k, h, w}
                           : std::vector<uint32_t>{h, w, 4 * k},
            part, half);
      };
      const std::string number = i == 0 ? "" : "_" + std::to_string(i);
      add("box_net/box-predict" + number + "/BiasAdd:0", deltas, 4);
      add("class_net/class-predict" + number + "/BiasAdd:0", logits, kClasses);
    }
    return tensors;
  }

  static std::vector<float> ChannelsFirst(const std::vector<float>& values, size_t cells) {
    const size_t channels = values.size() / cells;
    std::vector<float> turned(values.size());
    for (size_t cell = 0; cell < cells; ++cell) {
      for (size_t c = 0; c < channels; ++c) turned[c * cells + cell] = values[cell * channels + c];
    }
    return turned;
  }

  static void Add(Tensors* tensors, const std::string& name, const std::vector<uint32_t>& dims,
                  const std::vector<float>& values, bool half) {
    if (half) {
      tensors->Add(name, DataType::kHalf, dims, ToHalves(values));
    } else {
      tensors->Add(name, DataType::kFloat, dims, values);
    }
  }
};

TEST(ParserLibrary, EightThreadsGetTheSameObjects) {
  const CustomLibrary stays_loaded = Library("NvDsInferParseEfficientDet");
  const Tensors tensors = NmsTensors(OneRow());
  const SmallHeads heads;  // each thread makes anchors of its own
  const Tensors raw = heads.Concatenated(false, "box_deltas__a3_s2_r1-1.5x0.5_l4");
  const auto raw_objects =
      Parse("NvDsInferParseEfficientDet", raw, Classes(SmallHeads::kClasses, .5F), 128, 96).size();
  ASSERT_GT(raw_objects, 10u);
  std::vector<std::thread> threads;
  std::vector<int> right(8, 0);
  for (size_t t = 0; t < right.size(); ++t) {
    threads.emplace_back([&, t] {
      CustomLibrary library = Library("NvDsInferParseEfficientDet");
      for (int i = 0; i < 300; ++i) {
        bool returned = false;
        right[t] += library.Parse(tensors.outputs, 512, 512, Classes(3, .5F), returned).size() == 1;
        library.Parse({}, 512, 512, {}, returned);
        const auto of_raw =
            library.Parse(raw.outputs, 128, 96, Classes(SmallHeads::kClasses, .5F), returned);
        right[t] += of_raw.size() == raw_objects;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, std::vector<int>(8, 600));
}

TEST(ParserLibrary, EveryLayoutOfRawHeadsGivesTheSameObjects) {
  const SmallHeads heads;
  // What the rooms of this project compute from the anchors of the model.
  std::vector<float> best;
  std::vector<int> classes;
  detect::BestClass(heads.logits.data(), heads.count(), SmallHeads::kClasses, &best, &classes);
  for (float& value : best) value = detect::Sigmoid(value);
  const auto boxes = detect::DecodeBoxes(heads.deltas.data(), heads.anchors.data(), heads.count());
  detect::NmsOptions options;
  options.score_threshold = 0.5F;
  std::vector<NetworkObject> expected;
  for (const detect::Detection& d :
       detect::GlobalNms({boxes.data(), best.data(), classes.data(), heads.count()}, options)) {
    const detect::BoxNet box = detect::Clip(d.box, 128.F, 96.F);
    if (box.right <= box.left || box.bottom <= box.top) continue;
    expected.push_back({static_cast<unsigned>(d.class_index), box.left, box.top,
                        box.right - box.left, box.bottom - box.top, d.score});
  }
  ASSERT_GT(expected.size(), 10u);
  const auto parse = [](const Tensors& tensors) {
    return Parse("NvDsInferParseEfficientDet", tensors, Classes(SmallHeads::kClasses, 0.501F), 128,
                 96);
  };
  const std::string named = "box_deltas__a3_s2_r1-1.5x0.5_l4";
  for (bool half : {false, true}) {
    ExpectSame(parse(heads.Concatenated(half, named)), expected);
    for (bool channels_first : {false, true}) {
      Tensors levels = heads.Levels(half, channels_first);
      for (OutputTensor& output : levels.outputs) {
        if (output.name.find("box") != std::string::npos) output.name = named;
      }
      SCOPED_TRACE(channels_first ? "channels first" : "channels last");
      ExpectSame(parse(levels), expected);
    }
  }
  // Without the model's anchors in a name there is no set of levels that fits.
  EXPECT_EQ(parse(heads.Concatenated(false, "box_deltas")).size(), 0u);
  EXPECT_EQ(parse(heads.Levels(false, false)).size(), 0u);
  EXPECT_EQ(parse(heads.Concatenated(false, "box_deltas__a3_s2_r1-1.5x_l4")).size(), 0u);
}

TEST(ParserLibrary, GoldenDecodedBoxesGiveTheSavedModelsDetections) {
  EDET_SKIP_WITHOUT("golden/d0/golden_prenms_scores.npy");
  const auto folder = testing::ReferenceData() / "golden/d0";
  const auto best = LoadNpy(folder / "golden_prenms_scores.npy").floats;
  const auto classes = LoadNpy(folder / "golden_prenms_classes.npy").integers;
  // Only the best class of each anchor is in the reference data; the others do not matter to
  // AutoML's semantics.
  std::vector<float> scores(best.size() * 90, 0.F);
  for (size_t a = 0; a < best.size(); ++a)
    scores[a * 90 + static_cast<size_t>(classes[a])] = best[a];
  Tensors tensors;
  tensors
      .Add("boxes", DataType::kFloat, {49104, 4},
           LoadNpy(folder / "golden_prenms_boxes_yxyx.npy").floats)
      .Add("scores", DataType::kFloat, {49104, 90}, scores);
  for (const auto& [file, threshold] :
       {std::pair("golden_detections_global_hard_t0.05.npy", 0.05F),
        std::pair("golden_detections_global_hard_t0.4.npy", 0.4F),
        std::pair("golden_detections_global_hard_t0.9.npy", 0.9F)}) {
    std::vector<float> ignored;
    const auto expected = Expected(LoadRows("d0", file, &ignored), 0.F, 512.F);
    ExpectSame(Parse("NvDsInferParseEfficientDet", tensors, Classes(90, threshold)), expected);
  }
}

// A copy of the library, loaded with these variables in its environment and this file of options
// beside it: it reads them once, when it is loaded.
class LibraryWithOptions {
 public:
  using Variables = std::vector<std::pair<std::string, std::string>>;
  explicit LibraryWithOptions(const Variables& variables, const std::string& file = "")
      : copy_(folder_.path() / "libnvdsinfer_copy.so") {
    std::filesystem::copy_file(EDET_PARSER_LIBRARY, copy_);
    if (!file.empty()) std::ofstream(folder_.path() / "libnvdsinfer_copy.conf") << file;
    for (const auto& [key, value] : variables) setenv(key.c_str(), value.c_str(), 1);
    stays_loaded_ = dlopen(copy_.c_str(), RTLD_NOW);
    for (const auto& [key, value] : variables) unsetenv(key.c_str());
    EXPECT_NE(stays_loaded_, nullptr) << dlerror();
  }
  ~LibraryWithOptions() {
    if (stays_loaded_ != nullptr) dlclose(stays_loaded_);
  }
  LibraryWithOptions(const LibraryWithOptions&) = delete;
  LibraryWithOptions& operator=(const LibraryWithOptions&) = delete;

  std::vector<NetworkObject> Parse(const std::string& function, const Tensors& tensors,
                                   const std::vector<ClassAttributes>& classes, uint32_t width,
                                   uint32_t height) const {
    auto library = CustomLibrary::Open(copy_, function);
    if (!library.ok()) {
      ADD_FAILURE() << library.error().ToString();
      return {};
    }
    bool returned = false;
    auto objects = library.value().Parse(tensors.outputs, width, height, classes, returned);
    EXPECT_TRUE(returned);
    return objects;
  }

 private:
  testing::TemporaryDirectory folder_;
  std::filesystem::path copy_;
  void* stays_loaded_ = nullptr;
};

// Anchors that fit no family member: nothing is found unless they are told.
TEST(ParserLibrary, OptionsFileBesideTheLibraryTellsTheAnchors) {
  const SmallHeads heads;
  const Tensors tensors = heads.Concatenated(false, "box_deltas");
  const auto count = [&](const LibraryWithOptions& library) {
    return library
        .Parse("NvDsInferParseEfficientDet", tensors, Classes(SmallHeads::kClasses, 0.501F), 128,
               96)
        .size();
  };
  const std::string anchors = "EDET_PARSER_ANCHORS=a3_s2_r1-1.5x0.5_l4";
  const size_t expected = Parse("NvDsInferParseEfficientDet",
                                heads.Concatenated(false, "box_deltas__a3_s2_r1-1.5x0.5_l4"),
                                Classes(SmallHeads::kClasses, 0.501F), 128, 96)
                              .size();
  ASSERT_GT(expected, 10U);
  EXPECT_EQ(count(LibraryWithOptions({})), 0U);
  EXPECT_EQ(count(LibraryWithOptions({}, "# a comment\r\n\n " + anchors + " \r\n")), expected);
  EXPECT_EQ(count(LibraryWithOptions({}, "no option\n=\nEDET_PARSER_ANCHOR=1\n" + anchors)),
            expected);
  EXPECT_EQ(count(LibraryWithOptions({}, std::string(600, 'x') + "\n" + anchors)), expected);
  EXPECT_EQ(count(LibraryWithOptions({}, "EDET_PARSER_ANCHORS=none")), 0U);
  EXPECT_EQ(count(LibraryWithOptions({{"EDET_PARSER_ANCHORS", "a3_s2_r1-1.5x0.5_l4"}},
                                     "EDET_PARSER_ANCHORS=a4")),
            expected);
}

TEST(ParserLibrary, OptionsTellWhatNamesDoNot) {
  const NetworkObject expected{2, 20.F, 10.F, 40.F, 20.F, .75F};
  const auto tensors = [](std::vector<float> box, int class_id) {
    Tensors made;
    made.Add("num_detections", DataType::kInt32, {1}, std::vector<int32_t>{1})
        .Add("detection_boxes", DataType::kFloat, {1, 4}, box)
        .Add("detection_scores", DataType::kFloat, {1}, std::vector<float>{.75F})
        .Add("detection_classes", DataType::kHalf, {1},
             std::vector<uint16_t>{static_cast<uint16_t>(class_id)});
    return made;
  };
  const LibraryWithOptions corners(
      LibraryWithOptions::Variables{{"EDET_PARSER_BOXES", "xyxy,normalized"},
                                    {"EDET_PARSER_CLASS_BASE", "1"},
                                    {"EDET_PARSER_INT16", "1"}});
  ExpectSame(corners.Parse("NvDsInferParseEfficientDet", tensors({.1F, .1F, .3F, .3F}, 3),
                           Classes(3, .5F), 200, 100),
             {expected}, 1e-4F);
  const LibraryWithOptions sizes(LibraryWithOptions::Variables{
      {"EDET_PARSER_BOXES", "xywh"}, {"EDET_PARSER_INT16", "1"}, {"EDET_PARSER_CONTRACT", "tao"}});
  ExpectSame(sizes.Parse("NvDsInferParseEfficientDet", tensors({20, 10, 40, 20}, 2),
                         Classes(3, .5F), 200, 100),
             {expected});
}

// Decoded boxes and scores of every anchor; only its best class has a score, which is all that
// AutoML's semantics look at.
struct GoldenAnchors {
  std::vector<float> boxes, best, scale;
  std::vector<int64_t> classes;
  explicit GoldenAnchors(const std::string& model) {
    const auto folder = testing::ReferenceData() / "golden" / model;
    boxes = LoadNpy(folder / "golden_prenms_boxes_yxyx.npy").floats;
    best = LoadNpy(folder / "golden_prenms_scores.npy").floats;
    classes = LoadNpy(folder / "golden_prenms_classes.npy").integers;
    scale = LoadNpy(folder / "golden_scale.npy").floats;
  }
  Tensors Decoded() const {
    std::vector<float> scores(best.size() * 90, 0.F);
    for (size_t a = 0; a < best.size(); ++a)
      scores[a * 90 + static_cast<size_t>(classes[a])] = best[a];
    const auto count = static_cast<uint32_t>(best.size());
    Tensors tensors;
    tensors.Add("boxes", DataType::kFloat, {count, 4}, boxes)
        .Add("scores", DataType::kFloat, {count, 90}, scores);
    return tensors;
  }
  // The heads level by level. Of level 3's classes the reference data has only a part: logits of
  // the best classes' scores stand in.
  Tensors Heads(const std::string& model) const {
    const auto folder = testing::ReferenceData() / "golden" / model;
    Tensors tensors;
    for (int level = 3; level <= 7; ++level) {
      const std::string number = std::to_string(level);
      auto deltas = LoadNpy(folder / ("golden_box_p" + number + ".npy"));
      const auto side = static_cast<uint32_t>(deltas.shape.at(1));
      const std::vector<float> logits =
          level == 3 ? BestLogits(deltas.floats.size() / 4)
                     : LoadNpy(folder / ("golden_cls_p" + number + ".npy")).floats;
      tensors.Add("class_logits_" + number, DataType::kFloat, {side, side, 810}, logits)
          .Add("box_deltas_" + number + (model == "d0" ? "" : "__a3"), DataType::kFloat,
               {side, side, 36}, deltas.floats);
    }
    return tensors;
  }

 private:
  std::vector<float> BestLogits(size_t anchors) const {
    std::vector<float> logits(anchors * 90, -30.F);
    for (size_t a = 0; a < anchors; ++a) {
      const double score = best[a];
      logits[a * 90 + static_cast<size_t>(classes[a])] =
          static_cast<float>(std::log(score / (1. - score)));
    }
    return logits;
  }
};

std::vector<NetworkObject> ExpectedPerClass(const std::string& model, const std::string& name,
                                            float size, float scale) {
  const auto folder = testing::ReferenceData() / "golden" / model;
  GoldenRows rows;
  rows.boxes = LoadNpy(folder / (name + "_boxes_yxyx.npy")).floats;
  for (float& value : rows.boxes) value /= scale;
  rows.scores = LoadNpy(folder / (name + "_scores.npy")).floats;
  for (float c : LoadNpy(folder / (name + "_classes.npy")).floats)
    rows.classes.push_back(static_cast<int64_t>(c) - 1);
  rows.count = LoadNpy(folder / (name + "_valid.npy")).integers.at(0);
  return Expected(rows, 0.F, size);
}

TEST(ParserLibrary, GoldenHeadsGiveAutoMlsDetectionsOfEverySemantics) {
  EDET_SKIP_WITHOUT("golden/d0/golden_perclass_gaussian_default_valid.npy");
  const LibraryWithOptions global(LibraryWithOptions::Variables{});
  const LibraryWithOptions soft(LibraryWithOptions::Variables{{"EDET_PARSER_SOFT_SIGMA", "0.5"}});
  const LibraryWithOptions per_class(
      LibraryWithOptions::Variables{{"EDET_PARSER_NMS", "best-per-class"}});
  const LibraryWithOptions soft_per_class(LibraryWithOptions::Variables{
      {"EDET_PARSER_NMS", "best-per-class"}, {"EDET_PARSER_SOFT_SIGMA", "0.5"}});
  struct Case {
    const LibraryWithOptions& library;
    const char* file;
    float threshold;
  };
  for (const auto& [model, size] : {std::pair("d0", 512.F), std::pair("lite0", 320.F)}) {
    const GoldenAnchors anchors(model);
    const auto side = static_cast<uint32_t>(size);
    for (const Tensors& tensors : {anchors.Decoded(), anchors.Heads(model)}) {
      const auto found = [&](const Case& c) {
        return c.library.Parse("NvDsInferParseEfficientDet", tensors, Classes(90, c.threshold),
                               side, side);
      };
      for (const Case& c : {Case{global, "golden_detections_global_hard_t0.4.npy", 0.4F},
                            Case{global, "golden_detections_global_hard_t0.9.npy", 0.9F},
                            Case{soft, "golden_detections_global_gaussian_default.npy", 0.001F}}) {
        SCOPED_TRACE(std::string(model) + " " + c.file);
        std::vector<float> ignored;
        ExpectSame(found(c), Expected(LoadRows(model, c.file, &ignored), 0.F, size), 0.005F, 3e-6F);
      }
      for (const Case& c : {Case{per_class, "golden_perclass_hard_t0.4", 0.4F},
                            Case{per_class, "golden_perclass_hard_t0.9", 0.9F},
                            Case{soft_per_class, "golden_perclass_gaussian_default", 0.001F}}) {
        SCOPED_TRACE(std::string(model) + " " + c.file);
        ExpectSame(found(c), ExpectedPerClass(model, c.file, size, anchors.scale.at(0)), 0.005F,
                   3e-6F);
      }
    }
  }
}

// What a program compiled against a DeepStream's headers has: our own declarations, field by field.
template <typename Types, typename ObjectInfo>
struct Host {
  struct Dims {
    unsigned num_dims, d[8], num_elements;
  };
  struct LayerInfo {
    Types data_type;
    union {
      Dims infer_dims, dims;
    };
    int binding_index;
    const char* layer_name;
    void* buffer;
    int is_input;
  };
  struct NetworkInfo {
    unsigned width, height, channels;
  };
  struct DetectionParams {
    unsigned num_classes;
    std::vector<float> pre_cluster, post_cluster;
    std::vector<float>& threshold;
  };
  using Object = ObjectInfo;
  using Function = bool (*)(const std::vector<LayerInfo>&, const NetworkInfo&,
                            const DetectionParams&, std::vector<Object>&);

  // As gst-nvinfer calls; or as nvinferserver does: other order, no binding, no second threshold.
  static std::vector<Object> Call(void* library, const char* name, const Tensors& tensors,
                                  float threshold, unsigned side, bool server) {
    std::vector<LayerInfo> layers;
    for (const OutputTensor& output : tensors.outputs) {
      LayerInfo layer{};
      layer.data_type = static_cast<Types>(output.type);
      layer.infer_dims.num_elements = 1;
      for (uint32_t d : output.dims) {
        layer.infer_dims.d[layer.infer_dims.num_dims++] = d;
        layer.infer_dims.num_elements *= d;
      }
      layer.binding_index = server ? -1 : static_cast<int>(layers.size()) + 1;
      layer.layer_name = output.name.c_str();
      layer.buffer = const_cast<void*>(output.data);
      layers.push_back(layer);
    }
    if (server) std::reverse(layers.begin(), layers.end());
    DetectionParams params{90, std::vector<float>(90, threshold), {}, params.pre_cluster};
    if (!server) params.post_cluster.assign(90, 0.F);
    std::vector<Object> objects;
    auto function = reinterpret_cast<Function>(dlsym(library, name));
    EXPECT_TRUE(function != nullptr && function(layers, {side, side, 3}, params, objects));
    return objects;
  }
};

enum class TypesOf50 { kFloat, kHalf, kInt8, kInt32 };
enum class TypesOf71 { kFloat, kHalf, kInt8, kInt32, kInt64 };
enum class TypesOf80 { kFloat, kHalf, kInt8, kInt32, kInt64, kUint8 };
struct ObjectOf50 {
  unsigned class_id;
  float left, top, width, height, confidence;
};
struct ObjectOf90 : ObjectOf50 {
  float rotation_angle;
};
struct DeepStream50 : Host<TypesOf50, ObjectOf50> {};
struct DeepStream60 : Host<TypesOf50, ObjectOf50> {};
struct DeepStream63 : Host<TypesOf50, ObjectOf50> {};
struct DeepStream71 : Host<TypesOf71, ObjectOf50> {};
struct DeepStream80 : Host<TypesOf80, ObjectOf50> {};
struct DeepStream91 : Host<TypesOf80, ObjectOf90> {};

template <typename T>
class EveryDeepStream : public ::testing::Test {};
using AllHosts = ::testing::Types<DeepStream50, DeepStream60, DeepStream63, DeepStream71,
                                  DeepStream80, DeepStream91>;
TYPED_TEST_SUITE(EveryDeepStream, AllHosts);

TYPED_TEST(EveryDeepStream, GetsTheRightObjectsOfEveryContract) {
  EDET_SKIP_WITHOUT("golden/d0/golden_plugin_t0.4_fp32.npz");
  using HostObjects = std::vector<typename TypeParam::Object>;
  constexpr size_t kBytes = sizeof(typename TypeParam::Object);
  testing::TemporaryDirectory folder;
  const auto copy = folder.path() / "libnvdsinfer_host.so";
  std::filesystem::copy_file(EDET_PARSER_LIBRARY, copy);
  // This process is a host of one version only, so that the others say what they are.
  setenv("EDET_PARSER_OBJECT_BYTES", std::to_string(kBytes).c_str(), 1);
  void* library = dlopen(copy.c_str(), RTLD_LAZY);
  unsetenv("EDET_PARSER_OBJECT_BYTES");
  ASSERT_NE(library, nullptr) << dlerror();

  const GoldenRows plugin = LoadPlugin("d0", "golden_plugin_t0.4_fp32.npz");
  std::vector<float> tensor;
  const GoldenRows rows = LoadRows("d0", "golden_detections_global_hard_t0.4.npy", &tensor);
  Tensors row_tensor;
  row_tensor.Add("detections", DataType::kFloat, {100, 7}, tensor);
  const GoldenAnchors anchors("d0");
  struct Case {
    const char* function;
    Tensors tensors;
    std::vector<NetworkObject> expected;
  };
  const auto of_plugin = Expected(plugin, 0.4F, 512.F), of_rows = Expected(rows, 0.4F, 512.F);
  const std::vector<Case> cases = {
      {"NvDsInferParseEfficientDetNms", NmsTensors(plugin), of_plugin},
      {"NvDsInferParseEfficientDetTao", NmsTensors(plugin), of_plugin},
      {"NvDsInferParseEfficientDetTensorFlow", TensorFlowTensors(plugin, 512.F, false), of_plugin},
      {"NvDsInferParseEfficientDetRows", row_tensor, of_rows},
      {"NvDsInferParseEfficientDetDecoded", anchors.Decoded(), of_rows},
      {"NvDsInferParseEfficientDetRaw", anchors.Heads("d0"), of_rows}};
  for (const Case& c : cases) {
    for (const char* function : {c.function, "NvDsInferParseEfficientDet"}) {
      for (bool server : {false, true}) {
        SCOPED_TRACE(function);
        const HostObjects objects =
            TypeParam::Call(library, function, c.tensors, 0.4F, 512, server);
        std::vector<NetworkObject> found;
        for (const auto& o : objects) {
          found.push_back({o.class_id, o.left, o.top, o.width, o.height, o.confidence});
          if (kBytes == 28) {
            float angle = 1.F;
            std::memcpy(&angle, reinterpret_cast<const char*>(&o) + 24, 4);
            EXPECT_EQ(angle, 0.F);
          }
        }
        ExpectSame(found, c.expected, 0.005F, 3e-6F);
      }
    }
  }
  dlclose(library);
}

TEST(CustomLibrary, SaysWhatIsWrongWithAFileOrAFunction) {
  auto function = CustomLibrary::Open(EDET_PARSER_LIBRARY, "NvDsInferParseNothing");
  ASSERT_FALSE(function.ok());
  EXPECT_EQ(function.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(function.error().hint, ::testing::HasSubstr("NvDsInferParseEfficientDetRows"));
  auto missing = CustomLibrary::Open("/nowhere/libx.so", "f");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  testing::TemporaryDirectory folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "text.so", "not a library").ok());
  auto text = CustomLibrary::Open(folder / "text.so", "f");
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace edet::parser
