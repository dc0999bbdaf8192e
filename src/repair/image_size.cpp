// An input of any size with scaling and padding inside becomes an input of the network's own size,
// for which that scaling changes nothing and can go.
#include <fmt/format.h>

#include "graph/fold_constants.h"
#include "graph/infer_shapes.h"
#include "repair/repairs.h"

namespace edet::repair {
using graph::Graph;
using graph::Shape;
using graph::ValueId;
namespace {

Shape ImageShape(bool channels_last, int64_t batch, ImageSize size) {
  return channels_last ? Shape{batch, size.height, size.width, 3}
                       : Shape{batch, 3, size.height, size.width};
}

// The height and width of what the first convolution over three channels takes; 0 where unknown.
ImageSize FirstConvolutionInput(const Graph& graph) {
  for (const graph::Node& node : graph.nodes) {
    if (node.op != "Conv" || node.inputs.size() < 2) continue;
    const graph::Value &x = graph.value(node.inputs[0]), &w = graph.value(node.inputs[1]);
    bool images = w.shape_known && w.shape.size() == 4 && w.shape[1] == 3 && graph::IsStatic(x) &&
                  x.shape.size() == 4;
    if (images) return {x.shape[2], x.shape[3]};
  }
  return {};
}

// What reaches the first convolution when a picture of this size comes in: the shape arithmetic of
// the preprocessing is simply carried out.
ImageSize Try(const Graph& graph, ValueId image, bool channels_last, ImageSize size) {
  Graph trial = graph;
  trial.value(image).shape = ImageShape(channels_last, 1, size);
  trial.value(image).shape_known = true;
  graph::FoldConstants(trial);
  return FirstConvolutionInput(trial);
}

// Two pictures of different forms must come out alike.
ImageSize NetworkSize(const Graph& graph, ValueId image, bool channels_last) {
  ImageSize first = Try(graph, image, channels_last, {97, 131});
  ImageSize second = Try(graph, image, channels_last, {300, 200});
  bool same = first.height == second.height && first.width == second.width;
  return same ? first : ImageSize{};
}

}  // namespace

Result<int> RepairImageSize(Subject& subject) {
  Graph& graph = subject.graph;
  ValueId image = ImageInput(graph);
  if (image == graph::kNoValue) {
    subject.left.push_back("no single image input was found: input sizes stay as they are");
    return 0;
  }
  const graph::Value& value = graph.value(image);
  bool channels_last = IsChannelsLast(graph, image);
  size_t at = channels_last ? 1 : 2;
  bool fixed = value.shape_known && value.shape[at] > 0 && value.shape[at + 1] > 0;
  if (fixed && !subject.options.image_size) return 0;
  ImageSize size = fixed ? ImageSize{value.shape[at], value.shape[at + 1]}
                         : NetworkSize(graph, image, channels_last);
  if (subject.options.image_size) {
    const ImageSize& asked = *subject.options.image_size;
    bool agrees = size.height == 0 || (size.height == asked.height && size.width == asked.width);
    if (!agrees) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("the network is made for {}x{}", size.width, size.height), "--size",
                   "leave it out"};
    }
    size = asked;
  }
  if (size.height == 0) {
    subject.left.push_back(
        "the input takes pictures of any size and the network's own could not be found out: "
        "--size WIDTHxHEIGHT tells it");
    return 0;
  }
  if (fixed) return 0;
  int64_t batch = value.shape_known && value.shape[0] > 0 ? value.shape[0] : 1;
  graph.value(image).shape = ImageShape(channels_last, batch, size);
  graph.value(image).shape_known = true;
  subject.notes.push_back(
      fmt::format("'{}' is [{}] now: scaling and padding within the graph did nothing for pictures "
                  "of that size and went away; DeepStream scales and pads before",
                  value.name,
                  channels_last ? fmt::format("{}, {}, {}, 3", batch, size.height, size.width)
                                : fmt::format("{}, 3, {}, {}", batch, size.height, size.width)));
  return 1;
}

}  // namespace edet::repair
