#include "video/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/interruption.h"
#include "base/progress.h"
#include "cli/command.h"
#include "cli/number_range.h"
#include "lint/lint.h"

namespace edet::cli {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

struct RunArguments {
  std::string config;
  std::string precision = "f32";
  bool no_video = false, json = false;
  double score = -1.;
  video::RunOptions options;
};

template <typename T>
T Need(Result<T> result) {
  if (!result.ok()) throw CommandFailed{result.error()};
  return std::move(result).value();
}

// A folder stands for the deepstream_app.txt in it.
fs::path ConfigFile(const std::string& argument) {
  fs::path path = argument;
  std::error_code error;
  if (!fs::is_directory(path, error)) return path;
  fs::path file = path / "deepstream_app.txt";
  if (fs::exists(file, error)) return file;
  throw CommandFailed{
      Error{ErrorCode::kNotFound, "the folder holds no deepstream_app.txt", argument,
            "name the application's configuration, or run 'edet convert' into the folder"}};
}

// What `edet config lint` finds, but for its notes.
void PrintFindings(const lint::LintResult& found, const fs::path& config) {
  size_t notes = 0;
  for (const lint::Diagnostic& diagnostic : found.diagnostics) {
    if (diagnostic.rule->severity == Severity::kNote) {
      ++notes;
      continue;
    }
    const std::string where =
        fmt::format("{}:{}", diagnostic.place.file.string(), diagnostic.place.line);
    const Error line{ErrorCode::kInternal, diagnostic.message, where,
                     diagnostic.fix.empty() ? diagnostic.rule->fix : diagnostic.fix};
    std::fprintf(stderr, "warning: %s\n", line.ToString().c_str());
  }
  if (notes > 0)
    std::fprintf(stderr, "note: %zu more with 'edet config lint %s'\n", notes, config.c_str());
}

// What the linter only warns of, but no run can do without, is the run's error.
Status RequireFiles(const lint::LintResult& found) {
  for (const lint::Diagnostic& diagnostic : found.diagnostics) {
    const std::string& rule = diagnostic.rule->id;
    const std::string& key = diagnostic.place.key;
    const bool absent =
        rule == "missing-file" || rule == "not-on-this-machine" || rule == "home-path";
    const bool needed = key == "onnx-file" || key == "labelfile-path" || key == "custom-lib-path";
    if (!absent || !needed) continue;
    return Error{ErrorCode::kNotFound, diagnostic.message,
                 fmt::format("{}:{}", diagnostic.place.file.string(), diagnostic.place.line),
                 diagnostic.fix};
  }
  return {};
}

double PerFrameMs(double seconds, uint64_t frames) {
  return frames == 0 ? 0. : seconds * 1e3 / static_cast<double>(frames);
}

Json SummaryJson(const video::RunSummary& summary, const std::vector<std::string>& differences) {
  Json written = Json::array();
  for (const fs::path& path : summary.written) written.push_back(path.string());
  const auto& stages = summary.stages;
  return {{"frames", summary.frames},
          {"sources", summary.sources},
          {"inferred_frames", summary.inferred},
          {"objects", summary.objects},
          {"seconds", summary.seconds},
          {"fps", summary.fps},
          {"load_seconds", summary.load_seconds},
          {"engine", summary.engine},
          {"requests", summary.requests},
          {"parse_failures", summary.parse_failures},
          {"stopped", summary.stopped},
          {"stage_ms_per_frame",
           {{"decode_wait", PerFrameMs(stages.decode_wait, summary.frames)},
            {"preprocess", PerFrameMs(stages.preprocess, summary.inferred)},
            {"infer", PerFrameMs(stages.infer, summary.inferred)},
            {"postprocess", PerFrameMs(stages.postprocess, summary.inferred)},
            {"draw", PerFrameMs(stages.draw, summary.frames)},
            {"encode_wait", PerFrameMs(stages.encode_wait, summary.frames)}}},
          {"objects_by_label", summary.objects_by_label},
          {"written", written},
          {"differences", differences}};
}

void PrintStage(const char* name, double seconds, uint64_t frames, const char* remark) {
  std::printf("  %-12s %8.2f ms a frame  %s\n", name, PerFrameMs(seconds, frames), remark);
}

void PrintSummary(const video::RunSummary& s) {
  std::printf("frames       %llu in %.1f s: %.1f frames a second end to end (%u source%s, %s)\n",
              static_cast<unsigned long long>(s.frames), s.seconds, s.fps, s.sources,
              s.sources == 1 ? "" : "s", s.engine.c_str());
  std::printf("stages, which overlap (model loaded in %.1f s):\n", s.load_seconds);
  PrintStage("decode", s.stages.decode_wait, s.frames, "waiting for the decoder");
  PrintStage("preprocess", s.stages.preprocess, s.inferred, "");
  PrintStage("infer", s.stages.infer, s.inferred,
             fmt::format("from start to end, {} requests in flight", s.requests).c_str());
  PrintStage("postprocess", s.stages.postprocess, s.inferred, "");
  PrintStage("draw", s.stages.draw, s.frames, "");
  PrintStage("encode", s.stages.encode_wait, s.frames, "waiting for the encoder");
  std::printf("objects      %llu\n", static_cast<unsigned long long>(s.objects));
  std::vector<std::pair<std::string, uint64_t>> labels(s.objects_by_label.begin(),
                                                       s.objects_by_label.end());
  std::stable_sort(labels.begin(), labels.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  constexpr size_t kShown = 12;
  for (size_t i = 0; i < labels.size() && i < kShown; ++i) {
    std::printf("  %8llu %s\n", static_cast<unsigned long long>(labels[i].second),
                labels[i].first.c_str());
  }
  if (labels.size() > kShown) std::printf("  and %zu more classes\n", labels.size() - kShown);
  if (s.stopped) std::printf("stopped      before the end of the sources, by a signal\n");
  if (s.parse_failures > 0) {
    std::printf(
        "warning: the parse function returned false for %llu frames; gst-nvinfer reads undefined "
        "memory then\n",
        static_cast<unsigned long long>(s.parse_failures));
  }
  for (const fs::path& path : s.written) std::printf("wrote        %s\n", path.c_str());
}

void RunApplication(RunArguments& arguments, Session& session) {
  video::RunOptions& options = arguments.options;
  const fs::path config = ConfigFile(arguments.config);
  Findings ignored;  // the linter finds more
  const deepstream::AppConfig app = Need(deepstream::ReadAppConfig(config, ignored));
  const deepstream::NvinferConfig infer = Need(video::PrimaryNvinferConfig(app, ignored));
  const lint::LintResult found = Need(lint::Lint({config}, {}));
  if (Status files = RequireFiles(found); !files.ok()) throw CommandFailed{files.error()};
  options.video = !arguments.no_video;
  if (arguments.precision == "bf16") options.precision = inference::Precision::kBfloat16;
  if (arguments.score >= 0.) options.score = static_cast<float>(arguments.score);
  if (options.output_dir.empty()) options.output_dir = "run-" + config.stem().string();
  const std::vector<std::string> differences = video::Differences(app, infer, options);
  const bool talk = !session.quiet && !arguments.json;
  // Told once frames flow: a run that cannot begin has its one line of error and nothing beside it.
  bool told = !talk;
  auto tell = [&] {
    if (std::exchange(told, true)) return;
    PrintFindings(found, config);
    for (const std::string& line : differences) std::fprintf(stderr, "note: %s\n", line.c_str());
  };
  std::unique_ptr<Progress> bar;
  // From the first frame on there is something to keep.
  std::optional<GracefulStop> graceful;
  options.stop = [&] {
    if (!graceful) graceful.emplace();
    return GracefulStop::Asked() != 0;
  };
  options.on_progress = [&](uint64_t done, uint64_t total, double fps) {
    tell();
    if (!bar) bar = std::make_unique<Progress>("frames", total, talk);
    bar->Update(done, fmt::format("{:.1f} fps", fps));
  };
  if (talk) {
    options.on_perf = [&](const std::string& line) {
      if (bar) bar->Finish();
      std::printf("%s\n", line.c_str());
      std::fflush(stdout);
    };
  }
  Result<video::RunSummary> summary = video::Run(app, infer, options);
  bar.reset();
  const video::RunSummary done = Need(std::move(summary));
  if (done.stopped) session.exit_code = 128 + GracefulStop::Asked();
  if (arguments.json) {
    std::printf(
        "%s\n",
        SummaryJson(done, differences).dump(2, ' ', false, Json::error_handler_t::replace).c_str());
  } else if (!session.quiet) {
    PrintSummary(done);
  }
}

}  // namespace

void AddRunCommand(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand(
      "run", "Run a DeepStream application's configuration on this machine's CPU");
  auto arguments = std::make_shared<RunArguments>();
  auto& options = arguments->options;
  command
      ->add_option("config", arguments->config,
                   "deepstream-app configuration, or a folder with deepstream_app.txt")
      ->required();
  command->add_option("inputs", options.inputs,
                      "Videos, pictures or URIs instead of the configuration's sources");
  command->add_option("-o,--output", options.output_dir,
                      "Folder for the video (default: run-NAME of the configuration)");
  command->add_option("--frames", options.frame_limit, "At most so many frames of each source");
  command->add_flag("--no-video", arguments->no_video, "Draw and encode nothing");
  command->add_option("--contact-sheet", options.contact_sheet,
                      "PNG with some of the drawn frames");
  command->add_option("--jsonl", options.jsonl,
                      "One line of JSON a frame with its objects, in pixels of the frame");
  command->add_option("--kitti", options.kitti_dir,
                      "Folder for KITTI files (default: gie-kitti-output-dir)");
  command->add_option("--threads", options.threads, "Threads of inference (default: all cores)")
      ->check(CLI::Range(1U, 1024U));
  command->add_option("--precision", arguments->precision, "Arithmetic of inference")
      ->check(CLI::IsMember({"f32", "bf16"}))
      ->capture_default_str();
  command
      ->add_option("--score", arguments->score, "Instead of pre-cluster-threshold of every class")
      ->check(NumberRange(0., 1.));
  command->add_option("--dump-tensors", options.dump_dir,
                      "Folder for output tensors and objects of the first frames");
  command->add_option("--dump-frames", options.dump_frames, "How many frames --dump-tensors takes")
      ->capture_default_str();
  command->add_flag("--json", arguments->json, "Print the summary as JSON");
  command->footer(
      "\nExamples:\n  edet run d0 street.mp4 -o result --contact-sheet result/sheet.png --jsonl "
      "result/objects.jsonl\n"
      "  edet run deepstream_app.txt --frames 100 --no-video --json\n\n"
      "Ctrl-C ends a run as the end of its sources does: what was made by then is kept (exit code "
      "130).");
  command->callback([arguments, &session] { RunApplication(*arguments, session); });
}

}  // namespace edet::cli
