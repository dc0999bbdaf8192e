#include "video/scene.h"

#include <gtest/gtest.h>

#include <set>

namespace edet::video {
namespace {

struct Picture {
  std::vector<uint8_t> pixels;
  std::vector<SceneObject> objects;
};

Picture DrawFrame(uint32_t seed, uint64_t number) {
  Picture picture;
  picture.pixels.resize(size_t{320} * 180 * 4);
  picture.objects = Scene(seed, 320, 180).Draw(number, {picture.pixels.data(), 320, 180, 1280});
  return picture;
}

TEST(Scene, IsTheSameForASeed) {
  EXPECT_EQ(DrawFrame(7, 12).pixels, DrawFrame(7, 12).pixels);
  EXPECT_NE(DrawFrame(7, 12).pixels, DrawFrame(8, 12).pixels);
  EXPECT_NE(DrawFrame(7, 12).pixels, DrawFrame(7, 13).pixels);
}

TEST(Scene, BoxesLieInThePictureAndAllKindsAppear) {
  std::set<int> kinds;
  for (uint64_t number = 0; number < 100; number += 5) {
    for (const SceneObject& object : DrawFrame(3, number).objects) {
      kinds.insert(object.category);
      EXPECT_GE(object.left, 0.);
      EXPECT_GE(object.top, 0.);
      EXPECT_LE(object.left + object.width, 320.);
      EXPECT_LE(object.top + object.height, 180.);
      EXPECT_GT(object.width, 1.);
    }
  }
  EXPECT_EQ(kinds, (std::set<int>{1, 2, 3}));
}

}  // namespace
}  // namespace edet::video
