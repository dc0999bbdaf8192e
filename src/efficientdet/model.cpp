#include "efficientdet/model.h"

#include <utility>

#include "efficientdet/backbone.h"
#include "efficientdet/check_hparams.h"
#include "efficientdet/feature_network.h"
#include "efficientdet/heads.h"
#include "efficientdet/layers.h"
#include "graph/fold_batch_norm.h"
#include "graph/remove_unused.h"

namespace edet::efficientdet {
using graph::ElementType;
using graph::Graph;
using graph::Shape;
using graph::ValueId;
namespace {

// (x - mean) / stddev per channel, on the input as it comes.
ValueId AddNormalization(Layers& layers, ValueId input, const Hparams& h, Layout layout) {
  Graph& graph = layers.graph();
  Shape shape = layout == Layout::kNhwc ? Shape{1, 1, 1, 3} : Shape{1, 3, 1, 1};
  std::vector<float> mean(h.mean_rgb.begin(), h.mean_rgb.end());
  std::vector<float> stddev(h.stddev_rgb.begin(), h.stddev_rgb.end());
  ValueId mean_id =
      layers.Constant("normalize/mean_rgb", graph::FloatTensor(shape, std::move(mean)));
  ValueId stddev_id =
      layers.Constant("normalize/stddev_rgb", graph::FloatTensor(shape, std::move(stddev)));
  Shape image = graph.shape(input);
  ValueId centred = graph.AddNode("Sub", "normalize/subtract_mean", {input, mean_id},
                                  ElementType::kFloat32, image);
  return graph.AddNode("Div", "normalize/divide_by_stddev", {centred, stddev_id},
                       ElementType::kFloat32, image);
}

ValueId AddImage(Layers& layers, const Hparams& h, const BuildOptions& options) {
  bool nhwc = options.layout == Layout::kNhwc;
  Shape shape = nhwc ? Shape{options.batch, h.image_height, h.image_width, 3}
                     : Shape{options.batch, 3, h.image_height, h.image_width};
  ValueId input = layers.graph().AddInput("input", ElementType::kFloat32, std::move(shape));
  ValueId image = AddNormalization(layers, input, h, options.layout);
  return nhwc ? layers.Transpose(image, "normalize/to_nchw", {0, 3, 1, 2}) : image;
}

}  // namespace

Result<Graph> BuildModel(const Hparams& hparams, VariableSource& variables,
                         const BuildOptions& options) {
  EDET_RETURN_IF_ERROR(CheckHparams(hparams));
  bool fixed = options.batch != graph::kDynamic;
  if (fixed && (options.batch < 1 || options.batch > 1024)) {
    return Error{ErrorCode::kInvalidArgument, "must be 1 to 1024, or dynamic", "--batch", ""};
  }
  EDET_ASSIGN_OR_RETURN(BackboneConfig backbone,
                        FindBackbone(hparams.backbone_name, hparams.backbone_stages));
  Graph graph;
  graph.name = hparams.model_name;
  Layers layers(graph, variables, hparams.act_type);
  ValueId image = AddImage(layers, hparams, options);
  std::vector<ValueId> endpoints = AddBackbone(layers, image, hparams.backbone_name, backbone);
  if (static_cast<size_t>(hparams.min_level) > endpoints.size()) {
    return Error{ErrorCode::kUnsupported, "min_level is above what the backbone gives", "min_level",
                 "5 at the most"};
  }
  RawHeads heads = AddHeads(layers, AddFeatureNetwork(layers, endpoints, hparams), hparams);
  EDET_RETURN_IF_ERROR(AddPostprocess(layers, heads, BoxFrameOf(hparams), options.postprocess));
  graph::FoldBatchNorm(graph);
  graph::RemoveUnused(graph);
  return graph;
}

}  // namespace edet::efficientdet
