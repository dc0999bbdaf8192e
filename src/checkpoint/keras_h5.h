#pragma once

#include <filesystem>

#include "base/result.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/loaded_tensors.h"

namespace edet::checkpoint {

// The variables of a Keras `.h5` (save_weights or save): floating-point datasets, whose path is
// `<layer>/<variable>:0`, where the layer's own name comes twice. Only what lies in this file
// itself is read: soft and external links, data in other files and filters that HDF5 would load as
// plugins are refused. Errors: NotFound, Io, Corrupt, Unsupported, LimitExceeded.
Result<LoadedTensors> ReadKerasH5(const std::filesystem::path& path, const Limits& limits);

}  // namespace edet::checkpoint
