#include "efficientdet/heads.h"

#include <string>

namespace edet::efficientdet {
using graph::ValueId;
namespace {

struct Head {
  std::string scope;  // "class_net/class"
  int values_per_anchor;
};

ValueId AddHeadOnLevel(Layers& layers, ValueId x, const Head& head, int level,
                       const Hparams& hparams) {
  std::string suffix = "/level_" + std::to_string(level);
  for (int i = 0; i < hparams.box_class_repeats; ++i) {
    std::string conv = head.scope + "-" + std::to_string(i);
    std::string norm = conv + "-bn-" + std::to_string(level);
    ValueId before = x;
    x = layers.HeadConvolution(x, conv, conv + suffix, hparams.fpn_num_filters,
                               hparams.separable_conv, true);
    x = layers.Activate(layers.BatchNorm(x, norm), norm);
    if (hparams.head_residual && i > 0) x = layers.Add(x, before, conv + suffix + "/residual");
  }
  std::string predict = head.scope + "-predict";
  x = layers.HeadConvolution(x, predict, predict + suffix,
                             head.values_per_anchor * hparams.num_anchors(), hparams.separable_conv,
                             true);
  int64_t anchors = layers.height(x) * layers.width(x) * hparams.num_anchors();
  int64_t batch = layers.graph().shape(x)[0];
  x = layers.Transpose(x, predict + suffix + "/to_nhwc", {0, 2, 3, 1});
  return layers.Reshape(x, predict + suffix + "/by_anchor",
                        {batch, anchors, head.values_per_anchor});
}

ValueId AddHead(Layers& layers, const std::vector<ValueId>& features, const Head& head,
                const Hparams& hparams) {
  std::vector<ValueId> parts;
  for (size_t i = 0; i < features.size(); ++i) {
    parts.push_back(AddHeadOnLevel(layers, features[i], head,
                                   hparams.min_level + static_cast<int>(i), hparams));
  }
  return parts.size() == 1 ? parts[0] : layers.Concat(parts, head.scope + "-all_levels", 1);
}

}  // namespace

RawHeads AddHeads(Layers& layers, const std::vector<ValueId>& features, const Hparams& hparams) {
  return {AddHead(layers, features, {"class_net/class", hparams.num_classes}, hparams),
          AddHead(layers, features, {"box_net/box", 4}, hparams)};
}

}  // namespace edet::efficientdet
