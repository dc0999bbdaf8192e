#include "inference/engine.h"

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "testing/reference_data.h"
#include "testing/temporary_directory.h"

namespace edet::inference {
namespace {

constexpr const char* kModel = "golden/d0/d0_nvidia_nhwc.onnx";

// AutoML's picture. The models normalise by themselves: they get the pixels back.
void FillGoldenPicture(void* input) {
  const auto image =
      testing::LoadNpy(testing::ReferenceData() / "golden/d0/golden_input_nhwc_f32.npy");
  ASSERT_EQ(image.floats.size(), 512U * 512 * 3);
  const float mean[] = {0.485F, 0.456F, 0.406F}, deviation[] = {0.229F, 0.224F, 0.225F};
  auto* pixels = static_cast<float*>(input);
  for (size_t i = 0; i < image.floats.size(); ++i) {
    pixels[i] = (image.floats[i] * deviation[i % 3] + mean[i % 3]) * 255.F;
  }
}

TEST(Engine, SaysWhatIsWrongWithAFile) {
  testing::TemporaryDirectory folder;
  auto missing = Engine::Load(folder / "model.onnx", {});
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  for (const std::string& content :
       {std::string(), std::string("this is text, no model\n"), std::string(5000, '\xff')}) {
    std::ofstream(folder / "bad.onnx", std::ios::binary) << content;
    auto bad = Engine::Load(folder / "bad.onnx", {});
    ASSERT_FALSE(bad.ok());
    EXPECT_EQ(bad.error().code, ErrorCode::kCorrupt) << bad.error().ToString();
    EXPECT_NE(bad.error().ToString().find("bad.onnx"), std::string::npos);
    EXPECT_LT(bad.error().ToString().size(), 300U) << bad.error().ToString();
  }
}

// The library opens what a file names as its weights, wherever that is.
TEST(Engine, ReadsWeightsOfTheModelsFolderOnly) {
  testing::TemporaryDirectory folder, elsewhere;
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(13);
  auto* graph = model.mutable_graph();
  for (auto* value : {graph->add_input(), graph->add_output()}) {
    auto* type = value->mutable_type()->mutable_tensor_type();
    type->set_elem_type(onnx::TensorProto::FLOAT);
    for (int64_t dim : {1, 4}) type->mutable_shape()->add_dim()->set_dim_value(dim);
  }
  graph->mutable_input(0)->set_name("x");
  graph->mutable_output(0)->set_name("y");
  auto* node = graph->add_node();
  node->set_op_type("Add");
  for (const char* name : {"x", "w"}) node->add_input(name);
  node->add_output("y");
  auto* weights = graph->add_initializer();
  weights->set_name("w");
  weights->set_data_type(onnx::TensorProto::FLOAT);
  weights->add_dims(4);
  weights->set_data_location(onnx::TensorProto::EXTERNAL);
  auto* place = weights->add_external_data();
  place->set_key("location");
  for (const auto& file : {folder / "w", elsewhere / "w"})
    std::ofstream(file, std::ios::binary) << std::string(16, '\0');
  std::filesystem::create_symlink(elsewhere / "w", folder / "link");
  const auto load = [&](const std::string& location) {
    place->set_value(location);
    std::ofstream(folder / "model.onnx", std::ios::binary) << model.SerializeAsString();
    return Engine::Load(folder / "model.onnx", {});
  };
  auto good = load("w");
  EXPECT_TRUE(good.ok()) << good.error().ToString();
  for (const std::string& location :
       {(elsewhere / "w").string(), "../" + elsewhere.path().filename().string() + "/w",
        std::string("link")}) {
    auto bad = load(location);
    ASSERT_FALSE(bad.ok()) << location;
    EXPECT_EQ(bad.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(bad.error().ToString().find("external data"), std::string::npos);
  }
}

TEST(Engine, TellsInputsAndOutputs) {
  EDET_SKIP_WITHOUT(kModel);
  auto engine = Engine::Load(testing::ReferenceData() / kModel, {});
  ASSERT_TRUE(engine.ok()) << engine.error().ToString();
  ASSERT_EQ(engine->inputs().size(), 1U);
  EXPECT_EQ(engine->inputs()[0].shape, (std::vector<int64_t>{1, 512, 512, 3}));
  ASSERT_EQ(engine->outputs().size(), 4U);
  EXPECT_EQ(engine->outputs()[0].name, "num_detections");
  EXPECT_EQ(engine->outputs()[0].type, ElementType::kInt32);
  EXPECT_EQ(engine->outputs()[1].shape, (std::vector<int64_t>{1, 100, 4}));
}

// AutoML's picture through the same weights, post-processed by the plugin's rules in float32.
TEST(Engine, RunsTheGoldenPicture) {
  EDET_SKIP_WITHOUT(kModel);
  auto engine = Engine::Load(testing::ReferenceData() / kModel, {});
  ASSERT_TRUE(engine.ok()) << engine.error().ToString();
  auto request = engine->CreateRequest();
  ASSERT_TRUE(request.ok());
  FillGoldenPicture(request->input(0));
  ASSERT_TRUE(request->Start().ok());
  ASSERT_TRUE(request->Wait().ok());
  const std::filesystem::path golden =
      testing::ReferenceData() / "golden/d0/golden_plugin_t0.4_fp32.npz";
  const auto boxes = testing::LoadNpz(golden, "boxes_yxyx").floats;
  const auto scores = testing::LoadNpz(golden, "scores").floats;
  const auto classes = testing::LoadNpz(golden, "classes0").integers;
  auto count = request->output(0), our_boxes = request->output(1), our_scores = request->output(2),
       our_classes = request->output(3);
  ASSERT_TRUE(count.ok() && our_boxes.ok() && our_scores.ok() && our_classes.ok());
  EXPECT_EQ(*static_cast<const int32_t*>(count->data), 100);
  int found = 0;
  for (size_t i = 0; i < 100; ++i) {
    for (size_t j = 0; j < 100; ++j) {
      const float* box = static_cast<const float*>(our_boxes->data) + j * 4;
      bool same = static_cast<const int32_t*>(our_classes->data)[j] == classes[i] &&
                  std::abs(static_cast<const float*>(our_scores->data)[j] - scores[i]) < 2e-3F;
      for (size_t k = 0; k < 4; ++k) same = same && std::abs(box[k] - boxes[i * 4 + k]) < 0.1F;
      if (same) {
        ++found;
        break;
      }
    }
  }
  EXPECT_GE(found, 97);  // TensorFlow's own float32 heads are 2e-3 off: a few rows change places
}

// What `edet convert --nms plugin --nms-semantics automl` makes, on AutoML's picture, against what
// AutoML itself found: for each threshold a folder under EDET_PLUGIN_AUTOML.
TEST(Engine, RunsThePluginWithAutoMlsSemantics) {
  const char* folder = std::getenv("EDET_PLUGIN_AUTOML");
  if (folder == nullptr) GTEST_SKIP() << "skipped: EDET_PLUGIN_AUTOML names no converted models";
  EDET_SKIP_WITHOUT(kModel);
  const std::filesystem::path golden = testing::ReferenceData() / "golden/d0";
  for (const char* threshold : {"0.05", "0.4", "0.9"}) {
    const std::string form = std::string("d0_plugin_automl_t") + threshold;
    auto engine = Engine::Load(std::filesystem::path(folder) / form / "model.onnx", {});
    ASSERT_TRUE(engine.ok()) << engine.error().ToString();
    auto request = engine->CreateRequest();
    ASSERT_TRUE(request.ok());
    FillGoldenPicture(request->input(0));
    ASSERT_TRUE(request->Infer().ok());
    auto count = request->output(0), boxes = request->output(1), scores = request->output(2),
         classes = request->output(3);
    ASSERT_TRUE(count.ok() && boxes.ok() && scores.ok() && classes.ok());
    const auto rows = testing::LoadNpy(golden / (std::string("golden_detections_global_hard_t") +
                                                 threshold + ".npy"))
                          .floats;
    int expected = 0, found = 0;
    for (size_t i = 0; i < 100 && rows[i * 7 + 5] > 0.F; ++i) {
      ++expected;
      for (size_t j = 0; j < 100; ++j) {
        const float* row = &rows[i * 7];
        const float* box = static_cast<const float*>(boxes->data) + j * 4;
        bool same = static_cast<const int32_t*>(classes->data)[j] + 1 == static_cast<int>(row[6]) &&
                    std::abs(static_cast<const float*>(scores->data)[j] - row[5]) < 1e-3F;
        for (size_t k = 0; k < 4; ++k) {
          const float clipped = std::min(std::max(box[k], 0.F), 512.F);
          same = same && std::abs(clipped * 1.5625F - row[1 + k]) < 0.3F;
        }
        if (same) {
          ++found;
          break;
        }
      }
    }
    EXPECT_EQ(*static_cast<const int32_t*>(count->data), expected) << threshold;
    EXPECT_EQ(found, expected) << threshold;
    EXPECT_GT(expected, 0);
  }
}

}  // namespace
}  // namespace edet::inference
