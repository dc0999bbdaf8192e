#include "deploy/bundle.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/file.h"
#include "deepstream/app_config.h"
#include "deepstream/nvinfer_config.h"
#include "deploy/checksum.h"
#include "deploy/devices.h"
#include "deploy/embedded_files.h"
#include "testing/temporary_directory.h"

namespace edet::deploy {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

void Write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

class ABundle : public ::testing::Test {
 protected:
  ABundle() {
    Write(model() / "config_infer_primary.txt",
          "[property]\nonnx-file=model.onnx\nbatch-size=3\nnetwork-mode=0\n"
          "num-detected-classes=3\n");
    Write(model() / "deepstream_app.txt", "[application]\nenable-perf-measurement=1\n");
    Write(model() / "model.onnx", std::string(1 << 20, '\x5a'));
    Write(model() / "labels.txt", "a\nb\nc\n");
    source_.folder = model();
    source_.record = "{\"model\": {\"name\": \"efficientdet-lite0\"}}";
    deepstream::ModelFacts& facts = source_.facts;
    facts.model_name = "efficientdet-lite0";
    facts.input_width = 320;
    facts.input_height = 256;
    facts.num_classes = 3;
    facts.postprocessing = deepstream::Postprocessing::kDecoded;
    facts.output_names = {"boxes", "scores"};
    facts.batch_size = 2;
    facts.score_threshold = 0.25F;
    facts.max_detections = 50;
    facts.parser_options = {{"EDET_PARSER_IOU", "0.6"}};
    source_.needs.postprocessing = facts.postprocessing;
    source_.needs.nhwc = true;
    Write(scratch_ / "lib.so", "not looked into");
  }
  fs::path model() const { return scratch_ / "model"; }

  // A library as its file would describe it.
  TargetLibrary Library(const std::string& architecture = "aarch64") const {
    TargetLibrary library;
    library.path = scratch_ / "lib.so";
    library.description.architecture = architecture;
    library.description.needed_newest = {{"GLIBC", "2.27"}, {"GLIBCXX", "3.4.21"}};
    library.description.self = parser::SelfDescription{"0.1.0", "GCC 12.2.0", 201402, {24, 28}, {}};
    return library;
  }
  Result<Bundle> Make(const std::string& platform = "xavier-jp5") const {
    return MakeBundle(source_, *deepstream::FindPlatform(platform), Library());
  }
  static std::map<std::string, std::string> Contents(const Bundle& bundle) {
    std::map<std::string, std::string> files;
    for (const BundleFile& file : bundle.files) files[file.path] = file.bytes;
    return files;
  }
  testing::TemporaryDirectory scratch_;
  BundleModel source_;
};

TEST(Checksum, IsThatOfTheStandard) {  // FIPS 180-2, appendix B.1
  EXPECT_EQ(Sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(EmbeddedFiles, AreTheFilesOfTheSourceTree) {
  const fs::path root = EDET_SOURCE_ROOT;
  std::set<std::string> paths;
  for (const EmbeddedFile& file : ParserSource()) {
    EXPECT_EQ(ReadFile(root / file.path).value(), file.text) << file.path;
    paths.insert(std::string(file.path));
  }
  EXPECT_THAT(paths, Contains("src/parser/library/Makefile"));
  EXPECT_THAT(paths, Contains("src/detect/nms.cpp"));
  EXPECT_THAT(paths, Contains("src/parser/library/program/self_test.cpp"));
  EXPECT_THAT(paths, Not(Contains("src/detect/detect_test.cpp")));
  for (const EmbeddedFile& file : DeviceFiles())
    EXPECT_EQ(ReadFile(root / "src/deploy" / file.path).value(), file.text) << file.path;
}

TEST(Devices, AreThoseOfTheJetsonPlatforms) {
  for (const deepstream::Platform& platform : deepstream::Platforms()) {
    const bool jetson = platform.arch == "aarch64" && platform.name != "thor-jp7";
    EXPECT_EQ(DeviceFactsOf(platform.name).l4t.empty(), !jetson) << platform.name;
  }
  const auto root = nlohmann::json::parse(DeviceFile("devices.json"));
  for (const auto& device : root.at("devices"))
    EXPECT_TRUE(deepstream::FindPlatform(device.at("platform")).ok()) << device;
}

TEST_F(ABundle, HoldsWhatTheDeviceNeeds) {
  Result<Bundle> bundle = Make();
  ASSERT_TRUE(bundle.ok()) << bundle.error().ToString();
  EXPECT_EQ(bundle->name, "edet-efficientdet-lite0-xavier-jp5");
  EXPECT_EQ(bundle->engine, "model.onnx_b2_gpu0_fp16.engine");
  auto files = Contents(*bundle);
  for (const char* path :
       {"MANIFEST.json", "SHA256SUMS", "README.md", "install.sh", "run.sh", "uninstall.sh",
        "compose.yaml", "bundle.env", "model/model.onnx", "model/labels.txt", "model/edet.json",
        "model/config_infer_primary.txt", "model/deepstream_app.txt",
        "model/deepstream_measure.txt", "model/libnvdsinfer_efficientdet.so",
        "model/libnvdsinfer_efficientdet.conf", "source/VERSION", "source/LICENSE",
        "source/src/parser/library/Makefile"})
    EXPECT_EQ(files.count(path), 1U) << path;
  EXPECT_THAT(files["model/libnvdsinfer_efficientdet.conf"], HasSubstr("EDET_PARSER_IOU=0.6\n"));
  EXPECT_THAT(files["README.md"], HasSubstr("efficientdet-lite0 for xavier-jp5"));
  EXPECT_THAT(files["README.md"], Not(HasSubstr("{")));
  EXPECT_THAT(files["bundle.env"], HasSubstr("deepstream-l4t:6.3-samples"));
}

TEST_F(ABundle, HasConfigsForThePlatform) {
  auto files = Contents(*Make());
  for (const char* name : {"config_infer_primary.txt", "deepstream_app.txt", "labels.txt"})
    Write(scratch_ / "device" / name, files[std::string("model/") + name]);
  Findings findings;
  auto config =
      deepstream::ReadNvinferConfig(scratch_ / "device" / "config_infer_primary.txt", findings);
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  EXPECT_EQ(config->batch_size, 2U);
  EXPECT_EQ(config->model_engine_file.filename(), "model.onnx_b2_gpu0_fp16.engine");
  ASSERT_EQ(config->postprocess.classes.size(), 3U);
  EXPECT_FLOAT_EQ(config->postprocess.classes[2].pre_cluster_threshold, 0.25F);
  EXPECT_EQ(config->postprocess.classes[2].top_k, 50);
  EXPECT_TRUE(config->postprocess.crop_objects_to_roi_boundary);
  EXPECT_THAT(files["model/deepstream_app.txt"], HasSubstr("# For xavier-jp5"));
  Write(scratch_ / "device" / "deepstream_measure.txt", files["model/deepstream_measure.txt"]);
  auto measure =
      deepstream::ReadAppConfig(scratch_ / "device" / "deepstream_measure.txt", findings);
  ASSERT_TRUE(measure.ok()) << measure.error().ToString();
  ASSERT_EQ(measure->sinks.size(), 1U);
  EXPECT_EQ(measure->sinks[0].type, 1);
  EXPECT_FALSE(measure->sinks[0].sync);
  EXPECT_TRUE(measure->enable_perf_measurement);
  EXPECT_EQ(measure->gie_kitti_output_dir.filename(), "kitti");
  EXPECT_THAT(Contents(*Make("xavier-jp4.6"))["model/config_infer_primary.txt"],
              Not(HasSubstr("crop-objects-to-roi-boundary")));  // there since 6.2
}

TEST_F(ABundle, ListsEveryFileWithSizeAndHash) {
  Bundle bundle = *Make();
  auto files = Contents(bundle);
  const auto manifest = nlohmann::json::parse(files["MANIFEST.json"]);
  EXPECT_EQ(manifest.at("files").size(), files.size() - 2);  // not itself, not SHA256SUMS
  for (const auto& file : manifest.at("files")) {
    const std::string& bytes = files.at(file.at("path"));
    EXPECT_EQ(file.at("bytes"), bytes.size());
    EXPECT_EQ(file.at("sha256"), Sha256(bytes));
  }
  EXPECT_EQ(manifest.at("target").at("l4t").at(0), "35.4");
  EXPECT_EQ(manifest.at("converted").at("model").at("name"), "efficientdet-lite0");
}

TEST_F(ABundle, HasTheSameBytesEveryTime) {
  for (const char* name : {"a.tar.zst", "a.tar.gz", "a.tar"}) {
    ASSERT_TRUE(WriteBundle(*Make(), scratch_ / name).ok());
    const std::string before = ReadFile(scratch_ / name).value();
    // Another folder, another time, another order of making.
    fs::rename(model(), scratch_ / "moved");
    fs::copy(scratch_ / "moved", model());
    fs::remove_all(scratch_ / "moved");
    ASSERT_TRUE(WriteBundle(*Make(), scratch_ / "again" / name).ok());
    EXPECT_TRUE(ReadFile(scratch_ / "again" / name).value() == before) << name;
  }
}

// libarchive's own reader is the judge of names, modes and bytes.
TEST_F(ABundle, IsATarOfOneFolder) {
  Bundle bundle = *Make();
  ASSERT_TRUE(WriteBundle(bundle, scratch_ / "b.tar.zst").ok());
  auto files = Contents(bundle);
  archive* reader = archive_read_new();
  archive_read_support_format_tar(reader);
  archive_read_support_filter_zstd(reader);
  ASSERT_EQ(archive_read_open_filename(reader, (scratch_ / "b.tar.zst").c_str(), 1 << 16), 0);
  std::set<std::string> seen;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
    const std::string name = archive_entry_pathname(entry);
    EXPECT_TRUE(seen.insert(name).second) << name << " twice";
    EXPECT_EQ(name.rfind(bundle.name + "/", 0), 0U) << name;
    EXPECT_EQ(archive_entry_mtime(entry), 0) << name;
    EXPECT_EQ(archive_entry_uid(entry), 0) << name;
    if (archive_entry_filetype(entry) != AE_IFREG) continue;
    const std::string path = name.substr(bundle.name.size() + 1);
    std::string bytes(static_cast<size_t>(archive_entry_size(entry)), '\0');
    EXPECT_EQ(archive_read_data(reader, bytes.data(), bytes.size()),
              static_cast<la_ssize_t>(bytes.size()));
    EXPECT_TRUE(bytes == files.at(path)) << path;
    const bool program = fs::path(path).extension() == ".sh" || fs::path(path).extension() == ".so";
    EXPECT_EQ((archive_entry_perm(entry) & 0111) != 0, program) << path;
    files.erase(path);
  }
  EXPECT_TRUE(files.empty()) << files.begin()->first << " is missing";
  archive_read_free(reader);
}

TEST_F(ABundle, IsRefusedWhereThePlatformDoesNotTakeTheModel) {
  Result<Bundle> bundle = Make("xavier-jp4.5");  // nvinfer of DeepStream 5 feeds NCHW only
  ASSERT_FALSE(bundle.ok());
  EXPECT_EQ(bundle.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(bundle.error().ToString(), HasSubstr("NCHW"));
  EXPECT_THAT(bundle.error().hint, HasSubstr("--target xavier-jp4.5"));
}

TEST_F(ABundle, HasNoNameThatAShellCouldMistake) {
  for (const char* name : {"a'b", "../x", "-rf", "", "a b"}) {
    source_.facts.model_name = name;
    EXPECT_EQ(Make().error().code, ErrorCode::kUnsupported) << name;
  }
}

TEST_F(ABundle, KeepsTheFoldersOwnConfigs) {
  source_.keep_configs = true;
  Bundle bundle = *Make();
  EXPECT_EQ(Contents(bundle)["model/config_infer_primary.txt"],
            ReadFile(model() / "config_infer_primary.txt").value());
  EXPECT_EQ(bundle.engine, "model.onnx_b3_gpu0_fp32.engine");
  fs::remove(model() / "deepstream_app.txt");
  EXPECT_EQ(Make().error().code, ErrorCode::kNotFound);
}

TEST_F(ABundle, IsReadAsItWasWritten) {
  Bundle bundle = *Make();
  for (const char* name : {"r.tar.zst", "r.tar.gz", "r.tar"}) {
    ASSERT_TRUE(WriteBundle(bundle, scratch_ / name).ok());
    Result<Bundle> read = ReadBundle(scratch_ / name);
    ASSERT_TRUE(read.ok()) << read.error().ToString();
    EXPECT_EQ(read->name, bundle.name);
    EXPECT_EQ(read->engine, bundle.engine);
    EXPECT_TRUE(Contents(*read) == Contents(bundle));
    EXPECT_EQ(ReadTarget(*read)->tensorrt, "8.5.2");
  }
}

TEST_F(ABundle, IsRefusedWhereAFileIsNotItsOwn) {
  const Bundle good = *Make();
  const auto refused = [&](Bundle bundle) {
    EXPECT_TRUE(WriteBundle(bundle, scratch_ / "bad.tar").ok());
    Result<Bundle> read = ReadBundle(scratch_ / "bad.tar");
    return read.ok() ? ErrorCode::kInternal : read.error().code;
  };
  for (const char* path : {"../evil", "/evil", "-rf", "a//b", "model/new\nline", "extra"}) {
    Bundle bundle = good;
    bundle.files.push_back({path, "x"});
    EXPECT_EQ(refused(bundle), ErrorCode::kCorrupt) << path;
  }
  for (size_t i = 0; i < good.files.size(); ++i) {
    Bundle changed = good, missing = good;
    changed.files[i].bytes += "x";
    missing.files.erase(missing.files.begin() + static_cast<std::ptrdiff_t>(i));
    if (good.files[i].path != "SHA256SUMS" && good.files[i].path != "MANIFEST.json") {
      EXPECT_EQ(refused(changed), ErrorCode::kCorrupt) << good.files[i].path;
    }
    EXPECT_EQ(refused(missing), ErrorCode::kCorrupt) << good.files[i].path;
  }
}

TEST_F(ABundle, IsNotWrittenUnderAnotherEnding) {
  EXPECT_EQ(WriteBundle(*Make(), scratch_ / "b.zip").error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(fs::exists(scratch_ / "b.zip"));
}

TEST_F(ABundle, TakesALibraryThatThePlatformCanLoad) {
  const deepstream::Platform jetpack4 = *deepstream::FindPlatform("xavier-jp4.6");
  const deepstream::Platform jetpack5 = *deepstream::FindPlatform("xavier-jp5");
  EXPECT_TRUE(CheckLibrary(Library(), jetpack4).ok());
  EXPECT_THAT(CheckLibrary(Library("x86_64"), jetpack4).error().ToString(), HasSubstr("x86_64"));
  TargetLibrary library = Library();
  library.description.needed_newest["GLIBC"] = "2.29";
  EXPECT_THAT(CheckLibrary(library, jetpack4).error().what, HasSubstr("GLIBC_2.29"));
  EXPECT_TRUE(CheckLibrary(library, jetpack5).ok());
  library.description.needed_newest["GLIBCXX"] = "3.4.29";
  EXPECT_THAT(CheckLibrary(library, jetpack5).error().what, HasSubstr("ends at 3.4.28"));
  for (const char* odd : {"PRIVATE", "", ".", "2..3", "99999999999999999999"}) {
    library.description.needed_newest = {{"GLIBC", odd}};
    EXPECT_FALSE(CheckLibrary(library, jetpack5).ok()) << odd;
  }
  library = Library();
  library.description.self.reset();
  EXPECT_THAT(CheckLibrary(library, jetpack5).error().what, HasSubstr("not edet's"));
}

}  // namespace
}  // namespace edet::deploy
