#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "cli/command.h"
#include "cli/convert_choices.h"
#include "cli/convert_graph.h"
#include "cli/convert_options.h"
#include "cli/convert_output.h"
#include "cli/limit_options.h"
#include "efficientdet/model.h"
#include "graph/half_precision.h"

namespace edet::cli {
namespace {

// --precision fp16, and what it did to the weights.
Status MakeHalf(graph::Graph& graph, Conversion& conversion) {
  EDET_ASSIGN_OR_RETURN(graph::HalfPrecisionReport half, graph::ToHalfPrecision(graph));
  conversion.reasons.push_back(
      fmt::format("precision: {} operators and {:.1f} M weights in fp16; input, normalisation, "
                  "boxes, scores and outputs in fp32",
                  half.nodes, static_cast<double>(half.weights) / 1e6));
  if (half.coarse_channels > 0) {
    conversion.reasons.push_back(fmt::format(
        "NOTE fp16 keeps fewer than 8 bits of the weights of {} output channels (first in {}), and "
        "makes {} weights 0: usually channels that training let die; compare with fp32",
        half.coarse_channels, half.first_coarse, half.zeroed));
  }
  return {};
}

void NoteGraph(const graph::Graph& graph, Conversion& conversion) {
  for (graph::ValueId id : graph.outputs) conversion.outputs.push_back(graph.value(id).name);
  conversion.nodes = graph.nodes.size();
  conversion.parameters = graph::ParameterCount(graph);
}

Status Convert(ConvertOptions options, bool quiet) {
  Conversion conversion;
  EDET_ASSIGN_OR_RETURN(std::vector<std::string> target, ChooseForTarget(options, conversion));
  EDET_ASSIGN_OR_RETURN(checkpoint::Checkpoint checkpoint,
                        OpenWithin(options.limits, options.checkpoint));
  conversion.checkpoint = checkpoint.Description();
  conversion.reasons = std::move(target);
  EDET_RETURN_IF_ERROR(Choose(checkpoint, options, conversion));
  EDET_ASSIGN_OR_RETURN(graph::Graph graph, BuildGraph(checkpoint, options, conversion));
  if (options.precision == Precision::kFp16) {
    EDET_RETURN_IF_ERROR(MakeHalf(graph, conversion));
  }
  NoteGraph(graph, conversion);
  EDET_RETURN_IF_ERROR(WriteFolder(std::move(graph), options, conversion));
  if (!quiet || options.json) PrintResult(options, conversion);
  return {};
}

}  // namespace

void AddConvertCommand(CLI::App& app, Session& session) {
  auto options = std::make_shared<ConvertOptions>();
  CLI::App* command = app.add_subcommand(
      "convert", "A checkpoint to ONNX, DeepStream configs, labels and the parser library");
  AddConvertOptions(command, options);
  command->footer("\nExample:\n  edet convert efficientdet-d0 -o d0\n  edet run d0 street.mp4");
  command->callback([options, command, &session] {
    NoteGiven(*command, options->given);
    Status status = Convert(*options, session.quiet);
    if (!status.ok()) throw CommandFailed{status.error()};
  });
}

}  // namespace edet::cli
