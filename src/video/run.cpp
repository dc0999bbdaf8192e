#include "video/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "video/contact_sheet.h"
#include "video/detector.h"
#include "video/encoder.h"
#include "video/feeder.h"
#include "video/gstreamer.h"
#include "video/overlay.h"
#include "video/perf.h"
#include "video/records.h"
#include "video/source.h"

namespace edet::video {
namespace {

// [streammux] without a size: the stream's own, which must be even for an encoder.
SourceOptions SourceOptionsOf(const deepstream::AppConfig& app, const std::string& uri) {
  SourceOptions options;
  options.uri = uri;
  options.width = app.streammux.width;
  options.height = app.streammux.height;
  options.enable_padding = app.streammux.enable_padding;
  return options;
}

std::string Numbered(std::string uri, unsigned number) {
  const size_t at = uri.find("%d");
  if (at != std::string::npos) uri.replace(at, 2, std::to_string(number));
  return uri;
}

Status AddSource(const deepstream::AppConfig& app, const deepstream::SourceConfig& source,
                 std::vector<SourceOptions>& all) {
  std::string uri = source.uri;
  if (source.type == 1) uri = fmt::format("v4l2:///dev/video{}", source.camera_v4l2_dev_node);
  if (source.type < 1 || source.type > 4) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("[source{}] type={} does not run here", source.id, source.type),
                 app.file.string(),
                 "use a file, an RTSP stream (type 2 to 4) or a V4L2 camera (type 1)"};
  }
  if (uri.empty())
    return Error{ErrorCode::kCorrupt, fmt::format("[source{}] has no uri", source.id),
                 app.file.string(), ""};
  const unsigned count = source.type == 3 ? std::max(1U, source.num_sources) : 1;
  for (unsigned i = 0; i < count; ++i) {
    all.push_back(SourceOptionsOf(app, Numbered(uri, i)));
    all.back().drop_frame_interval = source.drop_frame_interval;
  }
  return {};
}

constexpr size_t kMaxSources = 64;

Result<std::vector<SourceOptions>> PlanSources(const deepstream::AppConfig& app,
                                               const RunOptions& options) {
  std::vector<SourceOptions> all;
  for (const std::string& input : options.inputs) all.push_back(SourceOptionsOf(app, input));
  for (const auto& source : app.sources) {
    if (!source.enable || !options.inputs.empty()) continue;
    EDET_RETURN_IF_ERROR(AddSource(app, source, all));
  }
  if (all.empty())
    return Error{ErrorCode::kCorrupt, "no source is enabled", app.file.string(),
                 "enable a [sourceN] or name an input"};
  if (all.size() > kMaxSources) {
    return Error{ErrorCode::kLimitExceeded,
                 fmt::format("{} sources at once; at most {}", all.size(), kMaxSources),
                 app.file.string(), "run them in several runs"};
  }
  return all;
}

// The sink that gives the video its name and codec: a file first, else whatever would show it.
const deepstream::SinkConfig* VideoSink(const deepstream::AppConfig& app) {
  const deepstream::SinkConfig* found = nullptr;
  for (const auto& sink : app.sinks) {
    if (!sink.enable || sink.type == 1 || sink.type == 6) continue;
    if (found == nullptr || (found->type != 3 && sink.type == 3)) found = &sink;
  }
  return found;
}

EncoderOptions EncoderOptionsOf(const deepstream::SinkConfig& sink,
                                const std::filesystem::path& folder, const Source& source,
                                unsigned index, bool several) {
  EncoderOptions options;
  options.container = sink.container == 2 ? Container::kMatroska : Container::kMp4;
  options.codec = sink.codec == 2 ? Codec::kH265 : sink.codec == 3 ? Codec::kMpeg4 : Codec::kH264;
  std::filesystem::path name = sink.output_file.filename();
  if (name.empty()) name = sink.container == 2 ? "out.mkv" : "out.mp4";
  if (several)
    name = fmt::format("{}_source{}{}", name.stem().string(), index, name.extension().string());
  options.path = folder / name;
  options.width = source.width() & ~1U;
  options.height = source.height() & ~1U;
  if (source.frame_rate_n() > 0) {
    options.frame_rate_n = source.frame_rate_n();
    options.frame_rate_d = source.frame_rate_d();
  }
  options.bitrate_bps = sink.bitrate_bps;
  options.iframe_interval = sink.iframe_interval;
  return options;
}

// The second half of a run, on the caller's thread: results in order, drawn and written.
class Writer {
 public:
  Writer(const deepstream::AppConfig& app, const RunOptions& options, Detector& detector)
      : app_(app), options_(options), detector_(detector) {}

  Status Open(const std::vector<Source>& sources);
  bool draws() const { return sink_ != nullptr || !options_.contact_sheet.empty(); }
  // Takes a frame's result. `slot` null: not inferred.
  Status Take(Job& job, Slot* slot);
  Status Finish();

  RunSummary summary;

 private:
  Status Record(const FrameRecord& record);
  Status DumpTensors(const FrameRecord& record, const Detected& detected);
  Status Draw(Job& job, const FrameRecord& record);
  Status WriteStill(const Canvas& canvas, unsigned source);
  Result<Encoder*> EncoderFor(unsigned source);
  void AddToSheet(const Canvas& canvas, const FrameRecord& record);

  const deepstream::AppConfig& app_;
  const RunOptions& options_;
  Detector& detector_;
  const std::vector<Source>* sources_ = nullptr;
  const deepstream::SinkConfig* sink_ = nullptr;
  OverlayOptions overlay_;
  std::vector<std::optional<Encoder>> encoders_;
  std::vector<std::filesystem::path> video_paths_;
  std::optional<StagedFolder> kitti_, dump_;
  std::optional<StagedLines> jsonl_;
  OutputFiles stills_;
  std::optional<ContactSheet> sheet_;
};

Status Writer::Open(const std::vector<Source>& sources) {
  sources_ = &sources;
  if (options_.video) sink_ = VideoSink(app_);
  overlay_ = {app_.osd.display_bbox, app_.osd.display_text, app_.osd.border_width,
              app_.osd.text_size, app_.osd.font};
  encoders_.resize(sources.size());
  const auto kitti = options_.kitti_dir.empty() ? app_.gie_kitti_output_dir : options_.kitti_dir;
  if (!kitti.empty()) {
    EDET_ASSIGN_OR_RETURN(kitti_, StagedFolder::Open(kitti));
    summary.written.push_back(kitti);
  }
  if (!options_.dump_dir.empty()) {
    EDET_ASSIGN_OR_RETURN(dump_, StagedFolder::Open(options_.dump_dir));
    summary.written.push_back(options_.dump_dir);
  }
  if (!options_.jsonl.empty()) {
    EDET_ASSIGN_OR_RETURN(jsonl_, StagedLines::Open(options_.jsonl));
    summary.written.push_back(options_.jsonl);
  }
  if (!options_.contact_sheet.empty()) sheet_.emplace();
  return {};
}

Status Writer::Take(Job& job, Slot* slot) {
  FrameRecord record;
  record.source = job.source;
  record.frame = job.frame;
  record.pts_s = job.pts_s;
  record.width = (*sources_)[job.source].width();
  record.height = (*sources_)[job.source].height();
  if (slot != nullptr) {
    EDET_RETURN_IF_ERROR(slot->request.Wait());  // not part of the time that follows
    const auto begin = Clock::now();
    EDET_ASSIGN_OR_RETURN(Detected detected, detector_.Collect(*slot));
    if (!detected.parsed) ++summary.parse_failures;
    record.objects = std::move(detected.frame);
    EDET_RETURN_IF_ERROR(DumpTensors(record, detected));
    ++summary.inferred;
    summary.stages.postprocess += Seconds(begin, Clock::now());
  }
  ++summary.frames;
  EDET_RETURN_IF_ERROR(Record(record));
  if (job.picture.empty()) return {};
  return Draw(job, record);
}

Status Writer::Record(const FrameRecord& record) {
  const auto& labels = detector_.labels();
  summary.objects += record.objects.size();
  for (const auto& object : record.objects)
    ++summary.objects_by_label[ClassName(object.class_index, labels)];
  if (jsonl_) EDET_RETURN_IF_ERROR(jsonl_->Write(JsonLine(record, labels)));
  if (kitti_) EDET_RETURN_IF_ERROR(kitti_->Write(KittiName(record), KittiText(record, labels)));
  return {};
}

Status Writer::DumpTensors(const FrameRecord& record, const Detected& detected) {
  if (!dump_ || summary.inferred >= options_.dump_frames) return {};
  return WriteTensorDump(*dump_,
                         {summary.inferred, detector_.network_width(), detector_.network_height(),
                          &detected.outputs, &detected.network, &record},
                         detector_.labels());
}

Status Writer::Draw(Job& job, const FrameRecord& record) {
  const auto begin = Clock::now();
  Canvas canvas{nullptr, static_cast<int>(record.width), static_cast<int>(record.height), 0};
  if (!job.picture.MapForWriting(canvas.data, canvas.stride_bytes)) {
    return Error{ErrorCode::kInternal, "a decoded frame cannot be drawn into",
                 (*sources_)[job.source].uri(), ""};
  }
  if (app_.osd.enable) DrawObjects(canvas, record.objects, detector_.labels(), overlay_);
  if (sheet_) AddToSheet(canvas, record);
  const bool still = (*sources_)[job.source].still();
  if (sink_ != nullptr && still) EDET_RETURN_IF_ERROR(WriteStill(canvas, job.source));
  job.picture.Unmap();
  const auto drawn = Clock::now();
  summary.stages.draw += Seconds(begin, drawn);
  if (sink_ == nullptr || still) return {};
  EDET_ASSIGN_OR_RETURN(Encoder * encoder, EncoderFor(job.source));
  EDET_RETURN_IF_ERROR(encoder->Write(std::move(job.picture)));
  summary.stages.encode_wait += Seconds(drawn, Clock::now());
  return {};
}

void Writer::AddToSheet(const Canvas& canvas, const FrameRecord& record) {
  const uint64_t number = summary.frames - 1;
  if (!sheet_->Wants(number)) return;
  const std::string source = sources_->size() > 1 ? fmt::format("source {}, ", record.source) : "";
  sheet_->Add(number, canvas,
              fmt::format("{}frame {}, {:.2f} s: {} object{}", source, record.frame, record.pts_s,
                          record.objects.size(), record.objects.size() == 1 ? "" : "s"));
}

// A picture's result is a picture.
Status Writer::WriteStill(const Canvas& canvas, unsigned source) {
  std::string stem = std::filesystem::path((*sources_)[source].uri()).stem().string();
  if (sources_->size() > 1) stem += fmt::format("_source{}", source);
  const auto path = options_.output_dir / (stem + ".png");
  summary.written.push_back(path);
  return StagePng(canvas, path, stills_);
}

Result<Encoder*> Writer::EncoderFor(unsigned source) {
  auto& encoder = encoders_[source];
  if (!encoder) {
    const auto options = EncoderOptionsOf(*sink_, options_.output_dir, (*sources_)[source], source,
                                          sources_->size() > 1);
    EDET_ASSIGN_OR_RETURN(encoder, Encoder::Open(options));
    video_paths_.push_back(options.path);
  }
  return &*encoder;
}

Status Writer::Finish() {
  if (summary.frames == 0)
    return Error{ErrorCode::kCorrupt, "no frame came from any source", app_.file.string(), ""};
  const auto begin = Clock::now();
  for (auto& encoder : encoders_) {
    if (encoder) EDET_RETURN_IF_ERROR(encoder->Finish());
  }
  summary.stages.encode_wait += Seconds(begin, Clock::now());
  summary.written.insert(summary.written.begin(), video_paths_.begin(), video_paths_.end());
  if (sheet_) {
    EDET_RETURN_IF_ERROR(sheet_->Write(options_.contact_sheet));
    summary.written.push_back(options_.contact_sheet);
  }
  EDET_RETURN_IF_ERROR(stills_.Commit());
  if (jsonl_) EDET_RETURN_IF_ERROR(jsonl_->Commit());
  if (kitti_) EDET_RETURN_IF_ERROR(kitti_->Commit());
  if (dump_) EDET_RETURN_IF_ERROR(dump_->Commit());
  return {};
}

Result<std::vector<Source>> OpenSources(const std::vector<SourceOptions>& plan) {
  std::vector<Source> sources;
  for (const SourceOptions& options : plan) {
    EDET_ASSIGN_OR_RETURN(Source source, Source::Open(options));
    sources.push_back(std::move(source));
  }
  return sources;
}

uint64_t ExpectedFrames(const std::vector<Source>& sources, uint64_t limit) {
  uint64_t total = 0;
  for (const Source& source : sources) {
    const uint64_t frames = source.still() ? 1 : source.expected_frames();
    if (frames == 0 && limit == 0) return 0;
    total += limit == 0 ? frames : frames == 0 ? limit : std::min(frames, limit);
  }
  return total;
}

Result<std::vector<Slot>> CreateSlots(const Detector& detector) {
  std::vector<Slot> slots;
  // One more than the network can work on: it is filled while the others run.
  for (unsigned i = 0; i < detector.optimal_slots() + 1; ++i) {
    EDET_ASSIGN_OR_RETURN(Slot slot, detector.CreateSlot());
    slots.push_back(std::move(slot));
  }
  return slots;
}

// Moves jobs from the feeder to the writer until the end, an error, or until `after` says false.
Status Pump(Feeder& feeder, std::vector<Slot>& slots, Writer& writer,
            const std::function<bool(const Job&)>& after) {
  while (std::optional<Job> job = feeder.Next()) {
    if (job->error) return *job->error;
    Slot* slot = job->slot < 0 ? nullptr : &slots[static_cast<size_t>(job->slot)];
    EDET_RETURN_IF_ERROR(writer.Take(*job, slot));
    if (slot != nullptr) feeder.GiveBack(job->slot);
    if (!after(*job)) return {};
  }
  return {};
}

void ApplyScore(const RunOptions& options, deepstream::NvinferConfig& infer) {
  if (!options.score) return;
  for (auto& attributes : infer.postprocess.classes)
    attributes.pre_cluster_threshold = *options.score;
}

// deepstream-app's error tells the frame count of the failing source; the run's own says all.
Error WithProgress(Error error, uint64_t frames) {
  error.what += fmt::format("; {} frames were processed, nothing was kept", frames);
  return error;
}

}  // namespace

Result<RunSummary> Run(const deepstream::AppConfig& app,
                       const deepstream::NvinferConfig& infer_config, const RunOptions& options) {
  const auto begin = Clock::now();
  EDET_RETURN_IF_ERROR(StartGStreamer());
  EDET_ASSIGN_OR_RETURN(const auto plan, PlanSources(app, options));
  for (const SourceOptions& source : plan) {
    EDET_ASSIGN_OR_RETURN(const std::string uri, ToUri(source.uri));
  }
  deepstream::NvinferConfig infer = infer_config;
  ApplyScore(options, infer);
  inference::EngineOptions engine;
  engine.goal = inference::Goal::kThroughput;
  engine.precision = options.precision;
  engine.threads = options.threads;
  EDET_ASSIGN_OR_RETURN(Detector detector, Detector::Load(infer, engine));
  EDET_ASSIGN_OR_RETURN(std::vector<Slot> slots, CreateSlots(detector));
  EDET_ASSIGN_OR_RETURN(std::vector<Source> sources, OpenSources(plan));
  Writer writer(app, options, detector);
  EDET_RETURN_IF_ERROR(writer.Open(sources));
  const auto loaded = Clock::now();

  const uint64_t total = ExpectedFrames(sources, options.frame_limit);
  const bool perf = app.enable_perf_measurement && options.on_perf;
  PerfPrinter printer(sources.size(), std::max(1U, app.perf_measurement_interval_sec),
                      options.on_perf);
  RunSummary& summary = writer.summary;
  {
    Feeder feeder(sources, slots, detector, {infer.interval, options.frame_limit, writer.draws()});
    feeder.Start();
    const Status status = Pump(feeder, slots, writer, [&](const Job& job) {
      const auto now = Clock::now();
      if (perf) printer.Count(job.source, now);
      if (options.on_progress)
        options.on_progress(
            summary.frames, total,
            static_cast<double>(summary.frames) / std::max(1e-9, Seconds(loaded, now)));
      summary.stopped = options.stop && options.stop();
      return !summary.stopped;
    });
    if (!status.ok()) return WithProgress(status.error(), summary.frames);
    summary.stages.decode_wait = feeder.decode_wait_seconds();
    summary.stages.preprocess = feeder.preprocess_seconds();
    summary.stages.infer = feeder.infer_seconds();
  }
  EDET_RETURN_IF_ERROR(writer.Finish());
  summary.sources = static_cast<unsigned>(sources.size());
  summary.seconds = Seconds(loaded, Clock::now());
  summary.load_seconds = Seconds(begin, loaded);
  summary.fps = static_cast<double>(summary.frames) / std::max(1e-9, summary.seconds);
  summary.engine = inference::EngineDescription();
  summary.requests = static_cast<unsigned>(slots.size());
  return std::move(summary);
}

}  // namespace edet::video
