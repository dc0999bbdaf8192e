#include "video/encoder.h"

#include <gst/app/gstappsrc.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "video/gstreamer.h"

namespace edet::video {
namespace {

struct CodecElements {
  const char* encoder;
  const char* parser;
};

CodecElements ElementsOf(Codec codec) {
  switch (codec) {
    case Codec::kH265:
      return {"x265enc", "h265parse"};
    case Codec::kMpeg4:
      return {"avenc_mpeg4", "mpeg4videoparse"};
    case Codec::kH264:
      break;
  }
  return {"x264enc", "h264parse"};
}

// A tenth of a bit for each pixel: boxes and text stay sharp at street-camera contents.
unsigned Bitrate(const EncoderOptions& options) {
  if (options.bitrate_bps > 0) return options.bitrate_bps;
  const double rate = static_cast<double>(options.frame_rate_n) / options.frame_rate_d;
  return static_cast<unsigned>(std::clamp(0.15 * options.width * options.height * rate, 5e5, 2e7));
}

void Configure(GstElement* encoder, const EncoderOptions& options) {
  const unsigned bitrate = Bitrate(options);
  const int interval = static_cast<int>(std::clamp(options.iframe_interval, 1U, 10000U));
  if (options.codec == Codec::kMpeg4) {
    g_object_set(encoder, "bitrate", static_cast<gint64>(bitrate), nullptr);
    return;
  }
  // Half of the machine's cores would go to the encoder at its default preset.
  gst_util_set_object_arg(G_OBJECT(encoder), "speed-preset", "superfast");
  g_object_set(encoder, "bitrate", std::max(1U, bitrate / 1000), "key-int-max", interval, nullptr);
  if (options.codec == Codec::kH264) g_object_set(encoder, "bframes", 0, nullptr);
}

}  // namespace

struct Encoder::Impl {
  EncoderOptions options;
  OutputFiles files;
  GstOwned<GstElement> pipeline;
  GstElement* source = nullptr;  // the pipeline's
  GstOwned<GstBus> bus;
  uint64_t written = 0;
  GstClockTime last_pts = GST_CLOCK_TIME_NONE;

  ~Impl() {
    if (pipeline) gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  }
  Status Build(const std::filesystem::path& temporary);
  void ConfigureSource();
  void SetTime(GstBuffer* buffer);
  Status TakeErrors(GstClockTime timeout, bool until_end);
};

void Encoder::Impl::ConfigureSource() {
  GstCaps* caps = gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "BGRx", "width",
                                      G_TYPE_INT, static_cast<int>(options.width), "height",
                                      G_TYPE_INT, static_cast<int>(options.height), "framerate",
                                      GST_TYPE_FRACTION, options.frame_rate_n, options.frame_rate_d,
                                      "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, nullptr);
  const guint64 frame_bytes = guint64{4} * options.width * options.height;
  g_object_set(source, "caps", caps, "format", GST_FORMAT_TIME, "block", TRUE, "max-bytes",
               frame_bytes * 4, nullptr);
  gst_caps_unref(caps);
}

Status Encoder::Impl::Build(const std::filesystem::path& temporary) {
  const CodecElements codec = ElementsOf(options.codec);
  const char* muxer = options.container == Container::kMp4 ? "mp4mux" : "matroskamux";
  EDET_RETURN_IF_ERROR(
      RequireElements({"appsrc", "videoconvert", codec.encoder, codec.parser, muxer, "filesink"}));
  pipeline.reset(gst_pipeline_new(nullptr));
  source = gst_element_factory_make("appsrc", nullptr);
  GstElement* convert = gst_element_factory_make("videoconvert", nullptr);
  GstElement* filter = gst_element_factory_make("capsfilter", nullptr);
  GstElement* encoder = gst_element_factory_make(codec.encoder, nullptr);
  GstElement* parser = gst_element_factory_make(codec.parser, nullptr);
  GstElement* mux = gst_element_factory_make(muxer, nullptr);
  GstElement* sink = gst_element_factory_make("filesink", nullptr);
  GstCaps* planar = gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "I420", nullptr);
  g_object_set(filter, "caps", planar, nullptr);
  gst_caps_unref(planar);
  ConfigureSource();
  Configure(encoder, options);
  g_object_set(sink, "location", temporary.c_str(), "async", FALSE, nullptr);
  gst_bin_add_many(GST_BIN(pipeline.get()), source, convert, filter, encoder, parser, mux, sink,
                   nullptr);
  if (!gst_element_link_many(source, convert, filter, encoder, parser, mux, sink, nullptr)) {
    return Error{ErrorCode::kInternal, "the encoder's elements do not link", options.path.string(),
                 ""};
  }
  bus.reset(gst_element_get_bus(pipeline.get()));
  if (gst_element_set_state(pipeline.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
    EDET_RETURN_IF_ERROR(TakeErrors(0, false));
    return Error{ErrorCode::kIo, "the video file cannot be written", options.path.string(), ""};
  }
  return {};
}

Status Encoder::Impl::TakeErrors(GstClockTime timeout, bool until_end) {
  const auto kinds =
      static_cast<GstMessageType>(GST_MESSAGE_ERROR | (until_end ? GST_MESSAGE_EOS : 0));
  GstMessage* message = gst_bus_timed_pop_filtered(bus.get(), timeout, kinds);
  if (message == nullptr) {
    if (!until_end) return {};
    return Error{ErrorCode::kIo, "the video file was not finished in time", options.path.string(),
                 ""};
  }
  const bool failed = GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR;
  Error error;
  if (failed) error = ErrorOf(message, options.path.string());
  gst_message_unref(message);
  if (!failed) return {};
  if (error.code == ErrorCode::kCorrupt) error.code = ErrorCode::kIo;
  return error;
}

// Times must grow: a stream without usable ones gets them from its frame rate.
void Encoder::Impl::SetTime(GstBuffer* buffer) {
  const GstClockTime step =
      gst_util_uint64_scale(GST_SECOND, static_cast<guint64>(options.frame_rate_d),
                            static_cast<guint64>(options.frame_rate_n));
  GstClockTime pts = GST_BUFFER_PTS(buffer);
  const bool first = !GST_CLOCK_TIME_IS_VALID(last_pts);
  if (!GST_CLOCK_TIME_IS_VALID(pts) || (!first && pts <= last_pts))
    pts = first ? 0 : last_pts + step;
  GST_BUFFER_PTS(buffer) = pts;
  GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
  if (!GST_BUFFER_DURATION_IS_VALID(buffer)) GST_BUFFER_DURATION(buffer) = step;
  last_pts = pts;
}

Encoder::Encoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Encoder::Encoder(Encoder&&) noexcept = default;
Encoder& Encoder::operator=(Encoder&&) noexcept = default;
Encoder::~Encoder() = default;

Result<Encoder> Encoder::Open(const EncoderOptions& options) {
  EDET_RETURN_IF_ERROR(StartGStreamer());
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  if (options.width % 2 != 0 || options.height % 2 != 0) {
    return Error{ErrorCode::kInvalidArgument, "a video needs an even width and height",
                 options.path.string(), ""};
  }
  EDET_ASSIGN_OR_RETURN(const std::filesystem::path temporary, impl->files.StageName(options.path));
  EDET_RETURN_IF_ERROR(impl->Build(temporary));
  return Encoder(std::move(impl));
}

Status Encoder::Write(Frame frame) {
  GstBuffer* buffer = frame.Take();
  if (buffer == nullptr)
    return Error{ErrorCode::kInternal, "an empty frame for the encoder", "", ""};
  buffer = gst_buffer_make_writable(buffer);
  impl_->SetTime(buffer);
  ++impl_->written;
  if (gst_app_src_push_buffer(GST_APP_SRC(impl_->source), buffer) != GST_FLOW_OK) {
    EDET_RETURN_IF_ERROR(impl_->TakeErrors(GST_SECOND, false));
    return Error{ErrorCode::kIo, "the encoder takes no more frames", impl_->options.path.string(),
                 ""};
  }
  return impl_->TakeErrors(0, false);
}

Status Encoder::Finish() {
  gst_app_src_end_of_stream(GST_APP_SRC(impl_->source));
  EDET_RETURN_IF_ERROR(impl_->TakeErrors(120 * GST_SECOND, true));
  gst_element_set_state(impl_->pipeline.get(), GST_STATE_NULL);
  return impl_->files.Commit();
}

}  // namespace edet::video
