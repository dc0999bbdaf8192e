#include "video/contact_sheet.h"

#include <pango/pangocairo.h>

#include <algorithm>
#include <cmath>

#include "base/file.h"

namespace edet::video {
namespace {

constexpr int kWidth = 480;  // of one picture
constexpr int kCaption = 24;
constexpr int kGap = 8;

struct Destroy {
  void operator()(cairo_t* context) const { cairo_destroy(context); }
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};
using Surface = std::unique_ptr<cairo_surface_t, Destroy>;
using Context = std::unique_ptr<cairo_t, Destroy>;

Status StageSurface(cairo_surface_t* surface, const std::filesystem::path& path,
                    OutputFiles& files) {
  EDET_ASSIGN_OR_RETURN(const std::filesystem::path temporary, files.StageName(path));
  const cairo_status_t status = cairo_surface_write_to_png(surface, temporary.c_str());
  if (status != CAIRO_STATUS_SUCCESS) {
    return Error{ErrorCode::kIo,
                 std::string("the picture cannot be written: ") + cairo_status_to_string(status),
                 path.string(), ""};
  }
  return {};
}

Surface SurfaceOf(const Canvas& canvas) {
  return Surface(cairo_image_surface_create_for_data(canvas.data, CAIRO_FORMAT_RGB24, canvas.width,
                                                     canvas.height, canvas.stride_bytes));
}

void DrawCaption(cairo_t* context, const std::string& text, double left, double top) {
  PangoLayout* layout = pango_cairo_create_layout(context);
  PangoFontDescription* font = pango_font_description_from_string("Sans 10");
  pango_layout_set_font_description(layout, font);
  pango_layout_set_width(layout, kWidth * PANGO_SCALE);
  pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
  pango_layout_set_text(layout, text.c_str(), static_cast<int>(text.size()));
  cairo_set_source_rgb(context, 0.9, 0.9, 0.9);
  cairo_move_to(context, left + 2, top + 3);
  pango_cairo_show_layout(context, layout);
  pango_font_description_free(font);
  g_object_unref(layout);
}

}  // namespace

struct ContactSheet::Picture {
  Surface surface;
  int height = 0;
  std::string caption;
};

void ContactSheet::Add(uint64_t number, const Canvas& frame, const std::string& caption) {
  if (!Wants(number) || frame.width <= 0) return;
  auto picture = std::make_shared<Picture>();
  const double scale = static_cast<double>(kWidth) / frame.width;
  picture->height = std::clamp(static_cast<int>(std::lround(frame.height * scale)), 1, 4 * kWidth);
  picture->caption = caption;
  picture->surface.reset(cairo_image_surface_create(CAIRO_FORMAT_RGB24, kWidth, picture->height));
  const Context context(cairo_create(picture->surface.get()));
  const Surface source = SurfaceOf(frame);
  cairo_scale(context.get(), scale, scale);
  cairo_set_source_surface(context.get(), source.get(), 0, 0);
  cairo_pattern_set_filter(cairo_get_source(context.get()), CAIRO_FILTER_GOOD);
  cairo_paint(context.get());
  kept_.push_back(std::move(picture));
  if (kept_.size() < 2 * pictures_) return;
  // Full: every other picture goes, and half as many come from now on.
  for (size_t i = 0; 2 * i < kept_.size(); ++i) kept_[i] = kept_[2 * i];
  kept_.resize((kept_.size() + 1) / 2);
  stride_ *= 2;
}

Status ContactSheet::Write(const std::filesystem::path& path) const {
  if (kept_.empty())
    return Error{ErrorCode::kInvalidArgument, "no frames for a contact sheet", path.string(), ""};
  const size_t shown = std::min(kept_.size(), pictures_);
  const int columns = static_cast<int>(std::min<size_t>(shown, shown <= 4 ? 2 : 3));
  const int rows = (static_cast<int>(shown) + columns - 1) / columns;
  int tallest = 0;
  for (const auto& picture : kept_) tallest = std::max(tallest, picture->height);
  const int cell_width = kWidth + kGap, cell_height = tallest + kCaption + kGap;
  const Surface sheet(cairo_image_surface_create(CAIRO_FORMAT_RGB24, columns * cell_width + kGap,
                                                 rows * cell_height + kGap));
  const Context context(cairo_create(sheet.get()));
  cairo_set_source_rgb(context.get(), 0.12, 0.12, 0.14);
  cairo_paint(context.get());
  for (size_t i = 0; i < shown; ++i) {
    const Picture& picture = *kept_[shown == 1 ? 0 : i * (kept_.size() - 1) / (shown - 1)];
    const size_t column = i % static_cast<size_t>(columns), row = i / static_cast<size_t>(columns);
    const double left = kGap + static_cast<double>(column) * cell_width;
    const double top = kGap + static_cast<double>(row) * cell_height;
    cairo_set_source_surface(context.get(), picture.surface.get(), left, top);
    cairo_paint(context.get());
    DrawCaption(context.get(), picture.caption, left, top + picture.height);
  }
  cairo_surface_flush(sheet.get());
  OutputFiles files;
  EDET_RETURN_IF_ERROR(StageSurface(sheet.get(), path, files));
  return files.Commit();
}

Status StagePng(const Canvas& canvas, const std::filesystem::path& path, OutputFiles& files) {
  return StageSurface(SurfaceOf(canvas).get(), path, files);
}

}  // namespace edet::video
