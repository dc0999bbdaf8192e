#include "compare/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

#include "compare/npy.h"
#include "graph/infer_shapes.h"
#include "testing/reference_data.h"
#include "testing/temporary_directory.h"

namespace edet::compare {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TensorValues Vector(std::vector<float> values) {
  return {{static_cast<int64_t>(values.size())}, std::move(values)};
}

TEST(Measure, NamesTheLargestDifferenceAndItsPlace) {
  Difference d = Measure(Vector({1, -4, 2}), Vector({1, -3.5, 2.25}));
  EXPECT_EQ(d.count, 3U);
  EXPECT_DOUBLE_EQ(d.max_abs, 0.5);
  EXPECT_EQ(d.worst, 1U);
  EXPECT_DOUBLE_EQ(d.largest, 4.);
  EXPECT_DOUBLE_EQ(d.relative, 0.125);
  EXPECT_DOUBLE_EQ(d.mean_abs, 0.25);
  // (1 + 14 + 4.5) / sqrt(21 * 18.3125)
  EXPECT_NEAR(d.cosine, 19.5 / std::sqrt(21. * 18.3125), 1e-12);
}

TEST(Measure, ValuesThatAreNoNumbers) {
  Difference same = Measure(Vector({kNan, kInfinity, 1}), Vector({kNan, kInfinity, 1}));
  EXPECT_EQ(same.max_abs, 0.);
  EXPECT_EQ(same.nan_a, 1U);
  EXPECT_EQ(same.largest, 1.);
  EXPECT_TRUE(std::isinf(Measure(Vector({kNan}), Vector({1})).max_abs));
  EXPECT_TRUE(std::isinf(Measure(Vector({kInfinity}), Vector({-kInfinity})).max_abs));
}

TEST(Measure, OtherSizesAndZeros) {
  EXPECT_FALSE(Measure(Vector({1}), Vector({1, 2})).same_size);
  Difference zero = Measure(Vector({0, 0}), Vector({0, 0}));
  EXPECT_EQ(zero.relative, 0.);
  EXPECT_EQ(zero.cosine, 1.);
  EXPECT_TRUE(std::isinf(Measure(Vector({0}), Vector({1})).relative));
}

// --- .npy ---

std::string NpyBytes(const std::string& header, const std::string& data) {
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header + data;
}

Result<TensorValues> ReadNpyBytes(const std::string& bytes) {
  testing::TemporaryDirectory folder;
  fs::path path = folder.path() / "x.npy";
  std::ofstream(path, std::ios::binary) << bytes;
  return ReadNpy(path);
}

TEST(Npy, ReadsWhatNumPyWrote) {
  EDET_SKIP_WITHOUT("golden/d0/golden_scale.npy");
  fs::path path = testing::ReferenceData() / "golden/d0/golden_input_nhwc_f32.npy";
  Result<TensorValues> read = ReadNpy(path);
  ASSERT_TRUE(read.ok()) << read.error().ToString();
  testing::Array expected = testing::LoadNpy(path);
  EXPECT_EQ(read->shape, expected.shape);
  EXPECT_EQ(read->values, expected.floats);
}

TEST(Npy, Integers) {
  Result<TensorValues> read = ReadNpyBytes(NpyBytes(
      "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }\n", "\x01\x02\x03\xff"));
  ASSERT_TRUE(read.ok()) << read.error().ToString();
  EXPECT_THAT(read->values, ElementsAre(1, 2, 3, 255));
}

TEST(Npy, RefusesWhatDoesNotFit) {
  const char* good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n";
  ASSERT_TRUE(ReadNpyBytes(NpyBytes(good, "1234")).ok());
  std::vector<std::string> bad = {
      "",
      "\x93NUMPY",
      NpyBytes(good, "123"),
      NpyBytes(good, "12345"),
      NpyBytes("", ""),
      NpyBytes("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", "1234"),
      NpyBytes("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "1234"),
      NpyBytes("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "1234"),
      NpyBytes("{'descr': '<f4', 'fortran_order': False, 'shape': "
               "(4294967296, 4294967296, 4294967296), }",
               "1234"),
      NpyBytes("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
               "1234")};
  for (const std::string& bytes : bad) EXPECT_FALSE(ReadNpyBytes(bytes).ok()) << bytes;
  std::string cut = NpyBytes(good, "1234");
  for (size_t size = 0; size < cut.size(); ++size)
    EXPECT_FALSE(ReadNpyBytes(cut.substr(0, size)).ok()) << size;
}

// --- Pictures ---

TEST(PictureTest, SeedsGiveStreets) {
  Result<Picture> one = MakePicture({"", 1}, 65, 33), again = MakePicture({"", 1}, 65, 33),
                  other = MakePicture({"", 2}, 65, 33);
  ASSERT_TRUE(one.ok() && again.ok() && other.ok());
  EXPECT_THAT(one->rgb, SizeIs(65 * 33 * 3));
  EXPECT_EQ(one->rgb, again->rgb);
  EXPECT_NE(one->rgb, other->rgb);
  EXPECT_TRUE(one->whole());
  EXPECT_FALSE(MakePicture({"", 1}, 0, 10).ok());
  EXPECT_FALSE(MakePicture({"", 1}, 100000, 10).ok());
}

TEST(PictureTest, ArraysOfBothLayoutsAreTheSamePicture) {
  testing::TemporaryDirectory folder;
  fs::path last = folder.path() / "last.npy", first = folder.path() / "first.npy";
  std::ofstream(last, std::ios::binary)
      << NpyBytes("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 2, 3), }\n", "abcdef");
  std::ofstream(first, std::ios::binary)
      << NpyBytes("{'descr': '|u1', 'fortran_order': False, 'shape': (3, 1, 2), }\n", "adbecf");
  Result<Picture> a = MakePicture({last, 1}, 1, 2), b = MakePicture({first, 1}, 1, 2);
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_THAT(a->rgb, ElementsAre('a', 'b', 'c', 'd', 'e', 'f'));
  EXPECT_EQ(a->rgb, b->rgb);
  Result<Picture> other = MakePicture({last, 1}, 2, 2);
  ASSERT_FALSE(other.ok());
  EXPECT_THAT(other.error().what, HasSubstr("[1, 1, 2, 3]"));
}

// --- Detections ---

Detection Box(float left, float top, float size, float score, int cls) {
  return {{left, top, left + size, top + size}, score, cls};
}

TEST(MatchDetections, ByClassAndOverlap) {
  Detections a = {Box(0, 0, 10, 0.9F, 1), Box(50, 50, 10, 0.8F, 2), Box(80, 80, 10, 0.7F, 1)};
  Detections b = {Box(80, 80, 10, 0.7F, 3), Box(50, 50.25F, 10, 0.75F, 2), Box(0, 0, 10, 0.9F, 1)};
  DetectionMatch match = MatchDetections(a, b, 0.9);
  ASSERT_THAT(match.partners, SizeIs(2));
  EXPECT_THAT(match.only_a, ElementsAre(2));
  EXPECT_THAT(match.only_b, ElementsAre(0));
  EXPECT_FALSE(match.complete());
  EXPECT_NEAR(match.lowest_iou(), 97.5 / 102.5, 1e-6);
  EXPECT_NEAR(match.largest_score(), 0.05, 1e-6);
  EXPECT_NEAR(match.largest_corner_px(), 0.25, 1e-6);
}

TEST(MatchDetections, TakesTheNearestOnce) {
  Detections a = {Box(0, 0, 100, 0.5F, 0), Box(1, 0, 100, 0.6F, 0)};
  Detections b = {Box(1, 0, 100, 0.6F, 0), Box(0, 0, 100, 0.5F, 0)};
  DetectionMatch match = MatchDetections(a, b, 0.5);
  EXPECT_TRUE(match.complete());
  EXPECT_EQ(match.largest_corner_px(), 0.);
}

TEST(MatchDetections, BoxesWithoutAnAreaMatchNearOnes) {
  Detections a = {Box(5, 5, 0, 0.5F, 0)};
  EXPECT_TRUE(MatchDetections(a, a, 0.9).complete());
  DetectionMatch near = MatchDetections(a, {Box(5.25F, 5, 0, 0.5F, 0)}, 0.9);
  EXPECT_TRUE(near.complete());
  EXPECT_EQ(near.lowest_iou(), 1.);
  EXPECT_FALSE(MatchDetections(a, {Box(6, 5, 0, 0.5F, 0)}, 0.9).complete());
}

TEST(DetectionsOfTest, RowsAndFourTensors) {
  Outputs rows = {{"detections:0", {{1, 2, 7}, {0, 1, 2, 3, 4, .5F, 3, 0, 9, 9, 9, 9, 0, 1}}}};
  std::optional<Detections> found = DetectionsOf(rows);
  ASSERT_TRUE(found);
  ASSERT_THAT(*found, SizeIs(1));
  EXPECT_EQ((*found)[0].class_index, 2);
  EXPECT_EQ((*found)[0].box.left, 2.F);
  EXPECT_EQ((*found)[0].box.top, 1.F);
  Outputs four = {{"num_detections", {{1, 1}, {1}}},
                  {"detection_boxes", {{1, 2, 4}, {1, 2, 3, 4, 0, 0, 0, 0}}},
                  {"detection_scores", {{1, 2}, {.5F, 0}}},
                  {"detection_classes", {{1, 2}, {2, 0}}}};
  std::optional<Detections> same = DetectionsOf(four);
  ASSERT_TRUE(same);
  EXPECT_TRUE(MatchDetections(*found, *same, 1.).complete());
  four["num_detections"].values = {kNan};
  EXPECT_THAT(*DetectionsOf(four), IsEmpty());
  four["num_detections"].values = {1e30F};
  EXPECT_THAT(*DetectionsOf(four), SizeIs(2));
}

// --- The search, on a made-up network without numbers ---

// x -> c0 -> c1 -> ... in a row, and at the end two branches of `tail` each.
struct MadeUp {
  Network network;
  std::vector<TensorPair> pairs;
  std::string Name(int i) const { return "t" + std::to_string(i); }
};

MadeUp MakeChain(int trunk, int tail) {
  MadeUp made;
  made.network.graph.emplace();
  graph::Graph& g = *made.network.graph;
  int next = 0;
  auto add = [&](graph::ValueId from) {
    std::string name = made.Name(next++);
    graph::ValueId id = g.AddNode("Relu", name, {from}, graph::ElementType::kFloat32, {1, 8});
    made.pairs.push_back({name, name, id, name, name, "Relu", false, 8, false});
    made.network.tensors.insert(name);
    return id;
  };
  graph::ValueId at = g.AddInput("x", graph::ElementType::kFloat32, {1, 8});
  for (int i = 0; i < trunk; ++i) at = add(at);
  for (const char* output : {"left", "right"}) {
    graph::ValueId end = at;
    for (int i = 0; i < tail; ++i) end = add(end);
    g.outputs.push_back(end);
    g.value(end).name = output;
    made.pairs.back().a = made.pairs.back().b = output;
  }
  return made;
}

// Everything from these on differs.
struct Broken {
  std::unordered_set<std::string> names;
  size_t runs = 0, looked_at = 0;
  MeasurePairs Measurer() {
    return [this](const std::vector<TensorPair>& pairs)
               -> Result<std::vector<std::optional<Difference>>> {
      ++runs;
      looked_at += pairs.size();
      std::vector<std::optional<Difference>> differences;
      for (const TensorPair& pair : pairs) {
        Difference difference;
        difference.largest = 1.;
        difference.max_abs = names.count(pair.a) == 1 ? 0.5 : 1e-6;
        differences.emplace_back(difference);
      }
      return differences;
    };
  }
};

TEST(FindPartingTest, FindsEveryPlaceInFewRuns) {
  constexpr int kTrunk = 300;
  MadeUp made = MakeChain(kTrunk, 0);
  for (int place = 0; place < kTrunk - 1; place += 7) {
    Broken broken;
    for (int i = place; i < kTrunk; ++i) broken.names.insert(made.Name(i));
    broken.names.insert("right");
    Result<Parting> parting =
        FindParting(made.network, made.pairs, {"right"}, 1e-3, broken.Measurer());
    ASSERT_TRUE(parting.ok() && parting->first);
    EXPECT_EQ(parting->first->pair.a, made.Name(place));
    EXPECT_LE(broken.runs, 3U);
    if (place == 0) continue;
    ASSERT_THAT(parting->before, SizeIs(1));
    EXPECT_EQ(parting->before[0].pair.a, made.Name(place - 1));
  }
}

TEST(FindPartingTest, LooksOnlyAboveWhatParted) {
  MadeUp made = MakeChain(10, 60);
  Broken broken;
  broken.names = {"right", "t129", "t128", "t127", "t20"};  // t20 leads to `left` only
  Result<Parting> parting =
      FindParting(made.network, made.pairs, {"right"}, 1e-3, broken.Measurer());
  ASSERT_TRUE(parting.ok() && parting->first);
  EXPECT_EQ(parting->first->pair.a, "t127");
}

TEST(FindPartingTest, SaysWhereNothingThatWasMatchedDiffers) {
  MadeUp made = MakeChain(10, 2);
  made.pairs.resize(5);
  Broken broken;
  Result<Parting> parting =
      FindParting(made.network, made.pairs, {"left", "right"}, 1e-3, broken.Measurer());
  ASSERT_TRUE(parting.ok());
  EXPECT_FALSE(parting->first);
  EXPECT_EQ(parting->looked_at, 5U);
  EXPECT_THAT(parting->note, HasSubstr("all 5"));
}

// --- Small networks of other forms ---

// A picture of 8x8 through a convolution of two filters: [1, 3, 8, 8] float32, or [1, 8, 8, 3] of
// another type with what it takes to get there. `weight`: of the first filter.
fs::path WriteSmall(const fs::path& path, bool nhwc, int type, float weight) {
  namespace format = ::onnx;
  format::ModelProto model;
  model.set_ir_version(7);
  auto* opset = model.add_opset_import();
  opset->set_domain("");
  opset->set_version(13);
  format::GraphProto* graph = model.mutable_graph();
  graph->set_name("small");
  auto describe = [](format::ValueInfoProto* value, const char* name, int of_type,
                     std::vector<int64_t> dims) {
    value->set_name(name);
    auto* tensor = value->mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(of_type);
    for (int64_t dim : dims) tensor->mutable_shape()->add_dim()->set_dim_value(dim);
  };
  std::vector<int64_t> shape =
      nhwc ? std::vector<int64_t>{1, 8, 8, 3} : std::vector<int64_t>{1, 3, 8, 8};
  describe(graph->add_input(), "image", type, shape);
  describe(graph->add_output(), "y", format::TensorProto_DataType_FLOAT, {1, 2, 8, 8});
  std::string at = "image";
  auto add = [&](const char* op, const char* output) {
    auto* node = graph->add_node();
    node->set_op_type(op);
    node->set_name(output);
    node->add_input(at);
    node->add_output(output);
    at = output;
    return node;
  };
  if (type != format::TensorProto_DataType_FLOAT) {
    auto* to = add("Cast", "floats")->add_attribute();
    to->set_name("to");
    to->set_type(format::AttributeProto_AttributeType_INT);
    to->set_i(format::TensorProto_DataType_FLOAT);
  }
  if (nhwc) {
    auto* perm = add("Transpose", "planes")->add_attribute();
    perm->set_name("perm");
    perm->set_type(format::AttributeProto_AttributeType_INTS);
    for (int axis : {0, 3, 1, 2}) perm->add_ints(axis);
  }
  auto* weights = graph->add_initializer();
  weights->set_name("w");
  weights->set_data_type(format::TensorProto_DataType_FLOAT);
  for (int dim : {2, 3, 1, 1}) weights->add_dims(dim);
  for (float w : {weight, 0.5F, -0.25F, 0.125F, 1.F, 0.75F}) weights->add_float_data(w);
  add("Conv", "c")->add_input("w");
  add("Relu", "y");
  std::ofstream(path, std::ios::binary) << model.SerializeAsString();
  return path;
}

class Small : public ::testing::Test {
 protected:
  fs::path Write(const char* name, bool nhwc, int type, float weight = 1.F) {
    return WriteSmall(folder_.path() / name, nhwc, type, weight);
  }
  Result<Comparison> Compare(const fs::path& a, const fs::path& b, const fs::path& input = "") {
    CompareOptions options;
    options.folder = folder_.path();
    options.picture.file = input;
    return CompareNetworks(a, b, options);
  }
  static constexpr int kFloat = ::onnx::TensorProto_DataType_FLOAT,
                       kUint8 = ::onnx::TensorProto_DataType_UINT8,
                       kInt32 = ::onnx::TensorProto_DataType_INT32,
                       kHalf = ::onnx::TensorProto_DataType_FLOAT16;
  testing::TemporaryDirectory folder_;
};

TEST_F(Small, EveryLayoutAndTypeIsShownTheSamePicture) {
  fs::path plain = Write("plain.onnx", false, kFloat);
  for (int type : {kFloat, kUint8, kInt32, kHalf}) {
    Result<Comparison> result = Compare(plain, Write("other.onnx", true, type));
    ASSERT_TRUE(result.ok()) << type << ": " << result.error().ToString();
    ASSERT_THAT(result->tensors, SizeIs(1));
    EXPECT_EQ(result->tensors[0].difference.max_abs, 0.) << type;
    EXPECT_GT(result->tensors[0].difference.largest, 10.) << type;
  }
}

TEST_F(Small, FractionsAreRoundedForBothWhereOneTakesIntegers) {
  fs::path array = folder_.path() / "x.npy";
  std::vector<float> values(8 * 8 * 3, 100.4F);
  std::string bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  std::ofstream(array, std::ios::binary)
      << NpyBytes("{'descr': '<f4', 'fortran_order': False, 'shape': (8, 8, 3), }\n", bytes);
  Result<Comparison> result =
      Compare(Write("a.onnx", false, kFloat), Write("b.onnx", true, kUint8), array);
  ASSERT_TRUE(result.ok()) << result.error().ToString();
  EXPECT_TRUE(result->good());
  EXPECT_EQ(result->tensors[0].difference.largest, 187.5);  // 1.875 * 100
  EXPECT_THAT(result->notes, ElementsAre(HasSubstr("rounded")));
}

TEST_F(Small, WhatDiffersIsNamed) {
  Result<Comparison> result =
      Compare(Write("a.onnx", false, kFloat), Write("b.onnx", true, kUint8, 1.5F));
  ASSERT_TRUE(result.ok()) << result.error().ToString();
  EXPECT_FALSE(result->good());
  ASSERT_TRUE(result->parting && result->parting->first);
  EXPECT_EQ(result->parting->first->pair.a, "c");
}

TEST_F(Small, ReadsNothingOutsideOfTheFoldersOfTheFiles) {
  fs::path good = Write("a.onnx", false, kFloat), bad = Write("b.onnx", false, kFloat);
  ::onnx::ModelProto model;
  std::ifstream in(bad, std::ios::binary);
  ASSERT_TRUE(model.ParseFromIstream(&in));
  auto* weights = model.mutable_graph()->mutable_initializer(0);
  weights->clear_float_data();
  weights->set_data_location(::onnx::TensorProto_DataLocation_EXTERNAL);
  auto* location = weights->add_external_data();
  location->set_key("location");
  for (const char* escape : {"../outside.bin", "/etc/passwd"}) {
    location->set_value(escape);
    // An opset that is not read as a graph goes the other way, and must not escape either.
    for (int64_t opset : {13, 19}) {
      model.mutable_opset_import(0)->set_version(opset);
      std::ofstream(bad, std::ios::binary) << model.SerializeAsString();
      Result<Comparison> result = Compare(good, bad);
      ASSERT_FALSE(result.ok()) << escape;
      EXPECT_THAT(result.error().what, HasSubstr("outside of the model's folder"));
    }
  }
  location->set_value("inside.bin");
  std::vector<float> values = {1.F, 0.5F, -0.25F, 0.125F, 1.F, 0.75F};
  std::ofstream(folder_.path() / "inside.bin", std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()), 24);
  model.mutable_opset_import(0)->set_version(13);
  std::ofstream(bad, std::ios::binary) << model.SerializeAsString();
  Result<Comparison> result = Compare(good, bad);
  ASSERT_TRUE(result.ok()) << result.error().ToString();
  EXPECT_TRUE(result->good());
}

// --- Whole networks ---

class Golden : public ::testing::Test {
 protected:
  // A copy of create_onnx.py's file in which `change` altered an initializer.
  template <typename Change>
  fs::path Damaged(const std::string& initializer, Change change) {
    ::onnx::ModelProto model;
    std::ifstream in(original_, std::ios::binary);
    EXPECT_TRUE(model.ParseFromIstream(&in));
    bool found = false;
    for (auto& tensor : *model.mutable_graph()->mutable_initializer()) {
      if (tensor.name() != initializer) continue;
      std::vector<float> values(tensor.raw_data().size() / sizeof(float));
      std::memcpy(values.data(), tensor.raw_data().data(), tensor.raw_data().size());
      change(values);
      std::memcpy(tensor.mutable_raw_data()->data(), values.data(), tensor.raw_data().size());
      found = !values.empty();
    }
    EXPECT_TRUE(found) << initializer;
    fs::path path = folder_.path() / "damaged.onnx";
    std::ofstream out(path, std::ios::binary);
    EXPECT_TRUE(model.SerializeToOstream(&out));
    return path;
  }

  // The n-th Conv of the file whose weights have this shape; names of node, weights, bias.
  std::vector<std::string> Conv(size_t wanted) {
    ::onnx::ModelProto model;
    std::ifstream in(original_, std::ios::binary);
    EXPECT_TRUE(model.ParseFromIstream(&in));
    size_t n = 0;
    for (const auto& node : model.graph().node())
      if (node.op_type() == "Conv" && n++ == wanted)
        return {node.name(), node.input(1), node.input_size() > 2 ? node.input(2) : "",
                node.output(0)};
    return {};
  }

  Comparison Compare(const fs::path& a, const fs::path& b) {
    CompareOptions options;
    options.folder = folder_.path();
    Result<Comparison> result = CompareNetworks(a, b, options);
    EXPECT_TRUE(result.ok()) << result.error().ToString();
    return result.ok() ? std::move(*result) : Comparison();
  }

  fs::path original_ = testing::ReferenceData() / "golden/d0/d0_nvidia_nhwc.onnx";
  fs::path raw_ = testing::ReferenceData() / "golden/d0/d0_tf2onnx_raw.onnx";
  testing::TemporaryDirectory folder_;
};

TEST_F(Golden, TwoExportsOfOneModelHaveTheSameHeads) {
  EDET_SKIP_WITHOUT("golden/d0/d0_nvidia_nhwc.onnx");
  Comparison result = Compare(raw_, original_);
  ASSERT_THAT(result.tensors, SizeIs(2));
  EXPECT_EQ(result.tensors[0].name, "box_deltas");
  EXPECT_EQ(result.tensors[1].name, "class_logits");
  for (const TensorReport& tensor : result.tensors) EXPECT_TRUE(tensor.good()) << tensor.name;
  EXPECT_EQ(result.width, 512);
}

TEST_F(Golden, AChangedWeightIsFoundAtItsConvolution) {
  EDET_SKIP_WITHOUT("golden/d0/d0_nvidia_nhwc.onnx");
  std::vector<std::string> conv = Conv(60);
  fs::path damaged = Damaged(conv[1], [](std::vector<float>& w) { w[w.size() / 2] += 2.F; });
  Comparison result = Compare(original_, damaged);
  EXPECT_FALSE(result.good());
  ASSERT_TRUE(result.parting && result.parting->first);
  EXPECT_EQ(result.parting->first->pair.node_a, conv[0]);
  EXPECT_FALSE(result.parting->first->pair.is_input);
  EXPECT_THAT(result.parting->before, ::testing::Not(IsEmpty()));
}

// Names cannot help: the other exporter's file is the partner.
TEST_F(Golden, AChangedWeightIsFoundAcrossExporters) {
  EDET_SKIP_WITHOUT("golden/d0/d0_nvidia_nhwc.onnx");
  std::vector<std::string> conv = Conv(60);
  fs::path damaged = Damaged(conv[1], [](std::vector<float>& w) { w[w.size() / 2] += 2.F; });
  Comparison result = Compare(damaged, raw_);
  ASSERT_TRUE(result.parting && result.parting->first);
  EXPECT_EQ(result.parting->first->pair.node_a, conv[0]);
}

}  // namespace
}  // namespace edet::compare
