#pragma once

#include <string>

#include "onnx/analysis.h"

namespace edet::onnx_format {

// A network as one HTML page that needs nothing else: blocks first, their nodes on demand, with
// search and the figures of each. Text out of the file cannot become markup or script. `title` is
// shown as the page's name. The same analysis gives the same bytes.
std::string PicturePage(const ModelAnalysis& analysis, const std::string& title);

}  // namespace edet::onnx_format
