#include "cli/inspect_onnx.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.h"
#include "cli/inspect_fitness.h"
#include "cli/print_line.h"
#include "onnx/analysis.h"
#include "onnx/picture.h"
#include "onnx/read_graph.h"

namespace edet::cli {
namespace fs = std::filesystem;
using nlohmann::ordered_json;
namespace {

double Share(const onnx_format::ModelAnalysis& analysis, const onnx_format::AnalyzedBlock& block) {
  return analysis.cost.flops == 0
             ? 0.0
             : static_cast<double>(block.cost.flops) / static_cast<double>(analysis.cost.flops);
}

ordered_json TensorsJson(const std::vector<onnx_format::TensorInfo>& tensors) {
  ordered_json list = ordered_json::array();
  for (const auto& tensor : tensors)
    list.push_back({{"name", tensor.name}, {"type", tensor.type}, {"shape", tensor.shape}});
  return list;
}

ordered_json BlockJson(const onnx_format::ModelAnalysis& analysis,
                       const onnx_format::AnalyzedBlock& block) {
  return {
      {"name", block.name},          {"nodes", block.nodes},      {"parameters", block.parameters},
      {"macs", block.cost.macs},     {"flops", block.cost.flops}, {"share", Share(analysis, block)},
      {"uncounted", block.uncounted}};
}

ordered_json NodeJson(const onnx_format::ModelAnalysis& analysis,
                      const onnx_format::AnalyzedNode& node) {
  ordered_json outputs = ordered_json::array();
  for (size_t index : node.outputs) {
    const onnx_format::AnalyzedTensor& tensor = analysis.tensors[index];
    outputs.push_back({{"name", tensor.info.name},
                       {"type", tensor.info.type},
                       {"shape", tensor.shape_known ? ordered_json(tensor.info.shape) : nullptr}});
  }
  ordered_json json = {{"name", node.name},
                       {"operator", node.op},
                       {"block", analysis.blocks[node.block].name},
                       {"parameters", node.parameters},
                       {"outputs", outputs}};
  if (node.cost) json["macs"] = node.cost->macs;
  if (node.cost) json["flops"] = node.cost->flops;
  return json;
}

ordered_json OnnxJson(const onnx_format::ModelAnalysis& analysis) {
  const onnx_format::ModelSummary& summary = analysis.summary;
  ordered_json blocks = ordered_json::array();
  for (const auto& block : analysis.blocks) blocks.push_back(BlockJson(analysis, block));
  ordered_json nodes = ordered_json::array();
  for (const auto& node : analysis.nodes) nodes.push_back(NodeJson(analysis, node));
  return {{"kind", "onnx"},
          {"producer", summary.producer},
          {"ir_version", summary.ir_version},
          {"opsets", summary.opsets},
          {"inputs", TensorsJson(summary.inputs)},
          {"outputs", TensorsJson(summary.outputs)},
          {"nodes", summary.nodes},
          {"initializers", summary.initializers},
          {"parameters", summary.parameters},
          {"parameters_by_type", summary.parameters_by_type},
          {"file_bytes", summary.file_bytes},
          {"operators", summary.operators},
          {"metadata", summary.metadata},
          {"macs", analysis.cost.macs},
          {"flops", analysis.cost.flops},
          {"uncounted_nodes", analysis.uncounted},
          {"shape_note", analysis.shape_note},
          {"blocks", blocks},
          {"node_list", nodes}};
}

ordered_json FitnessJson(const Fitness& fitness) {
  ordered_json feeding = ordered_json::array();
  for (const FeedVerdict& verdict : fitness.feeding)
    feeding.push_back(
        {{"versions", verdict.versions}, {"good", verdict.good}, {"why", verdict.why}});
  ordered_json json = {{"exporter", fitness.exporter},
                       {"contract", nullptr},
                       {"deepstream", feeding},
                       {"next", fitness.next}};
  if (fitness.contract)
    json["contract"] = {{"name", fitness.contract->name},
                        {"what", fitness.contract->what},
                        {"function", fitness.contract->function}};
  return json;
}

void PrintFitness(const Fitness& fitness) {
  PrintLine("exporter    {}", fitness.exporter);
  if (fitness.contract) {
    PrintLine("contract    {}: {} ({})", fitness.contract->name, fitness.contract->what,
              fitness.contract->function);
  } else {
    PrintLine("contract    none that the parser library reads");
  }
  for (size_t i = 0; i < fitness.feeding.size(); ++i) {
    const FeedVerdict& verdict = fitness.feeding[i];
    PrintLine("{:<12}{} {} the input: {}", i == 0 ? "deepstream" : "", verdict.versions,
              verdict.good ? "feeds" : "cannot feed", verdict.why);
  }
  for (size_t i = 0; i < fitness.next.size(); ++i)
    PrintLine("{:<12}{}", i == 0 ? "next" : "", fitness.next[i]);
}

void PrintTensors(const char* what, const std::vector<onnx_format::TensorInfo>& tensors) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    PrintLine("{:<12}{:<20} {:<8} [{}]", i == 0 ? what : "", tensors[i].name, tensors[i].type,
              fmt::join(tensors[i].shape, ", "));
  }
}

void PrintBlocks(const onnx_format::ModelAnalysis& analysis, bool all) {
  constexpr size_t kFew = 80;
  fmt::print("\n{:<28}{:>6}{:>12}{:>11}{:>11}{:>8}\n", "block", "nodes", "parameters", "M MACs",
             "M FLOPs", "share");
  size_t shown = all ? analysis.blocks.size() : std::min(kFew, analysis.blocks.size());
  for (size_t i = 0; i < shown; ++i) {
    const onnx_format::AnalyzedBlock& block = analysis.blocks[i];
    PrintLine("{:<28}{:>6}{:>12}{:>11.2f}{:>11.2f}{:>6.1f} %{}", block.name, block.nodes,
              block.parameters, block.cost.macs / 1e6, block.cost.flops / 1e6,
              100 * Share(analysis, block), block.uncounted == 0 ? "" : " *");
  }
  if (shown < analysis.blocks.size())
    PrintLine("and {} more (--all)", analysis.blocks.size() - shown);
  if (analysis.uncounted > 0)
    PrintLine("* {} nodes not counted: plugins, unknown shapes", analysis.uncounted);
  if (!analysis.shape_note.empty()) PrintLine("shapes      {}", analysis.shape_note);
}

void PrintOnnx(const onnx_format::ModelAnalysis& analysis, const Fitness& fitness, bool all) {
  const onnx_format::ModelSummary& summary = analysis.summary;
  std::string opsets;
  for (const auto& [domain, version] : summary.opsets) {
    opsets += fmt::format("{}{} {}", opsets.empty() ? "" : ", ", domain.empty() ? "opset" : domain,
                          version);
  }
  PrintLine("onnx        {}, {}, IR {}, {:.1f} MB",
            summary.producer.empty() ? "producer unknown" : summary.producer, opsets,
            summary.ir_version, summary.file_bytes / 1e6);
  PrintTensors("input", summary.inputs);
  PrintTensors("output", summary.outputs);
  PrintFitness(fitness);
  PrintLine(
      "network     {} nodes, {} constants, {:.2f} M parameters, {}{:.3f} G MACs, {:.3f} G FLOPs",
      summary.nodes, summary.initializers, summary.parameters / 1e6,
      analysis.uncounted > 0 ? "at least " : "", analysis.cost.macs / 1e9,
      analysis.cost.flops / 1e9);
  bool first = true;
  for (const auto& [type, count] : summary.parameters_by_type) {
    PrintLine("{:<12}{:>10}  in {}", first ? "parameters" : "", count, type);
    first = false;
  }
  first = true;
  for (const auto& [name, count] : summary.operators) {
    PrintLine("{:<12}{:>5}  {}", first ? "operators" : "", count, name);
    first = false;
  }
  PrintBlocks(analysis, all);
}

Status WritePicture(const onnx_format::ModelAnalysis& analysis, const InspectOnnxOptions& options) {
  std::error_code error;
  if (fs::equivalent(options.path, options.html, error)) {
    return Error{ErrorCode::kInvalidArgument, "--html names the ONNX file itself",
                 options.html.string(), "name another file"};
  }
  std::string title = fs::absolute(options.path).parent_path().filename() / options.path.filename();
  return WriteFileAtomically(options.html, onnx_format::PicturePage(analysis, title));
}

// What breaks the format's rules is said, not counted. Graphs that only this program does not
// read, and weights that are not there, are.
Status CheckWhole(const fs::path& path) {
  Result<onnx_format::ForeignModel> read = onnx_format::ReadGraph(path);
  bool bad = !read.ok() && (read.error().code == ErrorCode::kCorrupt ||
                            read.error().code == ErrorCode::kLimitExceeded);
  return bad ? Status(read.error()) : Status();
}

}  // namespace

Status InspectOnnx(const InspectOnnxOptions& options) {
  EDET_RETURN_IF_ERROR(CheckWhole(options.path));
  EDET_ASSIGN_OR_RETURN(onnx_format::ModelAnalysis analysis,
                        onnx_format::AnalyzeModel(options.path));
  Fitness fitness = JudgeFitness(analysis.summary, options.path);
  if (!options.html.empty()) EDET_RETURN_IF_ERROR(WritePicture(analysis, options));
  if (options.json) {
    ordered_json json = OnnxJson(analysis);
    json.update(FitnessJson(fitness));
    fmt::print("{}\n", json.dump(2, ' ', false, ordered_json::error_handler_t::replace));
  } else {
    PrintOnnx(analysis, fitness, options.all);
    if (!options.html.empty()) fmt::print("\nwritten     {}\n", options.html.string());
  }
  return {};
}

}  // namespace edet::cli
