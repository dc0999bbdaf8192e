#include <fmt/format.h>
#include <gst/gst.h>
#include <pango/pangocairo.h>

#include "cli/machine.h"

namespace edet::cli {
namespace {

// A GStreamer element that `edet run` uses, and the package of Debian and Ubuntu that brings it.
struct Element {
  const char* name;
  const char* package;
  const char* purpose;
  bool needed;
};

constexpr Element kElements[] = {
    {"uridecodebin", "gstreamer1.0-plugins-base", "opens any source by its URI", true},
    {"decodebin", "gstreamer1.0-plugins-base", "finds the decoder of a stream", true},
    {"videoconvert", "gstreamer1.0-plugins-base", "colour formats", true},
    {"videoscale", "gstreamer1.0-plugins-base", "picture sizes", true},
    {"appsink", "gstreamer1.0-plugins-base", "hands frames to the model", true},
    {"appsrc", "gstreamer1.0-plugins-base", "takes annotated frames", true},
    {"qtdemux", "gstreamer1.0-plugins-good", "reads MP4 and MOV", true},
    {"matroskademux", "gstreamer1.0-plugins-good", "reads MKV and WebM", true},
    {"avidemux", "gstreamer1.0-plugins-good", "reads AVI", true},
    {"mp4mux", "gstreamer1.0-plugins-good", "writes MP4", true},
    {"h264parse", "gstreamer1.0-plugins-bad", "H.264 streams", true},
    {"h265parse", "gstreamer1.0-plugins-bad", "H.265 streams", true},
    {"avdec_h264", "gstreamer1.0-libav", "decodes H.264", true},
    {"avdec_h265", "gstreamer1.0-libav", "decodes H.265", true},
    {"avdec_mpeg4", "gstreamer1.0-libav", "decodes MPEG-4 part 2, as in old AVI files", true},
    {"avdec_msmpeg4", "gstreamer1.0-libav", "decodes Microsoft MPEG-4, as in the demo's video",
     false},
    {"x264enc", "gstreamer1.0-plugins-ugly", "encodes the annotated video", true},
    {"rtspsrc", "gstreamer1.0-plugins-good", "RTSP cameras", false},
    {"v4l2src", "gstreamer1.0-plugins-good", "USB cameras", false},
    {"jpegdec", "gstreamer1.0-plugins-good", "JPEG pictures", false},
    {"pngdec", "gstreamer1.0-plugins-good", "PNG pictures", false},
};

Check Inspect(const Element& element) {
  GstElementFactory* factory = gst_element_factory_find(element.name);
  if (factory == nullptr) {
    return {"run", element.name, element.needed ? Check::State::kMissing : Check::State::kAbsent,
            element.purpose, fmt::format("apt-get install {}", element.package)};
  }
  GstPlugin* plugin = gst_plugin_feature_get_plugin(GST_PLUGIN_FEATURE(factory));
  Check found{"run", element.name, Check::State::kFound, element.purpose, ""};
  if (plugin != nullptr) {
    found.value += fmt::format(" ({})", gst_plugin_get_version(plugin));
    gst_object_unref(plugin);
  }
  gst_object_unref(factory);
  return found;
}

// Text on pictures needs one font at least; which one does not matter.
Check InspectFonts() {
  PangoFontFamily** families = nullptr;
  int count = 0;
  pango_font_map_list_families(pango_cairo_font_map_get_default(), &families, &count);
  g_free(families);
  if (count > 0)
    return {"run", "fonts", Check::State::kFound, fmt::format("{} families", count), ""};
  return {"run", "fonts", Check::State::kMissing, "text on pictures",
          "apt-get install fonts-dejavu-core"};
}

}  // namespace

std::vector<Check> InspectVideo() {
  GError* error = nullptr;
  if (!gst_init_check(nullptr, nullptr, &error)) {
    std::string reason = error != nullptr ? error->message : "gst_init failed";
    g_clear_error(&error);
    return {{"run", "GStreamer", Check::State::kMissing, reason,
             "apt-get install --reinstall libgstreamer1.0-0"}};
  }
  guint major = 0, minor = 0, micro = 0, nano = 0;
  gst_version(&major, &minor, &micro, &nano);
  std::vector<Check> checks = {
      {"run", "GStreamer", Check::State::kFound, fmt::format("{}.{}.{}", major, minor, micro), ""}};
  for (const Element& element : kElements) checks.push_back(Inspect(element));
  checks.push_back(InspectFonts());
  return checks;
}

}  // namespace edet::cli
