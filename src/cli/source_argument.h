#pragma once

#include <string>

#include "base/result.h"
#include "deepstream/write_configs.h"

namespace edet::cli {

// A source as it is named on the command line: a file of this machine by its path, and all that
// SourceFromText takes. Errors: InvalidArgument.
Result<deepstream::SourceFacts> SourceArgument(const std::string& text);

}  // namespace edet::cli
