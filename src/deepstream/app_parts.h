// The parts of deepstream-app's configuration that have rules of their own. Inside of this room.
#pragma once

#include "deepstream/config_text.h"
#include "deepstream/write_configs.h"

namespace edet::deepstream {

// Whether the facts' version is at least (or, an empty one, any) `version`.
bool AtLeast(const ModelFacts& model, const char* version);

inline constexpr const char* kDeviceFolder = "/opt/nvidia/deepstream/deepstream";

// [source0] and so on; in YAML one group that names the file of the sources.
void WriteSources(const ModelFacts& model, const AppFacts& app, ConfigFormat format,
                  ConfigText& text);
Status CheckSources(const ModelFacts& model, const AppFacts& app);
size_t SourceCount(const AppFacts& app);
bool IsLive(const AppFacts& app);

void WriteTracker(const ModelFacts& model, const AppFacts& app, ConfigText& text);
Status CheckTracker(const ModelFacts& model, const AppFacts& app);

void WriteSinks(const ModelFacts& model, const AppFacts& app, ConfigText& text);
Status CheckSinks(const ModelFacts& model, const AppFacts& app);
// Whether a sink shows or keeps the picture.
bool HasPicture(const AppFacts& app);

}  // namespace edet::deepstream
