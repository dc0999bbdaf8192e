#include "onnx/blocks.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

namespace edet::onnx_format {
namespace {

constexpr size_t kNone = std::numeric_limits<size_t>::max();

std::vector<std::string> PathOf(const std::string& name) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin < name.size();) {
    size_t end = std::min(name.find('/', begin), name.size());
    if (end > begin) parts.push_back(name.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool StartsWith(const std::string& text, const char* start) { return text.rfind(start, 0) == 0; }

// "fnode5" -> "5"; empty if the text is no such number.
std::string NumberAfter(const std::string& text, const char* start) {
  if (!StartsWith(text, start)) return {};
  std::string digits = text.substr(std::string(start).size());
  bool number = !digits.empty() && digits.size() < 6 &&
                digits.find_first_not_of("0123456789") == std::string::npos;
  return number ? digits : std::string();
}

std::string FpnBlock(const std::vector<std::string>& path, size_t at) {
  std::string cell = path.size() > at + 1 ? NumberAfter(path[at + 1], "cell_") : "";
  std::string node = path.size() > at + 2 ? NumberAfter(path[at + 2], "fnode") : "";
  if (cell.empty()) return "fpn";
  return node.empty() ? "fpn cell " + cell : "fpn cell " + cell + " node " + node;
}

// Names by path in a network that is no EfficientDet: the fewest parts that make several blocks.
std::vector<std::string> PathBlocks(const ModelAnalysis& analysis) {
  constexpr size_t kEnough = 6;
  std::vector<std::string> names(analysis.nodes.size());
  for (size_t length = 1; length <= 4; ++length) {
    std::set<std::string> distinct;
    for (size_t i = 0; i < names.size(); ++i) {
      std::vector<std::string> path = PathOf(analysis.nodes[i].name);
      std::string name;
      for (size_t part = 0; part < length && part + 1 < path.size(); ++part)
        name += (part == 0 ? "" : "/") + path[part];
      names[i] = name;
      distinct.insert(name);
    }
    if (distinct.size() >= kEnough) break;
  }
  return names;
}

std::vector<std::string> OwnNames(const ModelAnalysis& analysis) {
  std::vector<std::string> names;
  bool any = false;
  for (const AnalyzedNode& node : analysis.nodes) {
    names.push_back(EfficientDetBlock(node.name));
    any |= !names.back().empty();
  }
  return any ? names : PathBlocks(analysis);
}

struct Links {
  std::vector<size_t> producer;                // of each tensor
  std::vector<std::vector<size_t>> consumers;  // of each tensor
};

Links LinksOf(const ModelAnalysis& analysis) {
  Links links;
  links.producer.assign(analysis.tensors.size(), kNone);
  links.consumers.resize(analysis.tensors.size());
  for (size_t i = 0; i < analysis.nodes.size(); ++i) {
    for (size_t tensor : analysis.nodes[i].outputs) links.producer[tensor] = i;
    for (size_t tensor : analysis.nodes[i].inputs) links.consumers[tensor].push_back(i);
  }
  return links;
}

// The names of nodes that have none of their own: of what reads them; in front of the first block
// "preprocess", behind the last "postprocess". The file's order is the order of computing.
void NameTheRest(const ModelAnalysis& analysis, std::vector<std::string>& names) {
  Links links = LinksOf(analysis);
  std::vector<bool> after_a_block(names.size(), false);
  for (size_t i = 0; i < names.size(); ++i) {
    after_a_block[i] = !names[i].empty();
    for (size_t tensor : analysis.nodes[i].inputs) {
      size_t before = links.producer[tensor];
      if (before != kNone && before < i && after_a_block[before]) after_a_block[i] = true;
    }
  }
  for (size_t i = names.size(); i-- > 0;) {
    if (!names[i].empty()) continue;
    for (size_t tensor : analysis.nodes[i].outputs)
      for (size_t reader : links.consumers[tensor])
        if (names[i].empty() && reader > i && after_a_block[i]) names[i] = names[reader];
    if (names[i].empty()) names[i] = after_a_block[i] ? "postprocess" : "preprocess";
  }
}

// Where names tell nothing: runs of the file's order.
void NameRuns(std::vector<std::string>& names) {
  constexpr size_t kRun = 40;
  for (size_t i = 0; i < names.size(); ++i) {
    size_t first = i / kRun * kRun;
    size_t last = std::min(first + kRun, names.size()) - 1;
    names[i] = "nodes " + std::to_string(first) + " to " + std::to_string(last);
  }
}

void AddTo(AnalyzedBlock& block, const AnalyzedNode& node) {
  ++block.nodes;
  block.parameters += node.parameters;
  if (!node.cost) {
    ++block.uncounted;
    return;
  }
  block.cost.macs += node.cost->macs;
  block.cost.flops += node.cost->flops;
}

}  // namespace

std::string EfficientDetBlock(const std::string& node_name) {
  std::vector<std::string> path = PathOf(node_name);
  for (size_t at = 0; at < path.size(); ++at) {
    const std::string& part = path[at];
    if (StartsWith(part, "class_net")) return "class_net";
    if (StartsWith(part, "box_net")) return "box_net";
    if (part == "fpn_cells") return FpnBlock(path, at);
    if (!NumberAfter(part, "resample_p").empty()) return part;
    if (!NumberAfter(part, "blocks_").empty()) return part;
    if (part == "stem" && at > 0) return "stem";
    if (part == "normalize" || part == "preprocessor") return "preprocess";
    if (part == "postprocess" || part == "nms") return "postprocess";
  }
  return {};
}

void GroupIntoBlocks(ModelAnalysis& analysis) {
  std::vector<std::string> names = OwnNames(analysis);
  bool any =
      std::any_of(names.begin(), names.end(), [](const auto& name) { return !name.empty(); });
  if (any) {
    NameTheRest(analysis, names);
  } else {
    NameRuns(names);
  }
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < names.size(); ++i) {
    auto [place, added] = places.emplace(names[i], analysis.blocks.size());
    if (added) analysis.blocks.push_back({names[i], 0, 0, 0, {}});
    analysis.nodes[i].block = place->second;
    AddTo(analysis.blocks[place->second], analysis.nodes[i]);
  }
}

}  // namespace edet::onnx_format
