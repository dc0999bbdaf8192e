#include "video/overlay.h"

#include <fmt/format.h>
#include <pango/pangocairo.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace edet::video {
namespace {

struct Destroy {
  void operator()(cairo_t* context) const { cairo_destroy(context); }
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
  void operator()(PangoLayout* layout) const { g_object_unref(layout); }
  void operator()(PangoFontDescription* font) const { pango_font_description_free(font); }
};
template <typename T>
using Owned = std::unique_ptr<T, Destroy>;

double Luminance(const Color& color) {
  return 0.299 * color.red + 0.587 * color.green + 0.114 * color.blue;
}

void SetColor(cairo_t* context, const Color& color) {
  cairo_set_source_rgb(context, color.red, color.green, color.blue);
}

void DrawBox(cairo_t* context, const detect::FrameObject& object, double border) {
  // The line lies inside of the box, so that it shows at the picture's edge as well.
  const double inset = border / 2;
  cairo_set_line_width(context, border);
  cairo_rectangle(context, object.left + inset, object.top + inset,
                  std::max(0.5, object.width - border), std::max(0.5, object.height - border));
  cairo_stroke(context);
}

void DrawLabel(cairo_t* context, PangoLayout* layout, const Canvas& canvas,
               const detect::FrameObject& object, const std::string& text, const Color& color) {
  pango_layout_set_text(layout, text.c_str(), static_cast<int>(text.size()));
  int width = 0, height = 0;
  pango_layout_get_pixel_size(layout, &width, &height);
  const double padding = 3.;
  const double left =
      std::clamp<double>(object.left, 0., std::max(0., canvas.width - width - 2 * padding));
  double top = object.top - height;
  if (top < 0.) top = std::max(0.F, object.top);  // no room above: inside of the box
  SetColor(context, color);
  cairo_rectangle(context, left, top, width + 2 * padding, height);
  cairo_fill(context);
  SetColor(context, Luminance(color) > 0.5 ? Color{0., 0., 0.} : Color{1., 1., 1.});
  cairo_move_to(context, left + padding, top);
  pango_cairo_show_layout(context, layout);
}

}  // namespace

Color ClassColor(unsigned class_index) {
  // Hues by the golden ratio: neighbouring classes are far apart on the colour circle.
  const double hue = std::fmod(0.12 + class_index * 0.618033988749895, 1.0) * 6.;
  const double saturation = class_index % 2 == 0 ? 0.85 : 0.65, value = 0.98;
  auto channel = [&](double n) {
    const double k = std::fmod(n + hue, 6.);
    return value - value * saturation * std::clamp(std::min(k, 4. - k), 0., 1.);
  };
  return {channel(5.), channel(3.), channel(1.)};
}

std::string ClassName(unsigned class_index, const std::vector<std::string>& labels) {
  return class_index < labels.size() ? labels[class_index] : fmt::format("class {}", class_index);
}

void DrawObjects(const Canvas& canvas, const std::vector<detect::FrameObject>& objects,
                 const std::vector<std::string>& labels, const OverlayOptions& options) {
  if (objects.empty()) return;
  const Owned<cairo_surface_t> surface(cairo_image_surface_create_for_data(
      canvas.data, CAIRO_FORMAT_RGB24, canvas.width, canvas.height, canvas.stride_bytes));
  const Owned<cairo_t> context(cairo_create(surface.get()));
  const Owned<PangoLayout> layout(pango_cairo_create_layout(context.get()));
  const Owned<PangoFontDescription> font(pango_font_description_from_string(
      fmt::format("{} {}", options.font, std::clamp(options.text_size_pt, 4U, 200U)).c_str()));
  pango_layout_set_font_description(layout.get(), font.get());
  // The surest ones last, on top.
  std::vector<const detect::FrameObject*> order;
  order.reserve(objects.size());
  for (const auto& object : objects) order.push_back(&object);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return a->confidence < b->confidence; });
  for (const detect::FrameObject* object : order) {
    if (!options.boxes || options.border_width_px == 0) break;
    SetColor(context.get(), ClassColor(object->class_index));
    DrawBox(context.get(), *object, options.border_width_px);
  }
  for (const detect::FrameObject* object : order) {
    if (!options.text) break;
    const std::string text = fmt::format("{} {:.0f}%", ClassName(object->class_index, labels),
                                         object->confidence * 100.F);
    DrawLabel(context.get(), layout.get(), canvas, *object, text, ClassColor(object->class_index));
  }
  cairo_surface_flush(surface.get());
}

}  // namespace edet::video
