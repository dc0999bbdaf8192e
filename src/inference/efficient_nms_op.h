// TensorRT's EfficientNMS_TRT as an operator of OpenVINO.
#pragma once

#include <memory>
#include <openvino/core/extension.hpp>
#include <openvino/op/op.hpp>

#include "detect/efficient_nms.h"

namespace edet::inference {

// Inputs boxes [N,A,4] or [N,A,1,4] or [N,A,C,4], scores [N,A,C], and anchors [1,A,4] or [N,A,4] in
// the fused form, all f32. Outputs num_detections i32 [N,1], boxes f32 [N,M,4], scores f32 [N,M],
// classes i32 [N,M], M = max_output_boxes.
class EfficientNms : public ov::op::Op {
 public:
  OPENVINO_OP("EfficientNMS_TRT", "edet");
  EfficientNms() = default;
  EfficientNms(const ov::OutputVector& inputs, const detect::EfficientNmsOptions& attributes);
  void validate_and_infer_types() override;
  std::shared_ptr<ov::Node> clone_with_new_inputs(const ov::OutputVector& inputs) const override;
  bool visit_attributes(ov::AttributeVisitor& visitor) override;
  bool has_evaluate() const override { return true; }
  bool evaluate(ov::TensorVector& outputs, const ov::TensorVector& inputs) const override;

 private:
  detect::EfficientNmsOptions attributes_;
};

// Makes the ONNX reader understand the operator; for ov::Core::add_extension.
std::shared_ptr<ov::Extension> EfficientNmsExtension();

}  // namespace edet::inference
