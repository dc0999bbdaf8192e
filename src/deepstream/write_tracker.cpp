#include <fmt/format.h>

#include "deepstream/app_parts.h"
#include "deepstream/platforms.h"
#include "deepstream/write_configs.h"

namespace edet::deepstream {
namespace {

// A kind of tracker as one range of versions has it: the library and its settings (both of the
// device), empty: none.
struct TrackerForm {
  TrackerKind kind;
  const char* name;  // on the command line
  const char *since, *before;
  const char *library, *settings;
};

constexpr const char* kAllInOne = "libnvds_nvmultiobjecttracker.so";
constexpr const char* kEver = "1000";
constexpr TrackerForm kForms[] = {
    {TrackerKind::kIou, "iou", "5.0", "6.0", "libnvds_mot_iou.so", "iou_config.txt"},
    {TrackerKind::kIou, "iou", "6.0", kEver, kAllInOne, "config_tracker_IOU.yml"},
    {TrackerKind::kKlt, "klt", "5.0", "6.0", "libnvds_mot_klt.so", ""},
    {TrackerKind::kNvDcf, "nvdcf", "5.0", "6.0", "libnvds_nvdcf.so", "tracker_config.yml"},
    {TrackerKind::kNvDcf, "nvdcf", "6.0", kEver, kAllInOne, "config_tracker_NvDCF_perf.yml"},
    {TrackerKind::kNvDcfAccuracy, "nvdcf-accuracy", "6.0", kEver, kAllInOne,
     "config_tracker_NvDCF_accuracy.yml"},
    {TrackerKind::kNvSort, "nvsort", "6.2", kEver, kAllInOne, "config_tracker_NvSORT.yml"},
    {TrackerKind::kNvDeepSort, "nvdeepsort", "6.0", "6.2", kAllInOne,
     "config_tracker_DeepSORT.yml"},
    {TrackerKind::kNvDeepSort, "nvdeepsort", "6.2", kEver, kAllInOne,
     "config_tracker_NvDeepSORT.yml"},
};

bool HasForm(const ModelFacts& model, const TrackerForm& form) {
  const std::string& version = model.deepstream_version;
  if (version.empty()) return std::string(form.before) == kEver;
  return CompareVersions(form.since, version) <= 0 && CompareVersions(version, form.before) < 0;
}

const TrackerForm* FormFor(const ModelFacts& model, TrackerKind kind) {
  for (const TrackerForm& form : kForms) {
    if (form.kind == kind && HasForm(model, form)) return &form;
  }
  return nullptr;
}

const char* NameOf(TrackerKind kind) {
  for (const TrackerForm& form : kForms) {
    if (form.kind == kind) return form.name;
  }
  return "none";
}

void WriteForm(const TrackerForm& form, ConfigText& text) {
  text.Comment("Of the device: the tracker, and the settings that make it the one asked for.");
  text.Set("ll-lib-file", fmt::format("{}/lib/{}", kDeviceFolder, form.library));
  if (form.settings[0] == '\0') return;
  text.Set("ll-config-file",
           fmt::format("{}/samples/configs/deepstream-app/{}", kDeviceFolder, form.settings));
}

}  // namespace

Status CheckTracker(const ModelFacts& model, const AppFacts& app) {
  if (app.tracker == TrackerKind::kNone || FormFor(model, app.tracker) != nullptr) return {};
  std::string names;
  for (const TrackerForm& form : kForms) {
    if (HasForm(model, form)) names += (names.empty() ? "" : ", ") + std::string(form.name);
  }
  return Error{ErrorCode::kUnsupported,
               fmt::format("DeepStream {} has no tracker of this kind", model.deepstream_version),
               fmt::format("--tracker {}", NameOf(app.tracker)), "it has " + names};
}

void WriteTracker(const ModelFacts& model, const AppFacts& app, ConfigText& text) {
  text.Group("tracker");
  const TrackerForm* form = FormFor(model, app.tracker);
  if (form == nullptr) {
    text.Comment("Off: every frame shows what the model sees.").Set("enable", 0U);
    return;
  }
  text.Set("enable", 1U);
  text.Comment("The size at which it looks at frames: multiples of 32 for those that do.");
  text.Set("tracker-width", 640U).Set("tracker-height", 384U).Set("gpu-id", 0U);
  WriteForm(*form, text);
  text.Comment("All sources in one call (newer versions know no other way).");
  text.Set("enable-batch-process", 1U);
  text.Comment("The number of each object beside its name.");
  text.Set("display-tracking-id", 1U);
}

}  // namespace edet::deepstream
