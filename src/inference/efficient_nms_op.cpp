#include "inference/efficient_nms_op.h"

#include <algorithm>
#include <openvino/frontend/onnx/extension/conversion.hpp>
#include <optional>

namespace edet::inference {
namespace {

int Integer(const ov::frontend::NodeContext& node, const char* name, int fallback) {
  const auto value = node.get_attribute<int64_t>(name, fallback);
  constexpr int64_t kLimit = 1 << 30;
  return static_cast<int>(std::clamp(value, -kLimit, kLimit));
}

// How the inputs of one image lie in the tensors of a batch, or nothing where they do not belong
// together.
struct Layout {
  size_t batch = 0, anchors = 0, classes = 0, box_classes = 1;
  bool shared_anchors = false;  // one set of anchors for every image
};

std::optional<Layout> LayoutOf(const ov::TensorVector& inputs) {
  for (const ov::Tensor& input : inputs) {
    if (input.get_element_type() != ov::element::f32) return std::nullopt;
  }
  const ov::Shape boxes = inputs[0].get_shape(), scores = inputs[1].get_shape();
  if (boxes.size() < 3 || boxes.size() > 4 || scores.size() != 3) return std::nullopt;
  Layout layout;
  layout.batch = scores[0];
  layout.anchors = scores[1];
  layout.classes = scores[2];
  layout.box_classes = boxes.size() == 4 ? boxes[2] : 1;
  if (boxes[0] != scores[0] || boxes[1] != scores[1] || boxes.back() != 4) return std::nullopt;
  if (layout.box_classes != 1 && layout.box_classes != layout.classes) return std::nullopt;
  if (inputs.size() == 3) {
    const ov::Shape anchors = inputs[2].get_shape();
    if (anchors.size() != 3 || anchors[1] != layout.anchors || anchors[2] != 4) return std::nullopt;
    if (anchors[0] != 1 && anchors[0] != layout.batch) return std::nullopt;
    layout.shared_anchors = anchors[0] == 1;
  }
  return layout;
}

}  // namespace

EfficientNms::EfficientNms(const ov::OutputVector& inputs,
                           const detect::EfficientNmsOptions& attributes)
    : Op(inputs), attributes_(attributes) {
  constructor_validate_and_infer_types();
}

void EfficientNms::validate_and_infer_types() {
  NODE_VALIDATION_CHECK(this, get_input_size() == 2 || get_input_size() == 3,
                        "needs boxes, scores and perhaps anchors");
  NODE_VALIDATION_CHECK(this,
                        attributes_.max_output_boxes > 0 && attributes_.max_output_boxes <= 100000,
                        "max_output_boxes must be 1 to 100000");
  const ov::PartialShape boxes = get_input_partial_shape(0);
  const ov::Dimension batch =
      boxes.rank().is_static() && boxes.size() > 0 ? boxes[0] : ov::Dimension::dynamic();
  const ov::Dimension count(attributes_.max_output_boxes);
  set_output_type(0, ov::element::i32, ov::PartialShape{batch, 1});
  set_output_type(1, ov::element::f32, ov::PartialShape{batch, count, 4});
  set_output_type(2, ov::element::f32, ov::PartialShape{batch, count});
  set_output_type(3, ov::element::i32, ov::PartialShape{batch, count});
}

std::shared_ptr<ov::Node> EfficientNms::clone_with_new_inputs(
    const ov::OutputVector& inputs) const {
  return std::make_shared<EfficientNms>(inputs, attributes_);
}

bool EfficientNms::visit_attributes(ov::AttributeVisitor& visitor) {
  visitor.on_attribute("score_threshold", attributes_.score_threshold);
  visitor.on_attribute("iou_threshold", attributes_.iou_threshold);
  visitor.on_attribute("max_output_boxes", attributes_.max_output_boxes);
  visitor.on_attribute("max_output_boxes_per_class", attributes_.max_output_boxes_per_class);
  visitor.on_attribute("background_class", attributes_.background_class);
  visitor.on_attribute("score_activation", attributes_.score_activation);
  visitor.on_attribute("class_agnostic", attributes_.class_agnostic);
  visitor.on_attribute("box_coding", attributes_.box_coding);
  return true;
}

bool EfficientNms::evaluate(ov::TensorVector& outputs, const ov::TensorVector& inputs) const {
  const std::optional<Layout> layout = LayoutOf(inputs);
  if (!layout) return false;
  const size_t count = static_cast<size_t>(attributes_.max_output_boxes);
  const ov::Shape shapes[] = {{layout->batch, 1},
                              {layout->batch, count, 4},
                              {layout->batch, count},
                              {layout->batch, count}};
  for (size_t i = 0; i < outputs.size(); ++i) outputs[i].set_shape(shapes[i]);
  for (size_t image = 0; image < layout->batch; ++image) {
    detect::EfficientNmsInputs in;
    in.num_anchors = layout->anchors;
    in.num_classes = layout->classes;
    in.box_classes = layout->box_classes;
    in.boxes = inputs[0].data<const float>() + image * in.num_anchors * in.box_classes * 4;
    in.scores = inputs[1].data<const float>() + image * in.num_anchors * in.num_classes;
    if (inputs.size() == 3) {
      in.anchors =
          inputs[2].data<const float>() + (layout->shared_anchors ? 0 : image * in.num_anchors * 4);
    }
    detect::EfficientNmsOutputs out;
    out.num_detections = outputs[0].data<int32_t>() + image;
    out.boxes = outputs[1].data<float>() + image * count * 4;
    out.scores = outputs[2].data<float>() + image * count;
    out.classes = outputs[3].data<int32_t>() + image * count;
    detect::EfficientNms(in, attributes_, out);
  }
  return true;
}

std::shared_ptr<ov::Extension> EfficientNmsExtension() {
  return std::make_shared<ov::frontend::onnx::ConversionExtension>(
      "EfficientNMS_TRT", [](const ov::frontend::NodeContext& node) -> ov::OutputVector {
        detect::EfficientNmsOptions a;
        a.score_threshold = node.get_attribute<float>("score_threshold", a.score_threshold);
        a.iou_threshold = node.get_attribute<float>("iou_threshold", a.iou_threshold);
        a.max_output_boxes = Integer(node, "max_output_boxes", a.max_output_boxes);
        a.max_output_boxes_per_class =
            Integer(node, "max_output_boxes_per_class", a.max_output_boxes_per_class);
        a.background_class = Integer(node, "background_class", a.background_class);
        a.score_activation = Integer(node, "score_activation", 0) != 0;
        a.class_agnostic = Integer(node, "class_agnostic", 0) != 0;
        a.box_coding = Integer(node, "box_coding", a.box_coding);
        ov::OutputVector inputs;
        for (size_t i = 0; i < node.get_input_size(); ++i) {
          inputs.push_back(node.get_input(static_cast<int>(i)));
        }
        return std::make_shared<EfficientNms>(inputs, a)->outputs();
      });
}

}  // namespace edet::inference
