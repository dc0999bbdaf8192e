#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

#include "testing/reference_data.h"
#include "testing/temporary_directory.h"
#include "video/bounded_queue.h"
#include "video/encoder.h"
#include "video/gstreamer.h"
#include "video/preprocess.h"
#include "video/records.h"
#include "video/source.h"

namespace edet::video {
namespace {

TEST(BoundedQueue, KeepsOrderAndNeverHoldsMore) {
  BoundedQueue<int> queue(3);
  std::atomic<int> inside{0}, most{0};
  std::thread writer([&] {
    for (int i = 0; i < 1000; ++i) {
      ASSERT_TRUE(queue.Push(i));
      const int now = ++inside;
      if (now > most) most = now;
    }
    queue.Close();
  });
  for (int expected = 0; expected < 1000; ++expected) {
    const auto item = queue.Pop();
    ASSERT_TRUE(item);
    EXPECT_EQ(*item, expected);
    --inside;
  }
  EXPECT_FALSE(queue.Pop());
  writer.join();
  EXPECT_LE(most, 4);  // three inside and one between Pop() and the count
}

TEST(BoundedQueue, CloseFreesAWaitingWriter) {
  BoundedQueue<int> queue(1);
  ASSERT_TRUE(queue.Push(1));
  std::thread writer([&] { EXPECT_FALSE(queue.Push(2)); });
  queue.Close();
  writer.join();
  EXPECT_EQ(queue.Pop(), std::optional<int>(1));
  EXPECT_FALSE(queue.Pop());
}

// 4x2 pixels; blue 10 x column, green 100 + row, red 200 + column.
std::vector<uint8_t> SmallPicture() {
  std::vector<uint8_t> pixels;
  for (uint8_t y = 0; y < 2; ++y) {
    for (uint8_t x = 0; x < 4; ++x) {
      pixels.insert(pixels.end(), {static_cast<uint8_t>(10 * x), static_cast<uint8_t>(100 + y),
                                   static_cast<uint8_t>(200 + x), 255});
    }
  }
  return pixels;
}

TEST(Preprocessor, LetterboxesPadsAndNormalisesByHand) {
  const auto pixels = SmallPicture();
  PreprocessOptions options;
  options.network_width = options.network_height = 4;
  options.maintain_aspect_ratio = options.symmetric_padding = true;
  options.scale = 0.5F;
  options.offsets[0] = 100.F;
  options.offsets[1] = 50.F;
  options.offsets[2] = 2.F;
  Preprocessor preprocessor(options);
  std::vector<float> tensor(4 * 4 * 3, -1e9F);
  const auto fit = preprocessor.Fill({pixels.data(), 16, 4, 2}, tensor.data());
  EXPECT_EQ(fit.scaled_height, 2U);
  EXPECT_EQ(fit.offset_top, 1U);
  auto at = [&](int y, int x, int c) { return tensor[static_cast<size_t>((y * 4 + x) * 3 + c)]; };
  // Black is normalised: 0.5 * (0 - offset).
  EXPECT_FLOAT_EQ(at(0, 3, 0), -50.F);
  EXPECT_FLOAT_EQ(at(3, 0, 1), -25.F);
  EXPECT_FLOAT_EQ(at(3, 0, 2), -1.F);
  // Red first: row 1 of the network is row 0 of the picture.
  EXPECT_FLOAT_EQ(at(1, 2, 0), 0.5F * (202 - 100));
  EXPECT_FLOAT_EQ(at(2, 2, 1), 0.5F * (101 - 50));
  EXPECT_FLOAT_EQ(at(2, 3, 2), 0.5F * (30 - 2));
}

TEST(Preprocessor, PlanesAndBlueFirst) {
  const auto pixels = SmallPicture();
  PreprocessOptions options;
  options.network_width = 4;
  options.network_height = 2;
  options.nhwc = false;
  options.bgr = true;
  std::vector<float> tensor(24);
  Preprocessor(options).Fill({pixels.data(), 16, 4, 2}, tensor.data());
  EXPECT_FLOAT_EQ(tensor[3], 30.F);        // blue plane, row 0, column 3
  EXPECT_FLOAT_EQ(tensor[8 + 4], 101.F);   // green plane, row 1
  EXPECT_FLOAT_EQ(tensor[16 + 1], 201.F);  // red plane
}

TEST(Preprocessor, NearestTakesAndBilinearMixesPixels) {
  const auto pixels = SmallPicture();
  PreprocessOptions options;
  options.network_width = 2;
  options.network_height = 2;
  std::vector<float> tensor(12);
  Preprocessor(options).Fill({pixels.data(), 16, 4, 2}, tensor.data());
  EXPECT_FLOAT_EQ(tensor[2], 10.F);  // centre of column 0 is source position 1.0: column 1
  EXPECT_FLOAT_EQ(tensor[5], 30.F);
  options.filter = Filter::kBilinear;
  Preprocessor(options).Fill({pixels.data(), 16, 4, 2}, tensor.data());
  EXPECT_FLOAT_EQ(tensor[2], 5.F);  // half of columns 0 and 1
  EXPECT_FLOAT_EQ(tensor[5], 25.F);
  options.network_width = 8;  // magnified: 0, 2.5, 7.5, 12.5, ... rounded to 8 bits
  tensor.resize(48);
  Preprocessor(options).Fill({pixels.data(), 16, 4, 2}, tensor.data());
  EXPECT_FLOAT_EQ(tensor[2], 0.F);
  EXPECT_FLOAT_EQ(tensor[3 + 2], 3.F);
  EXPECT_FLOAT_EQ(tensor[6 + 2], 8.F);
  EXPECT_FLOAT_EQ(tensor[21 + 2], 30.F);
}

TEST(Preprocessor, NamesFilters) {
  EXPECT_EQ(ChooseFilter(0).filter, Filter::kNearest);
  EXPECT_EQ(ChooseFilter(6).filter, Filter::kNearest);
  EXPECT_TRUE(ChooseFilter(1).exact);
  EXPECT_FALSE(ChooseFilter(4).exact);
}

FrameRecord Record() {
  FrameRecord record;
  record.source = 2;
  record.frame = 17;
  record.pts_s = 0.5;
  record.objects = {{1, 10.F, 20.F, 30.F, 40.F, 0.75F}};
  return record;
}

TEST(Records, KittiAsDeepstreamAppWritesIt) {
  EXPECT_EQ(KittiName(Record()), "00_002_000017.txt");
  EXPECT_EQ(KittiText(Record(), {"person", "car"}),
            "car 0.0 0 0.0 10.000000 20.000000 40.000000 60.000000 0.0 0.0 0.0 0.0 0.0 0.0 0.0 "
            "0.750000\n");
}

TEST(Records, JsonLine) {
  EXPECT_EQ(JsonLine(Record(), {"a", "b\xff"}),
            "{\"source\":2,\"frame\":17,\"pts_s\":0.5,\"objects\":[{\"class\":1,\"label\":"
            "\"b\xef\xbf\xbd\","
            "\"score\":0.75,\"left\":10.0,\"top\":20.0,\"width\":30.0,\"height\":40.0}]}");
}

TEST(Records, StagedFolderLeavesNothingUnlessCommitted) {
  testing::TemporaryDirectory folder;
  {
    auto staged = StagedFolder::Open(folder / "kitti");
    ASSERT_TRUE(staged.ok());
    ASSERT_TRUE(staged->Write("a.txt", "1").ok());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder / "kitti"));
  auto staged = StagedFolder::Open(folder / "kitti");
  ASSERT_TRUE(staged->Write("a.txt", "1").ok());
  ASSERT_TRUE(staged->Commit().ok());
  EXPECT_TRUE(std::filesystem::exists(folder / "kitti/a.txt"));
}

uint64_t CountFrames(const std::filesystem::path& path, unsigned width, unsigned height) {
  SourceOptions options;
  options.uri = path.string();
  options.width = width;
  options.height = height;
  auto source = Source::Open(options);
  EXPECT_TRUE(source.ok()) << source.error().ToString();
  uint64_t count = 0;
  double last = -1.;
  while (source.ok()) {
    auto frame = source->Next();
    EXPECT_TRUE(frame.ok());
    if (!frame.ok() || frame->empty()) break;
    EXPECT_EQ(frame->width(), width);
    EXPECT_GT(frame->pts_s(), last);
    last = frame->pts_s();
    ++count;
  }
  return count;
}

// Counted by ffprobe -count_frames.
TEST(Source, DeliversEveryFrameOfRealVideos) {
  EDET_SKIP_WITHOUT("assets/video/intel_car-detection.mp4");
  const auto folder = testing::ReferenceData() / "assets/video";
  EXPECT_EQ(CountFrames(folder / "intel_car-detection.mp4", 384, 216), 377U);    // H.264 Baseline
  EXPECT_EQ(CountFrames(folder / "mediapipe_test_video.mp4", 640, 360), 19U);    // 1080p High
  EXPECT_EQ(CountFrames(folder / "nvidia_Retail02_short.mp4", 320, 180), 603U);  // HEVC
}

TEST(Source, SaysWhatIsWrong) {
  testing::TemporaryDirectory folder;
  std::ofstream(folder / "noise.mp4") << std::string(5000, 'x');
  std::ofstream(folder / "empty.mp4");
  for (const char* name : {"noise.mp4", "empty.mp4"}) {
    SourceOptions options;
    options.uri = (folder / name).string();
    auto source = Source::Open(options);
    ASSERT_FALSE(source.ok());
    EXPECT_EQ(source.error().code, ErrorCode::kCorrupt) << source.error().ToString();
  }
  SourceOptions options;
  options.uri = (folder / "absent.mp4").string();
  auto absent = Source::Open(options);
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code, ErrorCode::kNotFound);
}

Frame GreyFrame(unsigned width, unsigned height, uint64_t number) {
  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_BGRx, width, height);
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, info.size, nullptr);
  gst_buffer_memset(buffer, 0, static_cast<guint8>(number * 8), info.size);
  GST_BUFFER_PTS(buffer) = number * GST_SECOND / 25;
  return Frame(buffer, info);
}

EncoderOptions SmallVideo(const std::filesystem::path& path) {
  EncoderOptions options;
  options.path = path;
  options.width = 64;
  options.height = 48;
  options.frame_rate_n = 25;
  return options;
}

TEST(Encoder, WritesWhatTheSourceReadsAgain) {
  ASSERT_TRUE(StartGStreamer().ok());
  testing::TemporaryDirectory folder;
  auto encoder = Encoder::Open(SmallVideo(folder / "out.mp4"));
  if (!encoder.ok() && encoder.error().code == ErrorCode::kEnvironment) {
    GTEST_SKIP() << encoder.error().ToString();
  }
  ASSERT_TRUE(encoder.ok()) << encoder.error().ToString();
  for (uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(encoder->Write(GreyFrame(64, 48, i)).ok());
  ASSERT_TRUE(encoder->Finish().ok());
  EXPECT_EQ(CountFrames(folder / "out.mp4", 64, 48), 20U);
}

TEST(Encoder, LeavesNothingWithoutFinish) {
  ASSERT_TRUE(StartGStreamer().ok());
  testing::TemporaryDirectory folder;
  {
    auto encoder = Encoder::Open(SmallVideo(folder / "out.mp4"));
    if (!encoder.ok()) GTEST_SKIP() << encoder.error().ToString();
    for (uint64_t i = 0; i < 5; ++i) ASSERT_TRUE(encoder->Write(GreyFrame(64, 48, i)).ok());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace edet::video
