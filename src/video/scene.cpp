#include "video/scene.h"

#include <cairo.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

#include "base/file.h"
#include "video/encoder.h"
#include "video/gstreamer.h"

namespace edet::video {
namespace {

struct Destroy {
  void operator()(cairo_t* context) const { cairo_destroy(context); }
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};

constexpr int kPerson = 1, kBicycle = 2, kCar = 3;
constexpr double kTurn = 2. * 3.14159265358979;

// Width as a fraction of the height.
double Aspect(int category) {
  return category == kPerson ? 0.42 : category == kBicycle ? 1.15 : 2.3;
}

void Fill(cairo_t* c, const Color& color) {
  cairo_set_source_rgb(c, color.red, color.green, color.blue);
  cairo_fill(c);
}

void Rectangle(cairo_t* c, double x, double y, double w, double h, const Color& color) {
  cairo_rectangle(c, x, y, w, h);
  Fill(c, color);
}

void Disc(cairo_t* c, double x, double y, double radius, const Color& color) {
  cairo_arc(c, x, y, radius, 0., kTurn);
  Fill(c, color);
}

// All things are drawn into the box (0, 0) to (aspect, 1).
void DrawCar(cairo_t* c, const Color& paint) {
  Rectangle(c, 0.0, 0.38, 2.3, 0.42, paint);
  cairo_move_to(c, 0.45, 0.4);
  cairo_line_to(c, 0.75, 0.);
  cairo_line_to(c, 1.6, 0.);
  cairo_line_to(c, 1.95, 0.4);
  Fill(c, paint);
  Rectangle(c, 0.8, 0.08, 0.36, 0.28, {0.75, 0.87, 0.93});
  Rectangle(c, 1.22, 0.08, 0.36, 0.28, {0.75, 0.87, 0.93});
  for (const double x : {0.5, 1.8}) {
    Disc(c, x, 0.78, 0.22, {0.08, 0.08, 0.09});
    Disc(c, x, 0.78, 0.1, {0.7, 0.7, 0.72});
  }
}

// `stride`: -1 to 1, where the legs are.
void DrawPerson(cairo_t* c, const Color& coat, double stride) {
  cairo_set_line_width(c, 0.09);
  cairo_set_source_rgb(c, 0.15, 0.17, 0.28);
  for (const double side : {-1., 1.}) {
    cairo_move_to(c, 0.21, 0.56);
    cairo_line_to(c, 0.21 + side * stride * 0.15, 0.98);
    cairo_stroke(c);
  }
  Rectangle(c, 0.1, 0.2, 0.22, 0.38, coat);
  Disc(c, 0.21, 0.1, 0.1, {0.87, 0.68, 0.54});
}

void DrawBicycle(cairo_t* c, const Color& coat, double stride) {
  cairo_set_line_width(c, 0.035);
  cairo_set_source_rgb(c, 0.1, 0.1, 0.1);
  for (const double x : {0.25, 0.9}) {
    cairo_arc(c, x, 0.77, 0.21, 0., kTurn);
    cairo_stroke(c);
  }
  cairo_move_to(c, 0.25, 0.77);
  cairo_line_to(c, 0.5, 0.5);
  cairo_line_to(c, 0.85, 0.5);
  cairo_line_to(c, 0.9, 0.77);
  cairo_stroke(c);
  cairo_set_line_width(c, 0.08);
  cairo_set_source_rgb(c, 0.2, 0.2, 0.35);
  cairo_move_to(c, 0.5, 0.45);
  cairo_line_to(c, 0.57 + 0.08 * stride, 0.8);
  cairo_stroke(c);
  Rectangle(c, 0.42, 0.16, 0.2, 0.32, coat);
  Disc(c, 0.54, 0.09, 0.09, {0.87, 0.68, 0.54});
}

void DrawStreet(cairo_t* c, double width, double height) {
  Rectangle(c, 0, 0, width, height * 0.42, {0.62, 0.78, 0.92});
  for (int i = 0; i < 7; ++i) {
    const double tall = height * (0.14 + 0.035 * ((i * 5) % 7));
    const double grey = 0.5 + 0.04 * ((i * 3) % 5);
    Rectangle(c, i * width / 7., height * 0.42 - tall, width / 7. - 3, tall,
              {grey, grey * 0.94, grey * 0.88});
  }
  Rectangle(c, 0, height * 0.42, width, height * 0.12, {0.7, 0.69, 0.66});
  Rectangle(c, 0, height * 0.54, width, height * 0.46, {0.33, 0.34, 0.36});
  constexpr int kDashes = 8;
  for (int dash = 0; dash < kDashes; ++dash) {
    Rectangle(c, width * dash / kDashes, height * 0.755, width / 16., height * 0.012,
              {0.92, 0.92, 0.88});
  }
}

using Json = nlohmann::ordered_json;

Json CategoriesJson() {
  return {{{"id", kPerson}, {"name", "person"}},
          {{"id", kBicycle}, {"name", "bicycle"}},
          {{"id", kCar}, {"name", "car"}}};
}

void AddTruth(const std::vector<SceneObject>& objects, uint64_t number, Json& annotations) {
  for (const SceneObject& o : objects) {
    annotations.push_back({{"id", annotations.size() + 1},
                           {"image_id", number + 1},
                           {"category_id", o.category},
                           {"bbox", {o.left, o.top, o.width, o.height}},
                           {"area", o.width * o.height},
                           {"iscrowd", 0},
                           {"track_id", o.track}});
  }
}

Result<Frame> EmptyFrame(const SceneOptions& options, uint64_t number) {
  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_BGRx, options.width, options.height);
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, info.size, nullptr);
  if (buffer == nullptr) return Error{ErrorCode::kEnvironment, "no memory for a frame", "", ""};
  GST_BUFFER_PTS(buffer) =
      gst_util_uint64_scale(number, GST_SECOND, static_cast<guint64>(options.frame_rate));
  return Frame(buffer, info);
}

}  // namespace

Scene::Scene(uint32_t seed, unsigned width, unsigned height) : width_(width), height_(height) {
  std::mt19937 random(seed);
  // Own mapping: the standard's distributions differ between libraries.
  auto between = [&random](double low, double high) {
    return low + (high - low) * (random() / 4294967296.);
  };
  struct Lane {
    int category, count;
    double ground, tall, speed;  // fractions of the height; of the width a second at 25 fps
  };
  const Lane lanes[] = {{kPerson, 4, 0.53, 0.20, 0.06},
                        {kCar, 2, 0.70, 0.16, -0.16},
                        {kBicycle, 2, 0.80, 0.22, 0.12},
                        {kCar, 2, 0.93, 0.24, 0.2},
                        {kPerson, 1, 0.99, 0.33, -0.08}};
  for (const Lane& lane : lanes) {
    for (int i = 0; i < lane.count; ++i) {
      Actor actor;
      actor.category = lane.category;
      actor.start =
          between(0., 1.) * width / lane.count + static_cast<double>(i) * width / lane.count;
      actor.speed = lane.speed * (lane.category == kCar ? 1. : between(0.7, 1.3)) * width / 25.;
      actor.ground = height * lane.ground;
      actor.height = height * lane.tall * between(0.88, 1.);
      actor.color = ClassColor(static_cast<unsigned>(between(0., 50.)));
      actors_.push_back(actor);
    }
  }
}

// Whoever leaves on one side comes back on the other.
double Scene::LeftOf(const Actor& actor, uint64_t number) const {
  const double own = actor.height * Aspect(actor.category);
  const double way = width_ + 1.5 * own;
  const double at = std::fmod(actor.start + actor.speed * static_cast<double>(number), way);
  return (at < 0. ? at + way : at) - own;
}

std::vector<SceneObject> Scene::Draw(uint64_t number, const Canvas& canvas) const {
  const std::unique_ptr<cairo_surface_t, Destroy> surface(cairo_image_surface_create_for_data(
      canvas.data, CAIRO_FORMAT_RGB24, canvas.width, canvas.height, canvas.stride_bytes));
  const std::unique_ptr<cairo_t, Destroy> context(cairo_create(surface.get()));
  DrawStreet(context.get(), width_, height_);
  std::vector<SceneObject> objects;
  for (size_t i = 0; i < actors_.size(); ++i) {
    const Actor& actor = actors_[i];
    const double left = LeftOf(actor, number), top = actor.ground - actor.height;
    const double own = actor.height * Aspect(actor.category);
    cairo_save(context.get());
    cairo_translate(context.get(), actor.speed < 0. ? left + own : left, top);
    cairo_scale(context.get(), actor.speed < 0. ? -actor.height : actor.height, actor.height);
    const double stride = std::sin(static_cast<double>(number) * 0.5 + static_cast<double>(i));
    if (actor.category == kCar) DrawCar(context.get(), actor.color);
    if (actor.category == kPerson) DrawPerson(context.get(), actor.color, stride);
    if (actor.category == kBicycle) DrawBicycle(context.get(), actor.color, stride);
    cairo_restore(context.get());
    const double begin = std::max(0., left), end = std::min<double>(width_, left + own);
    if (end - begin < 0.25 * own) continue;
    objects.push_back(
        {actor.category, static_cast<int>(i) + 1, begin, top, end - begin, actor.height});
  }
  cairo_surface_flush(surface.get());
  return objects;
}

Result<std::filesystem::path> WriteScene(const SceneOptions& options) {
  if (options.width < 64 || options.height < 64 || options.width > 7680 || options.height > 4320 ||
      options.frames == 0) {
    return Error{ErrorCode::kInvalidArgument,
                 "a clip needs at least one frame of 64x64 to 7680x4320 pixels",
                 options.path.string(), ""};
  }
  EDET_RETURN_IF_ERROR(StartGStreamer());
  EncoderOptions encoding;
  encoding.path = options.path;
  encoding.width = options.width;
  encoding.height = options.height;
  encoding.frame_rate_n = options.frame_rate;
  EDET_ASSIGN_OR_RETURN(Encoder encoder, Encoder::Open(encoding));
  const Scene scene(options.seed, options.width, options.height);
  Json images = Json::array(), annotations = Json::array();
  for (uint64_t number = 0; number < options.frames; ++number) {
    EDET_ASSIGN_OR_RETURN(Frame frame, EmptyFrame(options, number));
    Canvas canvas{nullptr, static_cast<int>(options.width), static_cast<int>(options.height), 0};
    if (!frame.MapForWriting(canvas.data, canvas.stride_bytes))
      return Error{ErrorCode::kInternal, "a frame cannot be drawn into", "", ""};
    AddTruth(scene.Draw(number, canvas), number, annotations);
    images.push_back({{"id", number + 1},
                      {"file_name", fmt::format("{:06}.png", number)},
                      {"width", options.width},
                      {"height", options.height}});
    frame.Unmap();
    EDET_RETURN_IF_ERROR(encoder.Write(std::move(frame)));
  }
  EDET_RETURN_IF_ERROR(encoder.Finish());
  const Json truth = {
      {"info", {{"description", fmt::format("drawn street, seed {}", options.seed)}}},
      {"images", images},
      {"annotations", annotations},
      {"categories", CategoriesJson()}};
  std::filesystem::path path = options.path;
  path.replace_extension(".json");
  EDET_RETURN_IF_ERROR(WriteFileAtomically(path, truth.dump()));
  return path;
}

}  // namespace edet::video
