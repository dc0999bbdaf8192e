// Weights that come in another form than a checkpoint: SavedModel, frozen graph, Keras' .h5 and
// archives; good ones from TensorFlow and Keras, and damaged ones.
#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <numeric>
#include <set>

#include "base/file.h"
#include "checkpoint/bundle_writer.h"
#include "checkpoint/checkpoint.h"
#include "proto/graph.pb.h"
#include "testing/reference_data.h"
#include "testing/temporary_directory.h"

namespace edet::checkpoint {
namespace fs = std::filesystem;
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const fs::path kTestData = EDET_CHECKPOINT_TESTDATA;

fs::path Reference(const char* relative) { return edet::testing::ReferenceData() / relative; }

void Write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

Error OpenError(const fs::path& path, const Limits& limits = {}) {
  Result<Checkpoint> opened = Checkpoint::Open(path, limits);
  if (opened.ok()) return {ErrorCode::kInternal, "opened", path.string(), ""};
  return opened.error();
}

void ExpectError(const Error& error, ErrorCode code, const char* part) {
  EXPECT_EQ(error.code, code) << error.ToString();
  EXPECT_THAT(error.ToString(), HasSubstr(part));
  EXPECT_THAT(error.ToString(), Not(HasSubstr("\n")));
}

std::set<std::string> NamesIn(const fs::path& list) {
  std::set<std::string> names;
  std::ifstream in(list);
  for (std::string line; std::getline(in, line);) names.insert(line.substr(0, line.find('\t')));
  names.erase("");
  return names;
}

// All variables of `checkpoint` have the bits of those of `reference`, there under their own name
// or that of their average.
void ExpectSameValues(const Checkpoint& checkpoint, const Checkpoint& reference, bool average) {
  std::vector<std::string> names = checkpoint.BaseVariables();
  EXPECT_EQ(names, reference.BaseVariables());
  for (const std::string& name : names) {
    Result<std::vector<float>> values = checkpoint.ReadFloats(name);
    std::string other = average ? Checkpoint::EmaName(name) : name;
    Result<std::vector<float>> expected = reference.ReadFloats(other);
    ASSERT_TRUE(values.ok() && expected.ok()) << name;
    EXPECT_EQ(checkpoint.Find(name)->shape, reference.Find(name)->shape) << name;
    ASSERT_EQ(values->size(), expected->size()) << name;
    EXPECT_EQ(std::memcmp(values->data(), expected->data(), values->size() * sizeof(float)), 0)
        << name;
  }
}

// Every cut and a flipped bit at many places of a file: an error of one line or a file that reads.
void ExpectNoHarm(const std::string& good, const fs::path& place, size_t steps) {
  auto look = [&place] {
    Result<Checkpoint> opened = Checkpoint::Open(place);
    if (!opened.ok()) {
      EXPECT_THAT(opened.error().ToString(), Not(HasSubstr("\n")));
      EXPECT_NE(opened.error().code, ErrorCode::kInternal);
      return false;
    }
    for (const std::string& name : opened->BaseVariables()) (void)opened->ReadFloats(name);
    return true;
  };
  for (size_t i = 0; i < steps; ++i) {
    size_t at = i * good.size() / steps;
    Write(place, good.substr(0, at));
    EXPECT_FALSE(look()) << "cut at " << at;
    std::string flipped = good;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << i % 8));
    Write(place, flipped);
    look();
  }
}

// --- Frozen graphs ---

proto::TensorValue FloatValue(const std::vector<int64_t>& shape, const std::vector<float>& values) {
  proto::TensorValue tensor;
  tensor.set_dtype(1);
  for (int64_t dimension : shape) tensor.mutable_tensor_shape()->add_dim()->set_size(dimension);
  tensor.set_tensor_content(values.data(), values.size() * sizeof(float));
  return tensor;
}

std::string Field(int number, const std::string& bytes) {
  std::string field(1, static_cast<char>(number << 3 | 2));
  for (size_t rest = bytes.size();; rest >>= 7) {
    if (rest < 0x80) return field + static_cast<char>(rest) + bytes;
    field += static_cast<char>(rest | 0x80);
  }
}

std::string Constant(const std::string& name, const proto::TensorValue& tensor) {
  proto::Node node;
  node.set_name(name);
  node.set_op("Const");
  auto* attribute = node.add_attr();
  attribute->set_key("value");
  *attribute->mutable_value()->mutable_tensor() = tensor;
  return Field(1, node.SerializeAsString());
}

std::string Identity(const std::string& input) {
  proto::Node node;
  node.set_name(input + "/read");
  node.set_op("Identity");
  node.add_input(input);
  return Field(1, node.SerializeAsString());
}

std::string Variable(const std::string& name, const proto::TensorValue& tensor) {
  return Constant(name, tensor) + Identity(name);
}

TEST(FrozenGraph, HoldsTheAveragesOfD0UnderTheNamesOfItsVariables) {
  EDET_SKIP_WITHOUT("golden/d0/efficientdet-d0_frozen.pb");
  Result<Checkpoint> graph = Checkpoint::Open(Reference("golden/d0/efficientdet-d0_frozen.pb"));
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  EXPECT_EQ(graph->summary().kind, CheckpointKind::kFrozenGraph);
  EXPECT_EQ(graph->entries().size(), 709u);  // neither anchors nor thresholds among them
  std::vector<std::string> names = graph->BaseVariables();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()),
            NamesIn(Reference("golden/variable_names/efficientdet-d0.txt")));
  EXPECT_EQ(graph->summary().ema_shadows, 0u);
  EXPECT_THAT(graph->Description(), HasSubstr("frozen graph: 709 variables"));
  EXPECT_THAT(graph->Description(), HasSubstr("moving averages"));
  Result<Checkpoint> checkpoint = Checkpoint::Open(Reference("golden/d0/ckpt_tf1"));
  ASSERT_TRUE(checkpoint.ok());
  ExpectSameValues(*graph, *checkpoint, true);
}

TEST(FrozenGraph, ReadsEveryWayToStoreNumbers) {
  edet::testing::TemporaryDirectory folder;
  proto::TensorValue repeated = FloatValue({2, 2}, {});
  repeated.add_float_val(1);
  repeated.add_float_val(7);
  proto::TensorValue half = FloatValue({2}, {});
  half.set_dtype(19);
  half.add_half_val(0x3c00);
  proto::TensorValue integer = FloatValue({}, {0});
  integer.set_dtype(3);
  Write(folder / "g.pb", Variable("a/kernel", FloatValue({2}, {3, 4})) +
                             Variable("b/gamma", repeated) + Variable("c/bias", half) +
                             Variable("axis", integer) + Constant("anchors", FloatValue({1}, {9})));
  Result<Checkpoint> graph = Checkpoint::Open(folder / "g.pb");
  ASSERT_TRUE(graph.ok()) << graph.error().ToString();
  EXPECT_THAT(graph->BaseVariables(), ElementsAre("a/kernel", "b/gamma", "c/bias"));
  EXPECT_THAT(*graph->ReadFloats("a/kernel"), ElementsAre(3, 4));
  EXPECT_THAT(*graph->ReadFloats("b/gamma"), ElementsAre(1, 7, 7, 7));
  EXPECT_THAT(*graph->ReadFloats("c/bias"), ElementsAre(1, 1));
}

TEST(FrozenGraph, WrongConstantsAreRefused) {
  edet::testing::TemporaryDirectory folder;
  auto error = [&folder](const std::string& bytes, const Limits& limits = {}) {
    Write(folder / "g.pb", bytes);
    return OpenError(folder / "g.pb", limits);
  };
  using V = std::vector<int64_t>;
  const int64_t big = int64_t{1} << 32;
  ExpectError(error(Variable("w", FloatValue({3}, {1}))), ErrorCode::kCorrupt, "'w' has 4 bytes");
  for (const V& shape : {V{-1}, V{0, big, big}, V{big, big, 0}, V{big, big}}) {
    ExpectError(error(Variable("w", FloatValue(shape, {1}))), ErrorCode::kCorrupt, "do not fit");
  }
  ExpectError(error(Variable("w", FloatValue({2}, {}))), ErrorCode::kCorrupt, "lists 0 values");
  ExpectError(error(Variable("w", FloatValue(V(20, 1), {1}))), ErrorCode::kLimitExceeded,
              "20 dimensions");
  proto::TensorValue bomb = FloatValue({int64_t{1} << 29}, {});
  bomb.add_float_val(1);
  ExpectError(error(Variable("w", bomb)), ErrorCode::kLimitExceeded, "repeats one value");
  std::string good = Variable("w", FloatValue({1}, {1}));
  ExpectError(error(good + good), ErrorCode::kCorrupt, "two tensors have the name 'w'");
  ExpectError(error(Constant("w", FloatValue({1}, {1}))), ErrorCode::kUnsupported,
              "no constant of this graph was a variable");
  ExpectError(error(""), ErrorCode::kUnsupported, "no constant");
  ExpectError(error("graph"), ErrorCode::kCorrupt, "not a TensorFlow graph");
  Limits few;
  few.nodes = 3;
  ExpectError(error(good + Variable("v", FloatValue({1}, {1})), few), ErrorCode::kLimitExceeded,
              "more than 3 nodes");
  Limits small;
  small.unpacked_bytes = 10;
  ExpectError(error(good, small), ErrorCode::kLimitExceeded, "");
}

TEST(FrozenGraph, DamageIsSurvived) {
  EDET_SKIP_WITHOUT("golden/d0/efficientdet-d0_frozen.pb");
  edet::testing::TemporaryDirectory folder;
  std::string graph = *ReadFile(Reference("golden/d0/efficientdet-d0_frozen.pb"));
  for (size_t cut : {graph.size() / 3, graph.size() / 2, graph.size() - 1}) {
    Write(folder / "g.pb", graph.substr(0, cut));
    ExpectError(OpenError(folder / "g.pb"), ErrorCode::kCorrupt, "cut off");
  }
  std::string small;
  for (int i = 0; i < 20; ++i)
    small += Variable("v" + std::to_string(i), FloatValue({2, 2}, {1, 2, 3, 4}));
  for (size_t at = 0; at < small.size(); ++at) {
    std::string flipped = small;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    Write(folder / "s.pb", flipped);
    Result<Checkpoint> opened = Checkpoint::Open(folder / "s.pb");
    std::string text = opened.ok() ? "" : opened.error().ToString();
    EXPECT_THAT(text, Not(HasSubstr("\n")));
  }
}

// --- SavedModels ---

TEST(SavedModel, HoldsTheValuesOfItsCheckpoint) {
  EDET_SKIP_WITHOUT("golden/lite0/saved_model/saved_model.pb");
  Result<Checkpoint> checkpoint = Checkpoint::Open(Reference("golden/lite0/ckpt_tf2"));
  ASSERT_TRUE(checkpoint.ok());
  for (const char* given :
       {"", "saved_model.pb", "variables", "variables/variables", "variables/variables.index"}) {
    Result<Checkpoint> model = Checkpoint::Open(Reference("golden/lite0/saved_model") / given);
    ASSERT_TRUE(model.ok()) << model.error().ToString();
    EXPECT_EQ(model->summary().kind, CheckpointKind::kSavedModel) << given;
    EXPECT_EQ(model->summary().base_variables, 588u);
    // The shadows in it were never trained: nobody may take them for averages.
    EXPECT_EQ(model->summary().ema_shadows, 0u);
    EXPECT_FALSE(model->HasEma("efficientnet-lite0/stem/conv2d/kernel"));
    if (*given == '\0') ExpectSameValues(*model, *checkpoint, false);
  }
}

TEST(SavedModel, WithoutVariablesGivesItsConstants) {
  edet::testing::TemporaryDirectory folder;
  std::string graph = Variable("net/kernel", FloatValue({1}, {5}));
  Write(folder / "saved_model.pb", Field(2, Field(2, graph)));
  Result<Checkpoint> model = Checkpoint::Open(folder.path());
  ASSERT_TRUE(model.ok()) << model.error().ToString();
  EXPECT_EQ(model->summary().kind, CheckpointKind::kSavedModel);
  EXPECT_THAT(*model->ReadFloats("net/kernel"), ElementsAre(5));
  Write(folder / "saved_model.pb", Field(2, Field(2, graph).substr(0, 20)));
  ExpectError(OpenError(folder.path()), ErrorCode::kCorrupt, "not a TensorFlow graph");
  Write(folder / "saved_model.pb", "");
  ExpectError(OpenError(folder.path()), ErrorCode::kUnsupported, "no constant");
}

// --- Keras .h5 ---

// Writes datasets below groups that are made on the way.
class H5Writer {
 public:
  explicit H5Writer(const fs::path& path)
      : file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {
    H5Pset_create_intermediate_group(links_, 1);
  }
  ~H5Writer() {
    H5Pclose(creation_);
    H5Pclose(links_);
    H5Fclose(file_);
  }
  void Add(const std::string& name, const std::vector<hsize_t>& shape, const float* values) {
    hid_t space = shape.empty()
                      ? H5Screate(H5S_SCALAR)
                      : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    hid_t dataset =
        H5Dcreate2(file_, name.c_str(), H5T_IEEE_F32LE, space, links_, creation_, H5P_DEFAULT);
    EXPECT_GE(dataset, 0);
    if (values != nullptr) {
      EXPECT_GE(H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
    }
    H5Dclose(dataset);
    H5Sclose(space);
  }
  hid_t file() const { return file_; }
  hid_t links() const { return links_; }
  hid_t creation() const { return creation_; }

 private:
  hid_t file_;
  hid_t links_ = H5Pcreate(H5P_LINK_CREATE);
  hid_t creation_ = H5Pcreate(H5P_DATASET_CREATE);
};

// The file was written by Keras 2.15: values of the i-th variable begin at 100 i.
TEST(KerasH5, IsReadAsKerasWroteIt) {
  Result<Checkpoint> weights = Checkpoint::Open(kTestData / "keras_weights.h5");
  ASSERT_TRUE(weights.ok()) << weights.error().ToString();
  EXPECT_EQ(weights->summary().kind, CheckpointKind::kKerasHdf5);
  EXPECT_THAT(
      weights->BaseVariables(),
      ElementsAre("class-predict/bias", "class-predict/depthwise_kernel",
                  "class-predict/pointwise_kernel", "resample_p6/bn/beta", "resample_p6/bn/gamma",
                  "resample_p6/bn/moving_mean", "resample_p6/bn/moving_variance",
                  "resample_p6/conv2d/bias", "resample_p6/conv2d/kernel"));
  EXPECT_THAT(*weights->ReadFloats("resample_p6/conv2d/kernel"), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(weights->Find("resample_p6/conv2d/kernel")->shape, ElementsAre(1, 1, 3, 2));
  EXPECT_THAT(*weights->ReadFloats("resample_p6/conv2d/bias"), ElementsAre(100, 101));
  EXPECT_THAT(weights->Find("resample_p6/bn/gamma")->checkpoint_key,
              "resample_p6/resample_p6/bn/gamma:0");
}

TEST(KerasH5, CarriesAllOfLite0) {
  EDET_SKIP_WITHOUT("golden/lite0/ckpt_tf2/ckpt-1.index");
  Result<Checkpoint> checkpoint = Checkpoint::Open(Reference("golden/lite0/ckpt_tf2"));
  ASSERT_TRUE(checkpoint.ok());
  edet::testing::TemporaryDirectory folder;
  {
    H5Writer file(folder / "lite0.h5");
    for (const std::string& name : checkpoint->BaseVariables()) {
      const std::vector<int64_t>& shape = checkpoint->Find(name)->shape;
      std::string path = name.substr(0, name.find('/') + 1) + name + ":0";
      file.Add(path, {shape.begin(), shape.end()}, checkpoint->ReadFloats(name)->data());
    }
  }
  Result<Checkpoint> weights = Checkpoint::Open(folder / "lite0.h5");
  ASSERT_TRUE(weights.ok()) << weights.error().ToString();
  std::vector<std::string> names = weights->BaseVariables();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()),
            NamesIn(Reference("golden/variable_names/efficientdet-lite0.txt")));
  ExpectSameValues(*weights, *checkpoint, false);
}

TEST(KerasH5, ReadsCompressedWeightsAndRefusesWhatIsNotThere) {
  edet::testing::TemporaryDirectory folder;
  std::vector<float> values(4096);
  std::iota(values.begin(), values.end(), 0.f);
  const hsize_t chunk = 1024;
  {
    H5Writer file(folder / "gzip.h5");
    H5Pset_chunk(file.creation(), 1, &chunk);
    H5Pset_deflate(file.creation(), 6);
    file.Add("a/a/kernel:0", {4096}, values.data());
  }
  Result<Checkpoint> gzip = Checkpoint::Open(folder / "gzip.h5");
  ASSERT_TRUE(gzip.ok()) << gzip.error().ToString();
  EXPECT_EQ(*gzip->ReadFloats("a/kernel"), values);
  {
    H5Writer file(folder / "huge.h5");
    file.Add("a/a/kernel:0", {hsize_t{1} << 28}, nullptr);
  }
  ExpectError(OpenError(folder / "huge.h5"), ErrorCode::kCorrupt, "claims 1073741824 bytes");
  {
    H5Writer file(folder / "over.h5");
    H5Pset_chunk(file.creation(), 1, &chunk);
    file.Add("a/a/kernel:0", {hsize_t{1} << 40}, nullptr);
  }
  ExpectError(OpenError(folder / "over.h5"), ErrorCode::kLimitExceeded, "over the size limit");
  {
    H5Writer file(folder / "filter.h5");
    H5Pset_chunk(file.creation(), 1, &chunk);
    // Optional, and with no values written: HDF5 itself does not mind that it lacks the filter.
    H5Pset_filter(file.creation(), 32001, H5Z_FLAG_OPTIONAL, 0, nullptr);
    file.Add("a/a/kernel:0", {4096}, nullptr);
  }
  ExpectError(OpenError(folder / "filter.h5"), ErrorCode::kUnsupported, "filter 32001");
}

TEST(KerasH5, NothingOutsideTheFileIsRead) {
  edet::testing::TemporaryDirectory folder;
  const float one = 1;
  { H5Writer(folder / "other.h5").Add("w", {}, &one); }
  auto error = [&folder, &one](const std::function<void(H5Writer&)>& change) {
    {
      H5Writer file(folder / "m.h5");
      file.Add("a/a/kernel:0", {}, &one);
      change(file);
    }
    return OpenError(folder / "m.h5");
  };
  std::string other = (folder / "other.h5").string();
  ExpectError(error([&other](H5Writer& file) {
                H5Lcreate_external(other.c_str(), "w", file.file(), "a/b", file.links(),
                                   H5P_DEFAULT);
              }),
              ErrorCode::kUnsupported, "'a/b' is a link");
  ExpectError(error([](H5Writer& file) {
                H5Lcreate_soft("/a/a/kernel:0", file.file(), "a/b", file.links(), H5P_DEFAULT);
              }),
              ErrorCode::kUnsupported, "'a/b' is a link");
  ExpectError(error([&other](H5Writer& file) {
                H5Pset_external(file.creation(), other.c_str(), 0, 8);
                file.Add("a/b", {2}, nullptr);
              }),
              ErrorCode::kUnsupported, "lie in another file");
  ExpectError(error([](H5Writer& file) {
                H5Lcreate_hard(file.file(), "/", file.file(), "a/up", file.links(), H5P_DEFAULT);
              }),
              ErrorCode::kLimitExceeded, "nested too deep");
}

TEST(KerasH5, DamageIsSurvived) {
  edet::testing::TemporaryDirectory folder;
  Write(folder / "short.h5", "\x89HDF\r\n\x1a\n....");
  ::testing::internal::CaptureStderr();
  ExpectError(OpenError(folder / "short.h5"), ErrorCode::kCorrupt, "cannot be read");
  ExpectNoHarm(*ReadFile(kTestData / "keras_weights.h5"), folder / "m.h5", 100);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");  // HDF5 keeps quiet
}

// Found by fuzzing: libhdf5 1.10.8 asks for 3 PB of memory.
TEST(KerasH5, AbsurdSizesInHdf5sOwnRecordsAreAnError) {
  ExpectError(OpenError(kTestData / "petabytes.h5"), ErrorCode::kCorrupt, "HDF5");
}

// --- Archives ---

class TarWriter {
 public:
  TarWriter(const fs::path& path, bool gzip) : tar_(archive_write_new()) {
    if (gzip) archive_write_add_filter_gzip(tar_);
    archive_write_set_format_pax_restricted(tar_);
    EXPECT_EQ(archive_write_open_filename(tar_, path.c_str()), ARCHIVE_OK);
  }
  ~TarWriter() { archive_write_free(tar_); }
  void Add(const std::string& name, const std::string& bytes,
           const std::function<void(archive_entry*)>& change = nullptr) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
    if (change) change(entry);
    EXPECT_EQ(archive_write_header(tar_, entry), ARCHIVE_OK);
    archive_write_data(tar_, bytes.data(), bytes.size());
    archive_entry_free(entry);
  }

 private:
  archive* tar_;
};

class Archive : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WriteBundle(folder_ / "model", {{"a/kernel", {2}, {1, 2}}}, 7).ok());
    index_ = *ReadFile(folder_ / "model.index");
    data_ = *ReadFile(folder_ / "model.data-00000-of-00001");
  }
  // An archive with a good checkpoint and what `more` adds.
  fs::path Tar(const char* name, const std::function<void(TarWriter&)>& more = nullptr) {
    bool gzip = fs::path(name).extension() != ".tar";
    TarWriter tar(folder_ / name, gzip);
    tar.Add("efficientdet-d0/model.index", index_);
    tar.Add("efficientdet-d0/model.data-00000-of-00001", data_);
    tar.Add("efficientdet-d0/model.meta", std::string(5000, 'm'));
    tar.Add("efficientdet-d0/._model.index", "macOS");
    if (more) more(tar);
    return folder_ / name;
  }
  edet::testing::TemporaryDirectory folder_;
  std::string index_, data_;
};

TEST_F(Archive, IsReadAsItsFolderWouldBe) {
  for (const char* name : {"d0.tar.gz", "d0.tgz", "d0.tar"}) {
    Result<Checkpoint> archived = Checkpoint::Open(Tar(name));
    ASSERT_TRUE(archived.ok()) << archived.error().ToString();
    EXPECT_EQ(archived->summary().kind, CheckpointKind::kTensorFlow1Bundle);
    EXPECT_EQ(archived->summary().prefix, folder_ / name / "efficientdet-d0/model");
    EXPECT_EQ(archived->summary().global_step, 7);
    EXPECT_THAT(*archived->ReadFloats("a/kernel"), ElementsAre(1, 2));
    EXPECT_THAT(archived->Description(), HasSubstr("in an archive"));
  }
}

TEST_F(Archive, CarriesAllOfD0) {
  EDET_SKIP_WITHOUT("golden/d0/ckpt_tf1/model.index");
  fs::path golden = Reference("golden/d0/ckpt_tf1");
  {
    TarWriter tar(folder_ / "d0.tar.gz", true);
    for (const auto& file : fs::directory_iterator(golden))
      tar.Add("efficientdet-d0/" + file.path().filename().string(), *ReadFile(file.path()));
  }
  Result<Checkpoint> archived = Checkpoint::Open(folder_ / "d0.tar.gz");
  ASSERT_TRUE(archived.ok()) << archived.error().ToString();
  Result<Checkpoint> checkpoint = Checkpoint::Open(golden);
  ASSERT_TRUE(checkpoint.ok());
  EXPECT_EQ(archived->summary().ema_shadows, 709u);
  ExpectSameValues(*archived, *checkpoint, false);
}

TEST_F(Archive, OneOfSeveralCheckpointsIsNamedByTheStateFile) {
  auto second = [this](TarWriter& tar) { tar.Add("efficientdet-d0/b.index", index_); };
  ExpectError(OpenError(Tar("d0.tar", second)), ErrorCode::kUnsupported, "holds 2 checkpoints");
  fs::path stated = Tar("d0.tar", [&second](TarWriter& tar) {
    second(tar);
    tar.Add("efficientdet-d0/checkpoint", "model_checkpoint_path: \"/tmp/train/model\"\n");
  });
  Result<Checkpoint> archived = Checkpoint::Open(stated);
  ASSERT_TRUE(archived.ok()) << archived.error().ToString();
  EXPECT_EQ(archived->summary().prefix.filename(), "model");
}

TEST_F(Archive, SavedModelInsideIsKnownAsOne) {
  {
    TarWriter tar(folder_ / "s.tar", false);
    tar.Add("m/variables/variables.index", index_);
    tar.Add("m/variables/variables.data-00000-of-00001", data_);
    tar.Add("m/saved_model.pb", "graph");
  }
  Result<Checkpoint> archived = Checkpoint::Open(folder_ / "s.tar");
  ASSERT_TRUE(archived.ok()) << archived.error().ToString();
  EXPECT_EQ(archived->summary().kind, CheckpointKind::kSavedModel);
}

TEST_F(Archive, WhatCouldLeaveItsFolderIsRefused) {
  auto error = [this](const std::string& name, std::function<void(archive_entry*)> change = {}) {
    return OpenError(Tar("d0.tar", [&](TarWriter& tar) { tar.Add(name, "", change); }));
  };
  ExpectError(error("../model.index"), ErrorCode::kUnsupported, "leaves its folder");
  ExpectError(error("a/../../b"), ErrorCode::kUnsupported, "leaves its folder");
  ExpectError(error("/etc/passwd"), ErrorCode::kUnsupported, "leaves its folder");
  ExpectError(error("a\nb"), ErrorCode::kUnsupported, "control characters");
  ExpectError(error("efficientdet-d0/model.index"), ErrorCode::kUnsupported, "twice");
  ExpectError(error("link",
                    [](archive_entry* entry) {
                      archive_entry_set_filetype(entry, AE_IFLNK);
                      archive_entry_set_symlink(entry, "/etc/passwd");
                    }),
              ErrorCode::kUnsupported, "holds a link");
  ExpectError(error("hard",
                    [](archive_entry* entry) {
                      archive_entry_set_hardlink(entry, "efficientdet-d0/model.index");
                    }),
              ErrorCode::kUnsupported, "holds a link");
  ExpectError(
      error("fifo", [](archive_entry* entry) { archive_entry_set_filetype(entry, AE_IFIFO); }),
      ErrorCode::kUnsupported, "special file");
}

TEST_F(Archive, IsBoundedAndChecked) {
  Limits small;
  small.unpacked_bytes = 100000;
  auto zeros = [](const char* name) {
    return [name](TarWriter& tar) { tar.Add(name, std::string(1 << 20, '\0')); };
  };
  for (const char* name : {"big.index", "skipped.bin"}) {
    ExpectError(OpenError(Tar("bomb.tar.gz", zeros(name)), small), ErrorCode::kLimitExceeded,
                "unpacks to more than 100000 bytes");
  }
  Write(folder_ / "not.tar.gz", "\x1f\x8b..");
  EXPECT_THAT(OpenError(folder_ / "not.tar.gz").code, ErrorCode::kCorrupt);
  Write(folder_ / "not.tar", std::string(3000, 'x'));
  EXPECT_THAT(OpenError(folder_ / "not.tar").code, ErrorCode::kCorrupt);
  { TarWriter(folder_ / "none.tar", false).Add("README", "hello"); }
  ExpectError(OpenError(folder_ / "none.tar"), ErrorCode::kNotFound,
              "no checkpoint in this archive");
  {
    TarWriter tar(folder_ / "index.tar", false);
    tar.Add("m.index", index_);
  }
  Result<Checkpoint> listed = Checkpoint::Open(folder_ / "index.tar");
  ASSERT_TRUE(listed.ok());
  ExpectError(listed->ReadFloats("a/kernel").error(), ErrorCode::kNotFound,
              "index.tar/m.data-00000-of-00001");
}

TEST_F(Archive, DamageIsSurvived) {
  std::string good = *ReadFile(Tar("d0.tar.gz"));
  // The last bytes are padding and gzip's trailer, which a reader may leave alone.
  ExpectNoHarm(good.substr(0, good.size() - 60), folder_ / "bad.tar.gz", 200);
}

}  // namespace
}  // namespace edet::checkpoint
