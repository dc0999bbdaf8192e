#include "video/gstreamer.h"

#include <gst/pbutils/pbutils.h>

#include <algorithm>
#include <cstring>

namespace edet::video {
namespace {

struct ElementPackage {
  const char* element;
  const char* package;
};
constexpr ElementPackage kPackages[] = {
    {"x264enc", "gstreamer1.0-plugins-ugly"},        {"x265enc", "gstreamer1.0-plugins-bad"},
    {"h264parse", "gstreamer1.0-plugins-bad"},       {"h265parse", "gstreamer1.0-plugins-bad"},
    {"mpeg4videoparse", "gstreamer1.0-plugins-bad"}, {"mp4mux", "gstreamer1.0-plugins-good"},
    {"matroskamux", "gstreamer1.0-plugins-good"},    {"avenc_mpeg4", "gstreamer1.0-libav"},
    {"uridecodebin", "gstreamer1.0-plugins-base"},   {"videoconvert", "gstreamer1.0-plugins-base"},
    {"videoscale", "gstreamer1.0-plugins-base"},     {"appsink", "gstreamer1.0-plugins-base"},
    {"appsrc", "gstreamer1.0-plugins-base"}};

// A missing decoder or demuxer is only described in words.
const char* PackageForDescription(const std::string& description) {
  for (const char* word : {"QuickTime", "Matroska", "AVI", "JPEG", "PNG", "FLV", "RTSP", "RTP"}) {
    if (description.find(word) != std::string::npos) return "gstreamer1.0-plugins-good";
  }
  return "gstreamer1.0-libav";
}

Error MissingPlugin(GstMessage* message, const std::string& where) {
  char* text = gst_missing_plugin_message_get_description(message);
  const std::string description = text == nullptr ? "a plugin" : text;
  g_free(text);
  return Error{ErrorCode::kEnvironment, "GStreamer lacks: " + description, where,
               std::string("apt install ") + PackageForDescription(description)};
}

}  // namespace

Status StartGStreamer() {
  GError* error = nullptr;
  if (gst_init_check(nullptr, nullptr, &error)) {
    gst_pb_utils_init();
    return {};
  }
  std::string text = error == nullptr ? "no reason given" : error->message;
  g_clear_error(&error);
  return Error{ErrorCode::kEnvironment, "GStreamer does not start: " + text, "", ""};
}

Status RequireElements(const std::vector<std::string>& elements) {
  for (const std::string& name : elements) {
    const GstOwned<GstElementFactory> factory(gst_element_factory_find(name.c_str()));
    if (factory) continue;
    const auto* known = std::find_if(std::begin(kPackages), std::end(kPackages),
                                     [&](const ElementPackage& p) { return name == p.element; });
    return Error{ErrorCode::kEnvironment, "GStreamer has no element '" + name + "'", "",
                 known == std::end(kPackages) ? "" : std::string("apt install ") + known->package};
  }
  return {};
}

Error ErrorOf(GstMessage* message, const std::string& where) {
  if (gst_is_missing_plugin_message(message)) return MissingPlugin(message, where);
  GError* error = nullptr;
  char* debug = nullptr;
  gst_message_parse_error(message, &error, &debug);
  std::string text = error == nullptr ? "unknown error" : error->message;
  const bool absent =
      error != nullptr && g_error_matches(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  const bool disk = error != nullptr && error->domain == GST_RESOURCE_ERROR && !absent;
  const bool plugin =
      error != nullptr && g_error_matches(error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN);
  g_clear_error(&error);
  g_free(debug);
  while (!text.empty() && text.back() == '.') text.pop_back();
  if (plugin) return Error{ErrorCode::kEnvironment, text, where, "apt install gstreamer1.0-libav"};
  if (absent) return Error{ErrorCode::kNotFound, text, where, ""};
  return Error{disk ? ErrorCode::kIo : ErrorCode::kCorrupt, text, where, ""};
}

}  // namespace edet::video
