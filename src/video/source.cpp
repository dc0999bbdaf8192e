#include "video/source.h"

#include <fmt/format.h>
#include <gst/app/gstappsink.h>
#include <gst/pbutils/pbutils.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <utility>

#include "video/gstreamer.h"

namespace edet::video {
namespace {

constexpr int kFramesAhead = 4;
constexpr GstClockTime kPoll = 50 * GST_MSECOND;
// A stream that delivers nothing for this long is given up (a camera that is gone).
constexpr int kSilentPolls = 600;

// uridecodebin offers a pad per stream; the first video goes on, the others into nothing.
void OnPad(GstElement* decoder, GstPad* pad, gpointer user_data) {
  auto* convert = static_cast<GstElement*>(user_data);
  GstCaps* caps = gst_pad_get_current_caps(pad);
  if (caps == nullptr) caps = gst_pad_query_caps(pad, nullptr);
  const bool video =
      gst_caps_get_size(caps) > 0 &&
      g_str_has_prefix(gst_structure_get_name(gst_caps_get_structure(caps, 0)), "video/x-raw");
  gst_caps_unref(caps);
  const GstOwned<GstPad> target(gst_element_get_static_pad(convert, "sink"));
  if (video && !gst_pad_is_linked(target.get())) {
    gst_pad_link(pad, target.get());
    return;
  }
  GstElement* nothing = gst_element_factory_make("fakesink", nullptr);
  g_object_set(nothing, "sync", FALSE, "async", FALSE, nullptr);
  const GstOwned<GstObject> bin(gst_object_get_parent(GST_OBJECT(decoder)));
  gst_bin_add(GST_BIN(bin.get()), nothing);
  gst_element_sync_state_with_parent(nothing);
  const GstOwned<GstPad> sink(gst_element_get_static_pad(nothing, "sink"));
  gst_pad_link(pad, sink.get());
}

GstCaps* WantedCaps(const SourceOptions& options) {
  GstCaps* caps = gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "BGRx", nullptr);
  if (options.width > 0 && options.height > 0) {
    // Square pixels, so that scaling goes to exactly this size.
    gst_caps_set_simple(caps, "width", G_TYPE_INT, static_cast<int>(options.width), "height",
                        G_TYPE_INT, static_cast<int>(options.height), "pixel-aspect-ratio",
                        GST_TYPE_FRACTION, 1, 1, nullptr);
  }
  return caps;
}

}  // namespace

Result<std::string> ToUri(const std::string& path_or_uri) {
  std::filesystem::path path = path_or_uri;
  if (gst_uri_is_valid(path_or_uri.c_str())) {
    if (path_or_uri.rfind("file://", 0) != 0) return path_or_uri;
    char* name = g_filename_from_uri(path_or_uri.c_str(), nullptr, nullptr);
    if (name == nullptr)
      return Error{ErrorCode::kInvalidArgument, "not a file URI", path_or_uri,
                   "write file:///absolute/path"};
    path = name;
    g_free(name);
  }
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    const bool there = std::filesystem::exists(path, error);
    return Error{there ? ErrorCode::kInvalidArgument : ErrorCode::kNotFound,
                 there ? "the input is not a file" : "no such video or picture", path.string(),
                 "name a video, a picture, or a URI such as rtsp://..."};
  }
  char* uri = g_filename_to_uri(std::filesystem::absolute(path).c_str(), nullptr, nullptr);
  std::string text = uri == nullptr ? "" : uri;
  g_free(uri);
  return text;
}

struct Source::Impl {
  SourceOptions options;
  std::string name;  // for messages
  GstOwned<GstElement> pipeline;
  GstElement* sink = nullptr;  // the pipeline's
  GstOwned<GstBus> bus;
  GstVideoInfo info{};
  Frame first;
  uint64_t decoded = 0;
  GstClockTime last_end = 0;  // of the frames so far, in the stream's time
  bool ended = false;

  ~Impl() {
    first.Release();
    if (pipeline) gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  }
  Status Build();
  Result<Frame> Pull();
  Status TakeErrors();
  Status CheckEnd();
  Result<Frame> FromSample(GstSample* sample);
};

Status Source::Impl::Build() {
  EDET_RETURN_IF_ERROR(RequireElements({"uridecodebin", "videoconvert", "videoscale", "appsink"}));
  pipeline.reset(gst_pipeline_new(nullptr));
  GstElement* decoder = gst_element_factory_make("uridecodebin", nullptr);
  GstElement* scale = gst_element_factory_make("videoscale", nullptr);
  GstElement* convert = gst_element_factory_make("videoconvert", nullptr);
  sink = gst_element_factory_make("appsink", nullptr);
  gst_bin_add_many(GST_BIN(pipeline.get()), decoder, scale, convert, sink, nullptr);
  gst_element_link_many(scale, convert, sink, nullptr);
  g_object_set(decoder, "uri", options.uri.c_str(), nullptr);
  gst_util_set_object_arg(G_OBJECT(scale), "method", "bilinear");
  g_object_set(scale, "add-borders", options.enable_padding ? TRUE : FALSE, nullptr);
  g_object_set(sink, "sync", FALSE, "max-buffers", kFramesAhead, "drop", FALSE, nullptr);
  GstCaps* caps = WantedCaps(options);
  gst_app_sink_set_caps(GST_APP_SINK(sink), caps);
  gst_caps_unref(caps);
  g_signal_connect(decoder, "pad-added", G_CALLBACK(OnPad), scale);
  bus.reset(gst_element_get_bus(pipeline.get()));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  return {};
}

Status Source::Impl::TakeErrors() {
  const auto kinds = static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT);
  std::optional<Error> found;
  while (GstMessage* message = gst_bus_pop_filtered(bus.get(), kinds)) {
    const bool missing = gst_is_missing_plugin_message(message);
    // What a missing plugin says comes first and is clearer than the error that follows it.
    if ((missing || GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) && !found)
      found = ErrorOf(message, name);
    gst_message_unref(message);
  }
  if (!found) return {};
  if (decoded > 0) found->what += " after " + std::to_string(decoded) + " frames";
  return *found;
}

Result<Frame> Source::Impl::FromSample(GstSample* sample) {
  const bool known = gst_video_info_from_caps(&info, gst_sample_get_caps(sample));
  GstBuffer* buffer = gst_buffer_ref(gst_sample_get_buffer(sample));
  gst_sample_unref(sample);
  if (!known) {
    gst_buffer_unref(buffer);
    return Error{ErrorCode::kInternal, "a decoded frame has no known format", name, ""};
  }
  ++decoded;
  if (GST_BUFFER_PTS_IS_VALID(buffer)) last_end = GST_BUFFER_PTS(buffer);
  return Frame(buffer, info);
}

// A file that was cut off ends like a whole one; only its header still tells the length it had.
Status Source::Impl::CheckEnd() {
  gint64 duration_ns = 0;
  if (decoded < 2 || !gst_element_query_duration(pipeline.get(), GST_FORMAT_TIME, &duration_ns)) {
    return {};
  }
  const double whole = static_cast<double>(duration_ns) / GST_SECOND;
  const double seen = static_cast<double>(last_end) / GST_SECOND;
  if (seen + std::max(2., 0.1 * whole) >= whole) return {};
  return Error{ErrorCode::kCorrupt,
               fmt::format("the stream breaks off at {:.1f} of {:.1f} s, after {} frames", seen,
                           whole, decoded),
               name, "is the file complete?"};
}

Result<Frame> Source::Impl::Pull() {
  for (int silent = 0; !ended && silent < kSilentPolls; ++silent) {
    GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(sink), kPoll);
    if (sample != nullptr) return FromSample(sample);
    EDET_RETURN_IF_ERROR(TakeErrors());
    ended = gst_app_sink_is_eos(GST_APP_SINK(sink));
    if (ended) EDET_RETURN_IF_ERROR(CheckEnd());
  }
  if (!ended) {
    return Error{ErrorCode::kCorrupt,
                 "no frame came for 30 s, after " + std::to_string(decoded) + " frames", name, ""};
  }
  return Frame();
}

Source::Source(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Source::Source(Source&&) noexcept = default;
Source& Source::operator=(Source&&) noexcept = default;
Source::~Source() = default;

Result<Source> Source::Open(const SourceOptions& options) {
  EDET_RETURN_IF_ERROR(StartGStreamer());
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->name = options.uri;
  EDET_ASSIGN_OR_RETURN(impl->options.uri, ToUri(options.uri));
  EDET_RETURN_IF_ERROR(impl->Build());
  EDET_ASSIGN_OR_RETURN(impl->first, impl->Pull());
  if (impl->first.empty()) {
    return Error{ErrorCode::kCorrupt, "no frame could be decoded", impl->name,
                 "is it a video or a picture?"};
  }
  return Source(std::move(impl));
}

Result<Frame> Source::Next() {
  if (!impl_->first.empty()) return std::move(impl_->first);
  const unsigned step = std::max(1U, impl_->options.drop_frame_interval);
  for (unsigned dropped = 1; dropped < step; ++dropped) {
    EDET_ASSIGN_OR_RETURN(const Frame skipped, impl_->Pull());
    if (skipped.empty()) return Frame();
  }
  return impl_->Pull();
}

unsigned Source::width() const { return static_cast<unsigned>(impl_->info.width); }
unsigned Source::height() const { return static_cast<unsigned>(impl_->info.height); }
int Source::frame_rate_n() const { return impl_->info.fps_n; }
int Source::frame_rate_d() const { return std::max(1, impl_->info.fps_d); }
const std::string& Source::uri() const { return impl_->options.uri; }

bool Source::still() const {
  return impl_->info.fps_n == 0 && expected_frames() == 0 &&
         impl_->options.uri.rfind("file://", 0) == 0;
}

uint64_t Source::expected_frames() const {
  gint64 duration_ns = 0;
  if (impl_->info.fps_n <= 0 ||
      !gst_element_query_duration(impl_->pipeline.get(), GST_FORMAT_TIME, &duration_ns) ||
      duration_ns <= 0) {
    return 0;
  }
  const double frames =
      static_cast<double>(duration_ns) / GST_SECOND * impl_->info.fps_n / frame_rate_d();
  return static_cast<uint64_t>(
      std::llround(frames / std::max(1U, impl_->options.drop_frame_interval)));
}

}  // namespace edet::video
