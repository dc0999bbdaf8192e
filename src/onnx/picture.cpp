#include "onnx/picture.h"

#include <nlohmann/json.hpp>

#include "onnx/picture_files.h"

namespace edet::onnx_format {
namespace {

using nlohmann::ordered_json;

ordered_json TensorJson(const AnalyzedTensor& tensor) {
  ordered_json shape = tensor.shape_known ? ordered_json(tensor.info.shape) : ordered_json();
  return {tensor.info.name, tensor.info.type, shape, tensor.constant ? 1 : 0};
}

ordered_json NodeJson(const AnalyzedNode& node) {
  ordered_json json = {{"name", node.name},       {"op", node.op},
                       {"block", node.block},     {"in", node.inputs},
                       {"out", node.outputs},     {"params", node.parameters},
                       {"attrs", node.attributes}};
  if (node.cost) {
    json["macs"] = node.cost->macs;
    json["flops"] = node.cost->flops;
  }
  if (node.depth > 0) json["depth"] = node.depth;
  return json;
}

ordered_json PageJson(const ModelAnalysis& analysis, const std::string& title) {
  ordered_json json = {{"title", title},
                       {"producer", analysis.summary.producer},
                       {"params", analysis.summary.parameters},
                       {"bytes", analysis.summary.file_bytes},
                       {"macs", analysis.cost.macs},
                       {"flops", analysis.cost.flops},
                       {"uncounted", analysis.uncounted},
                       {"inputs", analysis.inputs},
                       {"outputs", analysis.outputs}};
  for (const AnalyzedBlock& block : analysis.blocks) {
    json["blocks"].push_back({{"name", block.name},
                              {"nodes", block.nodes},
                              {"params", block.parameters},
                              {"macs", block.cost.macs},
                              {"flops", block.cost.flops},
                              {"uncounted", block.uncounted}});
  }
  for (const AnalyzedTensor& tensor : analysis.tensors)
    json["tensors"].push_back(TensorJson(tensor));
  for (const AnalyzedNode& node : analysis.nodes) json["nodes"].push_back(NodeJson(node));
  return json;
}

// "</script>" or "<!--" inside a string would end the script element or change how it is read; an
// escaped "<" is the same JSON.
std::string ForScript(const std::string& json) {
  std::string safe;
  safe.reserve(json.size());
  for (char c : json) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

void Replace(std::string& page, const std::string& mark, const std::string& text) {
  size_t at = page.find(mark);
  if (at != std::string::npos) page.replace(at, mark.size(), text);
}

}  // namespace

std::string PicturePage(const ModelAnalysis& analysis, const std::string& title) {
  std::string data =
      PageJson(analysis, title).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  std::string page = kPicturePage;
  Replace(page, "/*STYLE*/", kPictureStyle);
  Replace(page, "/*SCRIPT*/", kPictureScript);
  Replace(page, "/*DATA*/", ForScript(data));  // last: nothing is looked for in it
  return page;
}

}  // namespace edet::onnx_format
