#include "efficientdet/postprocess.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "detect/anchors.h"

namespace edet::efficientdet {
using graph::ElementType;
using graph::FloatTensor;
using graph::Graph;
using graph::Int64Tensor;
using graph::kDynamic;
using graph::Shape;
using graph::ValueId;
namespace {

// Anchors as (y centre, x centre, height, width), out of the corners, as AutoML's
// decode_box_outputs does.
std::vector<float> CentreAnchors(const Hparams& hparams) {
  std::vector<float> anchors = detect::MakeAnchors(AnchorConfigOf(hparams));
  for (size_t i = 0; i + 3 < anchors.size(); i += 4) {
    float ymin = anchors[i], xmin = anchors[i + 1], ymax = anchors[i + 2], xmax = anchors[i + 3];
    anchors[i] = (ymin + ymax) / 2;
    anchors[i + 1] = (xmin + xmax) / 2;
    anchors[i + 2] = ymax - ymin;
    anchors[i + 3] = xmax - xmin;
  }
  return anchors;
}

// "1-2-0.5"
template <typename Values, typename Print>
std::string JoinWithDashes(const Values& values, const Print& print) {
  std::string text;
  for (const auto& value : values) text += (text.empty() ? "" : "-") + print(value);
  return text;
}

std::string Number(float value) { return fmt::format("{:.9g}", value); }

// A ratio of width to height where it is one, "1.4x0.7" otherwise.
std::string Print(const detect::AspectRatio& aspect) {
  const auto ratio = static_cast<float>(aspect.x / aspect.y);
  if (detect::AspectRatio(ratio) == aspect) return Number(ratio);
  return Number(static_cast<float>(aspect.x)) + "x" + Number(static_cast<float>(aspect.y));
}

// The parser library knows a model by its tensors only. Where its anchors are not those of the
// family's default, the box tensor's name tells them: "__a5_s2_r1-2_l4" (the parser's
// anchor_spec.h). "" for the default.
std::string AnchorsAsNameEnding(const Hparams& hparams) {
  const detect::AnchorConfig usual, own = AnchorConfigOf(hparams);
  std::string spec;
  if (own.anchor_scales != usual.anchor_scales)
    spec += "_a" + JoinWithDashes(own.anchor_scales, Number);
  if (own.num_scales != usual.num_scales) spec += fmt::format("_s{}", own.num_scales);
  if (own.aspect_ratios != usual.aspect_ratios)
    spec += "_r" + JoinWithDashes(own.aspect_ratios, Print);
  if (own.min_level != usual.min_level) spec += fmt::format("_l{}", own.min_level);
  return spec.empty() ? "" : "_" + spec;
}

// Adds the operators of one kind of post-processing, with short names under "postprocess/".
class PostprocessBuilder {
 public:
  PostprocessBuilder(Layers& layers, const RawHeads& heads, const Hparams& hparams,
                     const PostprocessGraph& options)
      : layers_(layers),
        graph_(layers.graph()),
        heads_(heads),
        hparams_(hparams),
        options_(options) {
    const Shape& logits = graph_.shape(heads.class_logits);
    batch_ = logits[0];
    num_anchors_ = logits[1];
    num_classes_ = logits[2];
  }

  void AddNone() {
    graph_.MarkOutput(heads_.class_logits, "class_logits");
    graph_.MarkOutput(heads_.box_deltas, "box_deltas" + AnchorsAsNameEnding(hparams_));
  }

  void AddDecoded() {
    graph_.MarkOutput(DecodedBoxes(), "boxes");
    graph_.MarkOutput(layers_.Sigmoid(heads_.class_logits, Name("scores")), "scores");
  }

  void AddPlugin() {
    int64_t max = options_.max_detections;
    ValueId anchors =
        Constant("anchors", FloatTensor({1, num_anchors_, 4}, CentreAnchors(hparams_)));
    ValueId count = graph_.AddNode("EfficientNMS_TRT", Name("nms"),
                                   {heads_.box_deltas, heads_.class_logits, anchors},
                                   ElementType::kInt32, {batch_, 1},
                                   {{"plugin_version", std::string("1")},
                                    {"background_class", int64_t{-1}},
                                    {"max_output_boxes", max},
                                    {"score_threshold", options_.score_threshold},
                                    {"iou_threshold", options_.iou_threshold},
                                    {"score_activation", int64_t{1}},
                                    {"box_coding", int64_t{1}}});
    ValueId boxes =
        graph_.AddOutputToLastNode(Name("boxes"), ElementType::kFloat32, {batch_, max, 4});
    ValueId scores =
        graph_.AddOutputToLastNode(Name("scores"), ElementType::kFloat32, {batch_, max});
    ValueId classes =
        graph_.AddOutputToLastNode(Name("classes"), ElementType::kInt32, {batch_, max});
    MarkFourTensors(count, boxes, scores, classes);
  }

  void AddFourTensors() {
    Kept kept = Select();
    int64_t max = options_.max_detections;
    ValueId zero = Constant("zero", FloatTensor({}, {0.F}));
    ValueId is_kept = Node("Greater", "is_kept", {kept.scores, zero}, ElementType::kBool, {1, max});
    ValueId ones = Cast(is_kept, "kept_ones", ElementType::kInt32);
    ValueId count =
        Node("ReduceSum", "count", {ones}, ElementType::kInt32, {1, 1}, {{"keepdims", int64_t{1}}});
    ValueId classes = Cast(layers_.Reshape(kept.classes, Name("class_row"), {1, max}), "class_int",
                           ElementType::kInt32);
    MarkFourTensors(count, kept.boxes, kept.scores, classes);
  }

  void AddRows() {
    Kept kept = Select();
    int64_t max = options_.max_detections;
    std::vector<float> zeros(static_cast<size_t>(max), 0.F);
    ValueId image_id = Constant("image_id", FloatTensor({1, max, 1}, std::move(zeros)));
    ValueId scores = layers_.Reshape(kept.scores, Name("scores_as_column"), {1, max, 1});
    ValueId classes = layers_.Reshape(kept.classes, Name("classes_as_column"), {1, max, 1});
    ValueId one = Constant("one", FloatTensor({}, {1.F}));
    classes =
        layers_.Add(Cast(classes, "class_float", ElementType::kFloat32), one, Name("class_id"));
    graph_.MarkOutput(layers_.Concat({image_id, kept.boxes, scores, classes}, Name("rows"), 2),
                      "detections");
  }

 private:
  struct Kept {       // the M best, padded with score 0
    ValueId boxes;    // [1, M, 4], clipped
    ValueId scores;   // [1, M]
    ValueId classes;  // [M] int64, 0-based
  };

  static std::string Name(const std::string& name) { return "postprocess/" + name; }
  ValueId Constant(const std::string& name, graph::TensorPtr tensor) {
    return layers_.Constant(Name(name), std::move(tensor));
  }
  ValueId Node(std::string op, const std::string& name, std::vector<ValueId> inputs,
               ElementType type, Shape shape,
               std::map<std::string, graph::Attribute> attributes = {}) {
    return graph_.AddNode(std::move(op), Name(name), std::move(inputs), type, std::move(shape),
                          std::move(attributes));
  }
  ValueId Cast(ValueId x, const std::string& name, ElementType type) {
    constexpr int64_t kOnnxFloat = 1, kOnnxInt32 = 6;
    int64_t to = type == ElementType::kFloat32 ? kOnnxFloat : kOnnxInt32;
    return Node("Cast", name, {x}, type, graph_.shape(x), {{"to", to}});
  }
  // x[begin:end] along an axis, all bounds constant.
  ValueId Slice(ValueId x, const std::string& name, int64_t axis, int64_t begin, int64_t end) {
    auto one = [&](const char* part, int64_t value) {
      return Constant(name + part, Int64Tensor({1}, {value}));
    };
    Shape shape = graph_.shape(x);
    shape[static_cast<size_t>(axis)] = end - begin;
    return Node("Slice", name, {x, one("/begin", begin), one("/end", end), one("/axis", axis)},
                graph_.value(x).type, std::move(shape));
  }
  ValueId Gather(ValueId from, ValueId indices, const std::string& name, int64_t axis) {
    Shape shape = graph_.shape(from);
    shape.erase(shape.begin() + axis);
    const Shape& picked = graph_.shape(indices);
    shape.insert(shape.begin() + axis, picked.begin(), picked.end());
    return Node("Gather", name, {from, indices}, graph_.value(from).type, std::move(shape),
                {{"axis", axis}});
  }

  // ymin, xmin, ymax, xmax [N, A, 4] in network pixels, not clipped:
  // centre = delta * size + centre of the anchor, size = exp(delta) * size of the anchor.
  ValueId DecodedBoxes() {
    std::vector<float> anchors = CentreAnchors(hparams_), centres, half_sizes, sizes;
    for (size_t i = 0; i + 3 < anchors.size(); i += 4) {
      centres.insert(centres.end(), {anchors[i], anchors[i + 1]});
      sizes.insert(sizes.end(), {anchors[i + 2], anchors[i + 3]});
      half_sizes.insert(half_sizes.end(), {anchors[i + 2] / 2, anchors[i + 3] / 2});
    }
    Shape pairs{1, num_anchors_, 2};
    ValueId shift = Slice(heads_.box_deltas, "centre_deltas", 2, 0, 2);
    ValueId growth = Slice(heads_.box_deltas, "size_deltas", 2, 2, 4);
    ValueId centre =
        layers_.Multiply(shift, Constant("anchor_sizes", FloatTensor(pairs, std::move(sizes))),
                         Name("centre_shift"));
    centre = layers_.Add(centre, Constant("anchor_centres", FloatTensor(pairs, std::move(centres))),
                         Name("centre"));
    ValueId half = Node("Exp", "growth", {growth}, ElementType::kFloat32, graph_.shape(growth));
    half = layers_.Multiply(
        half, Constant("anchor_half_sizes", FloatTensor(pairs, std::move(half_sizes))),
        Name("half_size"));
    ValueId low =
        Node("Sub", "low_corner", {centre, half}, ElementType::kFloat32, graph_.shape(centre));
    return layers_.Concat({low, layers_.Add(centre, half, Name("high_corner"))}, Name("boxes"), 2);
  }

  ValueId ClippedBoxes(ValueId boxes) {
    auto height = static_cast<float>(hparams_.image_height),
         width = static_cast<float>(hparams_.image_width);
    ValueId low = Constant("clip_low", FloatTensor({}, {0.F}));
    ValueId high = Constant("clip_high", FloatTensor({4}, {height, width, height, width}));
    boxes =
        Node("Max", "boxes_above_zero", {boxes, low}, ElementType::kFloat32, graph_.shape(boxes));
    return Node("Min", "boxes_inside", {boxes, high}, ElementType::kFloat32, graph_.shape(boxes));
  }

  // NonMaxSuppression over scores [1, C, A]: [S, 3] of batch, class, anchor.
  ValueId NonMaxSuppression(ValueId boxes, ValueId scores) {
    ValueId most = Constant("max_per_class", Int64Tensor({1}, {options_.max_detections}));
    ValueId iou = Constant("iou_threshold", FloatTensor({1}, {options_.iou_threshold}));
    ValueId score = Constant("score_threshold", FloatTensor({1}, {options_.score_threshold}));
    return Node("NonMaxSuppression", "nms", {boxes, scores, most, iou, score}, ElementType::kInt64,
                {kDynamic, 3});
  }

  ValueId Column(ValueId selected, const std::string& name, int64_t column) {
    return Gather(selected, Constant(name + "_column", Int64Tensor({}, {column})), name, 1);
  }

  // The S values, followed by M zeros: [S + M].
  ValueId PadWithZeros(ValueId values, const std::string& name) {
    int64_t max = options_.max_detections;
    auto count = static_cast<size_t>(max);
    bool is_float = graph_.value(values).type == ElementType::kFloat32;
    ValueId zeros =
        is_float ? Constant("padding_scores", FloatTensor({max}, std::vector<float>(count, 0.F)))
                 : Constant("padding_indices", Int64Tensor({max}, std::vector<int64_t>(count, 0)));
    return layers_.Concat({values, zeros}, Name(name), 0);
  }

  Kept Select() {
    return options_.semantics == NmsSemantics::kAutoml ? SelectBestClass() : SelectPerClass();
  }

  Kept Finish(ValueId boxes, ValueId anchor, ValueId scores, ValueId classes) {
    int64_t max = options_.max_detections;
    ValueId flat = layers_.Reshape(boxes, Name("box_table"), {num_anchors_, 4});
    ValueId kept = ClippedBoxes(Gather(flat, anchor, "kept_boxes", 0));
    return {layers_.Reshape(kept, Name("kept_boxes_batch"), {1, max, 4}),
            layers_.Reshape(scores, Name("kept_scores_batch"), {1, max}), classes};
  }

  Kept SelectBestClass() {
    int64_t max = options_.max_detections;
    ValueId boxes = DecodedBoxes();
    std::vector<int64_t> last{2};
    ValueId logit = Node("ReduceMax", "best_logit", {heads_.class_logits}, ElementType::kFloat32,
                         {1, num_anchors_}, {{"axes", last}, {"keepdims", int64_t{0}}});
    ValueId best = Node("ArgMax", "best_class", {heads_.class_logits}, ElementType::kInt64,
                        {1, num_anchors_}, {{"axis", int64_t{2}}, {"keepdims", int64_t{0}}});
    ValueId scores = layers_.Sigmoid(logit, Name("best_score"));
    ValueId selected =
        NonMaxSuppression(boxes, layers_.Reshape(scores, Name("one_class"), {1, 1, num_anchors_}));
    ValueId anchor = Column(selected, "anchor", 2);
    ValueId score_table = layers_.Reshape(scores, Name("score_table"), {num_anchors_});
    ValueId kept_scores =
        PadWithZeros(Gather(score_table, anchor, "selected_scores", 0), "padded_scores");
    ValueId kept_anchor = Slice(PadWithZeros(anchor, "padded_anchor"), "kept_anchor", 0, 0, max);
    ValueId class_table = layers_.Reshape(best, Name("class_table"), {num_anchors_});
    return Finish(boxes, kept_anchor, Slice(kept_scores, "kept_scores", 0, 0, max),
                  Gather(class_table, kept_anchor, "kept_classes", 0));
  }

  Kept SelectPerClass() {
    int64_t max = options_.max_detections;
    ValueId boxes = DecodedBoxes();
    ValueId scores = layers_.Sigmoid(heads_.class_logits, Name("scores"));
    ValueId by_class = layers_.Transpose(scores, Name("scores_by_class"), {0, 2, 1});
    ValueId selected = NonMaxSuppression(boxes, by_class);
    ValueId anchor = Column(selected, "anchor", 2), cls = Column(selected, "class", 1);
    ValueId stride = Constant("anchors_per_class", Int64Tensor({}, {num_anchors_}));
    ValueId offset =
        Node("Mul", "class_offset", {cls, stride}, ElementType::kInt64, graph_.shape(cls));
    ValueId place =
        Node("Add", "score_place", {offset, anchor}, ElementType::kInt64, graph_.shape(cls));
    ValueId table = layers_.Reshape(by_class, Name("score_table"), {num_classes_ * num_anchors_});
    ValueId padded = PadWithZeros(Gather(table, place, "selected_scores", 0), "padded_scores");
    ValueId k = Constant("max_detections", Int64Tensor({1}, {max}));
    ValueId best = Node("TopK", "best", {padded, k}, ElementType::kFloat32, {max},
                        {{"axis", int64_t{0}}, {"largest", int64_t{1}}, {"sorted", int64_t{1}}});
    ValueId order = graph_.AddOutputToLastNode(Name("best_order"), ElementType::kInt64, {max});
    ValueId kept_anchor = Gather(PadWithZeros(anchor, "padded_anchor"), order, "kept_anchor", 0);
    return Finish(boxes, kept_anchor, best,
                  Gather(PadWithZeros(cls, "padded_class"), order, "kept_classes", 0));
  }

  void MarkFourTensors(ValueId count, ValueId boxes, ValueId scores, ValueId classes) {
    graph_.MarkOutput(count, "num_detections");
    graph_.MarkOutput(boxes, "detection_boxes");
    graph_.MarkOutput(scores, "detection_scores");
    graph_.MarkOutput(classes, "detection_classes");
  }

  Layers& layers_;
  Graph& graph_;
  const RawHeads& heads_;
  const Hparams& hparams_;
  const PostprocessGraph& options_;
  int64_t batch_ = 1, num_anchors_ = 0, num_classes_ = 0;
};

Status CheckOptions(const PostprocessGraph& options, int64_t batch) {
  auto error = [](ErrorCode code, std::string what, std::string where, std::string hint) {
    return Error{code, std::move(what), std::move(where), std::move(hint)};
  };
  if (options.max_detections < 1 || options.max_detections > 3840) {
    return error(ErrorCode::kInvalidArgument, "must be 1 to 3840 (TensorRT's TopK takes no more)",
                 "--max-detections", "");
  }
  auto fraction = [](float x) { return x >= 0.F && x <= 1.F; };
  if (!fraction(options.score_threshold))
    return error(ErrorCode::kInvalidArgument, "must be 0 to 1", "--score-threshold", "");
  if (!fraction(options.iou_threshold))
    return error(ErrorCode::kInvalidArgument, "must be 0 to 1", "--iou-threshold", "");
  if (options.kind == NmsKind::kPlugin && options.semantics == NmsSemantics::kAutoml) {
    return error(ErrorCode::kUnsupported, "EfficientNMS_TRT works on each class on its own",
                 "--nms plugin",
                 "take --nms onnx or rows for AutoML's semantics, or --nms-semantics per-class");
  }
  bool one_image = options.kind == NmsKind::kOnnx || options.kind == NmsKind::kRows;
  if (one_image && batch != 1) {
    return error(ErrorCode::kUnsupported, "post-processing by ONNX operators takes one image",
                 "--batch", "take --nms plugin, decoded or none for larger batches");
  }
  return {};
}

}  // namespace

Status AddPostprocess(Layers& layers, const RawHeads& heads, const Hparams& hparams,
                      const PostprocessGraph& options) {
  EDET_RETURN_IF_ERROR(CheckOptions(options, layers.graph().shape(heads.class_logits)[0]));
  PostprocessBuilder builder(layers, heads, hparams, options);
  switch (options.kind) {
    case NmsKind::kPlugin:
      builder.AddPlugin();
      break;
    case NmsKind::kOnnx:
      builder.AddFourTensors();
      break;
    case NmsKind::kRows:
      builder.AddRows();
      break;
    case NmsKind::kDecoded:
      builder.AddDecoded();
      break;
    case NmsKind::kNone:
      builder.AddNone();
      break;
  }
  return {};
}

}  // namespace edet::efficientdet
