#include "cli/reference_run.h"

#include <memory>

#include "base/file.h"
#include "base/progress.h"
#include "cli/parser_library.h"
#include "cli/scratch_folder.h"
#include "video/run.h"

namespace edet::cli {
namespace fs = std::filesystem;
namespace {

constexpr const char* kModelFolder = "model/";
constexpr const char* kParserLibrary = "libnvdsinfer_efficientdet.so";
constexpr const char* kMeasureConfig = "deepstream_measure.txt";

// The bundle's model/, with the parser library of this machine in the place of the device's.
Status Unpack(const deploy::Bundle& bundle, const fs::path& folder) {
  OutputFiles output;
  for (const deploy::BundleFile& file : bundle.files) {
    if (file.path.rfind(kModelFolder, 0) != 0) continue;
    const fs::path name = fs::path(file.path).filename();
    if (name == kParserLibrary) continue;
    EDET_RETURN_IF_ERROR(output.Stage(folder / name, file.bytes));
  }
  EDET_ASSIGN_OR_RETURN(fs::path library, FindParserLibrary());
  EDET_ASSIGN_OR_RETURN(std::string bytes, ReadFile(library));
  EDET_RETURN_IF_ERROR(output.Stage(folder / kParserLibrary, bytes, true));
  return output.Commit();
}

}  // namespace

Result<deploy::KittiFrames> ReferenceRun(const deploy::Bundle& bundle, const fs::path& video,
                                         uint64_t frames, bool show_progress) {
  ScratchFolder scratch;
  if (scratch.path().empty())
    return Error{ErrorCode::kIo, "cannot make a temporary folder", "", "is there room?"};
  EDET_RETURN_IF_ERROR(Unpack(bundle, scratch.path()));
  Findings ignored;
  EDET_ASSIGN_OR_RETURN(deepstream::AppConfig app,
                        deepstream::ReadAppConfig(scratch.path() / kMeasureConfig, ignored));
  EDET_ASSIGN_OR_RETURN(deepstream::NvinferConfig infer, video::PrimaryNvinferConfig(app, ignored));
  video::RunOptions options;
  options.inputs = {video.string()};
  options.output_dir = scratch.path();
  options.kitti_dir = scratch.path() / "kitti";
  options.video = false;
  options.frame_limit = frames;
  std::unique_ptr<Progress> bar;
  options.on_progress = [&](uint64_t done, uint64_t total, double /*fps*/) {
    if (!bar) bar = std::make_unique<Progress>("frames here", total, show_progress);
    bar->Update(done, "");
  };
  EDET_ASSIGN_OR_RETURN(video::RunSummary summary, video::Run(app, infer, options));
  bar.reset();
  if (summary.frames > 0) return deploy::ReadKittiFolder(options.kitti_dir);
  return Error{ErrorCode::kCorrupt, "the video has no frames", video.string(), ""};
}

}  // namespace edet::cli
