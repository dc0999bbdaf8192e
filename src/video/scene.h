// A drawn street: cars, people and bicycles that move, with the boxes that a detector should find.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "video/overlay.h"

namespace edet::video {

struct SceneOptions {
  std::filesystem::path path;  // H.264 in mp4; the truth goes beside it: same name, .json
  uint64_t frames = 100;
  uint32_t seed = 1;
  unsigned width = 640, height = 360;  // pixels, even, at least 64
  int frame_rate = 25;
};

// An object's visible box in frame pixels. `category` is COCO's: 1 person, 2 bicycle, 3 car.
struct SceneObject {
  int category = 0;
  int track = 0;  // the same thing in every frame
  double left = 0., top = 0., width = 0., height = 0.;
};

// The street of one seed; equal seeds give equal pictures. Thread-safe.
class Scene {
 public:
  Scene(uint32_t seed, unsigned width, unsigned height);
  // Draws frame `number` and returns what is to be seen in it: boxes are clipped to the picture;
  // what shows less than a quarter of itself is left out.
  std::vector<SceneObject> Draw(uint64_t number, const Canvas& canvas) const;

 private:
  struct Actor {
    int category = 0;
    double start = 0., speed = 0.;    // pixels, pixels a frame
    double ground = 0., height = 0.;  // of the feet or wheels; of the thing
    Color color;
  };
  double LeftOf(const Actor& actor, uint64_t number) const;

  unsigned width_, height_;
  std::vector<Actor> actors_;  // far ones first
};

// Writes the clip and its truth in COCO's form (image id = frame number + 1). Errors: those of
// Encoder; InvalidArgument (size). Returns the path of the truth.
Result<std::filesystem::path> WriteScene(const SceneOptions& options);

}  // namespace edet::video
