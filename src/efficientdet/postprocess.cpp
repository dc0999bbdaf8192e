#include "efficientdet/postprocess.h"

#include <numeric>
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
std::vector<float> CentreAnchors(const BoxFrame& frame) {
  std::vector<float> anchors = frame.anchor_corners;
  for (size_t i = 0; i + 3 < anchors.size(); i += 4) {
    float ymin = anchors[i], xmin = anchors[i + 1], ymax = anchors[i + 2], xmax = anchors[i + 3];
    anchors[i] = (ymin + ymax) / 2;
    anchors[i + 1] = (xmin + xmax) / 2;
    anchors[i + 2] = ymax - ymin;
    anchors[i + 3] = xmax - xmin;
  }
  return anchors;
}

// Adds the operators of one kind of post-processing, with short names under "postprocess/".
class PostprocessBuilder {
 public:
  PostprocessBuilder(Layers& layers, const RawHeads& heads, const BoxFrame& frame,
                     const PostprocessGraph& options)
      : layers_(layers), graph_(layers.graph()), heads_(heads), frame_(frame), options_(options) {
    const Shape& logits = graph_.shape(heads.class_logits);
    batch_ = logits[0];
    num_anchors_ = logits[1];
    num_classes_ = logits[2];
  }

  void AddNone() {
    graph_.MarkOutput(heads_.class_logits, "class_logits");
    graph_.MarkOutput(heads_.box_deltas, "box_deltas");
  }

  void AddDecoded() {
    graph_.MarkOutput(DecodedBoxes(), "boxes");
    graph_.MarkOutput(layers_.Sigmoid(heads_.class_logits, Name("scores")), "scores");
  }

  void AddPlugin() {
    int64_t max = options_.max_detections;
    ValueId anchors = Constant("anchors", FloatTensor({1, num_anchors_, 4}, CentreAnchors(frame_)));
    ValueId count = graph_.AddNode("EfficientNMS_TRT", Name("nms"),
                                   {heads_.box_deltas, PluginLogits(), anchors},
                                   ElementType::kInt32, {batch_, 1}, PluginAttributes());
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
    ValueId count = batch_ == 1 ? Count(kept.scores) : CountEach(kept.scores);
    ValueId classes = kept.classes;
    if (batch_ == 1) {
      classes = layers_.Reshape(classes, Name("class_row"), {1, options_.max_detections});
    }
    classes = Cast(classes, "class_int", ElementType::kInt32);
    MarkFourTensors(count, kept.boxes, kept.scores, classes);
  }

  void AddRows() {
    Kept kept = Select();
    int64_t max = options_.max_detections;
    ValueId scores = layers_.Reshape(kept.scores, Name("scores_as_column"), {batch_, max, 1});
    ValueId classes = layers_.Reshape(kept.classes, Name("classes_as_column"), {batch_, max, 1});
    ValueId one = Constant("one", FloatTensor({}, {1.F}));
    classes =
        layers_.Add(Cast(classes, "class_float", ElementType::kFloat32), one, Name("class_id"));
    graph_.MarkOutput(layers_.Concat({ImageIdRows(), kept.boxes, scores, classes}, Name("rows"), 2),
                      "detections");
  }

 private:
  struct Kept {       // the M best of each image, padded with score 0
    ValueId boxes;    // [N, M, 4], clipped
    ValueId scores;   // [N, M]
    ValueId classes;  // int64, 0-based: [M] where the batch is 1, else [N, M]
  };
  struct Selected {  // what NMS kept, of all images; S rows
    ValueId image;   // [S] int64
    ValueId anchor;  // [S] int64
    ValueId cls;     // [S] int64; unused where an anchor has one class
    ValueId scores;  // [S]
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
    constexpr int64_t kOnnxFloat = 1, kOnnxInt32 = 6, kOnnxInt64 = 7;
    int64_t to = type == ElementType::kFloat32 ? kOnnxFloat
                 : type == ElementType::kInt32 ? kOnnxInt32
                                               : kOnnxInt64;
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

  // A Reshape that gives up the batch dimension; -1 in `target` is what is left.
  ValueId Flatten(ValueId x, const std::string& name, Shape target, Shape shape) {
    Shape rank{static_cast<int64_t>(target.size())};
    ValueId to = Constant(name + "/shape", Int64Tensor(std::move(rank), std::move(target)));
    return Node("Reshape", name, {x, to}, graph_.value(x).type, std::move(shape));
  }
  ValueId FlatTable(ValueId x, const std::string& name) {
    return Flatten(x, name, {-1}, {kDynamic});
  }
  ValueId Integers(const char* op, ValueId a, ValueId b, const std::string& name) {
    return Node(op, name, {a, b}, ElementType::kInt64, graph_.shape(a));
  }
  ValueId Integer(const std::string& name, int64_t value) {
    return Constant(name, Int64Tensor({}, {value}));
  }

  // AutoML's semantics for a plugin that cannot take the best class itself: every other class of an
  // anchor gets a logit that no threshold lets through. The first class wins among equal ones.
  ValueId PluginLogits() {
    if (options_.semantics == NmsSemantics::kPerClass) return heads_.class_logits;
    constexpr float kNever = -1e4F;  // sigmoid: 0; half precision holds it
    Shape all = graph_.shape(heads_.class_logits);
    ValueId best =
        Node("ArgMax", "best_class", {heads_.class_logits}, ElementType::kInt64,
             {batch_, num_anchors_, 1}, {{"axis", int64_t{2}}, {"keepdims", int64_t{1}}});
    std::vector<int64_t> classes(static_cast<size_t>(num_classes_));
    std::iota(classes.begin(), classes.end(), int64_t{0});
    ValueId each = Constant("classes", Int64Tensor({1, 1, num_classes_}, std::move(classes)));
    ValueId is_best = Node("Equal", "is_best_class", {best, each}, ElementType::kBool, all);
    ValueId never = Constant("never", FloatTensor({}, {kNever}));
    return Node("Where", "best_logits", {is_best, heads_.class_logits, never},
                ElementType::kFloat32, all);
  }

  std::map<std::string, graph::Attribute> PluginAttributes() const {
    std::map<std::string, graph::Attribute> attributes = {
        {"plugin_version", std::string("1")},
        {"background_class", int64_t{-1}},
        {"max_output_boxes", int64_t{options_.max_detections}},
        {"score_threshold", options_.score_threshold},
        {"iou_threshold", options_.iou_threshold},
        {"score_activation", int64_t{1}},
        {"box_coding", int64_t{1}}};
    if (options_.semantics == NmsSemantics::kAutoml) attributes["class_agnostic"] = int64_t{1};
    return attributes;
  }

  // Which scores are no padding.
  ValueId IsKept(ValueId scores) {
    ValueId zero = Constant("zero", FloatTensor({}, {0.F}));
    return Node("Greater", "is_kept", {scores, zero}, ElementType::kBool, graph_.shape(scores));
  }
  ValueId Count(ValueId scores) {
    ValueId ones = Cast(IsKept(scores), "kept_ones", ElementType::kInt32);
    return Node("ReduceSum", "count", {ones}, ElementType::kInt32, {1, 1},
                {{"keepdims", int64_t{1}}});
  }
  // Of each image: the place of the last score above 0, as they descend. ReduceMax has its axes as
  // an attribute in every opset up to 17 and in every engine; ReduceSum has not.
  ValueId CountEach(ValueId scores) {
    int64_t max = options_.max_detections;
    std::vector<float> values(static_cast<size_t>(max));
    std::iota(values.begin(), values.end(), 1.F);
    ValueId places = Constant("places", FloatTensor({1, max}, std::move(values)));
    ValueId zero = Constant("zero", FloatTensor({}, {0.F}));
    ValueId kept = Node("Where", "kept_places", {IsKept(scores), places, zero},
                        ElementType::kFloat32, {batch_, max});
    std::vector<int64_t> last{1};
    ValueId count = Node("ReduceMax", "last_place", {kept}, ElementType::kFloat32, {batch_, 1},
                         {{"axes", last}, {"keepdims", int64_t{1}}});
    return Cast(count, "count", ElementType::kInt32);
  }

  // The image numbers 0 to N - 1, [N, 1] int64. Read off the graph, not off `batch_`: a runner may
  // give a model of a fixed batch another one.
  ValueId Images() {
    if (images_ >= 0) return images_;
    ValueId shape = Node("Shape", "logits_shape", {heads_.class_logits}, ElementType::kInt64, {3});
    ValueId count = Gather(shape, Integer("batch_axis", 0), "num_images", 0);
    ValueId range =
        Node("Range", "image_numbers", {Integer("first_image", 0), count, Integer("image_step", 1)},
             ElementType::kInt64, {batch_});
    images_ = Flatten(range, "images", {-1, 1}, {batch_, 1});
    return images_;
  }

  // AutoML's first column: the image's place in the batch. [N, M, 1].
  ValueId ImageIdRows() {
    int64_t max = options_.max_detections;
    std::vector<float> values(static_cast<size_t>(max), 0.F);
    ValueId zeros = Constant("image_id", FloatTensor({1, max, 1}, std::move(values)));
    if (batch_ == 1) return zeros;
    ValueId images = Flatten(Cast(Images(), "images_float", ElementType::kFloat32),
                             "images_as_column", {-1, 1, 1}, {batch_, 1, 1});
    return Node("Add", "image_ids", {images, zeros}, ElementType::kFloat32, {batch_, max, 1});
  }

  // ymin, xmin, ymax, xmax [N, A, 4] in network pixels, not clipped:
  // centre = delta * size + centre of the anchor, size = exp(delta) * size of the anchor.
  ValueId DecodedBoxes() {
    std::vector<float> anchors = CentreAnchors(frame_), centres, half_sizes, sizes;
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
    auto height = static_cast<float>(frame_.image_height),
         width = static_cast<float>(frame_.image_width);
    ValueId low = Constant("clip_low", FloatTensor({}, {0.F}));
    ValueId high = Constant("clip_high", FloatTensor({4}, {height, width, height, width}));
    boxes =
        Node("Max", "boxes_above_zero", {boxes, low}, ElementType::kFloat32, graph_.shape(boxes));
    return Node("Min", "boxes_inside", {boxes, high}, ElementType::kFloat32, graph_.shape(boxes));
  }

  // NonMaxSuppression over scores [N, C, A]: [S, 3] of batch, class, anchor.
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

  // A batch of one has a graph of its own, which ranks without comparing image numbers.
  Kept Select() {
    if (batch_ != 1) return SelectFromBatch();
    return options_.semantics == NmsSemantics::kAutoml ? SelectBestClass() : SelectPerClass();
  }

  // NMS gives the kept boxes of all images in one list. Each image ranks the whole list, with 0 for
  // what is not its own; TopK leaves equal scores in the order of the list, so that an image's
  // detections are those, in that order, that it has alone.
  Kept SelectFromBatch() {
    int64_t max = options_.max_detections;
    ValueId boxes = DecodedBoxes();
    bool automl = options_.semantics == NmsSemantics::kAutoml;
    Selected selected = automl ? SelectedBestClass(boxes) : SelectedPerClass(boxes);
    ValueId image = PadWithZeros(selected.image, "padded_image");
    ValueId scores = PadWithZeros(selected.scores, "padded_scores");
    ValueId own =
        Node("Equal", "is_own", {Images(), image}, ElementType::kBool, {batch_, kDynamic});
    ValueId zero = Constant("zero", FloatTensor({}, {0.F}));
    ValueId own_scores =
        Node("Where", "own_scores", {own, scores, zero}, ElementType::kFloat32, {batch_, kDynamic});
    ValueId k = Constant("max_detections", Int64Tensor({1}, {max}));
    ValueId best = Node("TopK", "best", {own_scores, k}, ElementType::kFloat32, {batch_, max},
                        {{"axis", int64_t{1}}, {"largest", int64_t{1}}, {"sorted", int64_t{1}}});
    ValueId order =
        graph_.AddOutputToLastNode(Name("best_order"), ElementType::kInt64, {batch_, max});
    // Padding rows have anchor 0, as AutoML's have.
    ValueId zero_int = Integer("zero_int", 0);
    ValueId is_row = Node("Greater", "is_row", {best, zero}, ElementType::kBool, {batch_, max});
    auto of_rows = [&](ValueId values, const std::string& name) {
      ValueId picked = Gather(PadWithZeros(values, "padded_" + name), order, "ranked_" + name, 0);
      return Node("Where", "kept_" + name, {is_row, picked, zero_int}, ElementType::kInt64,
                  {batch_, max});
    };
    ValueId anchor = of_rows(selected.anchor, "anchor");
    ValueId offset =
        Integers("Mul", Images(), Integer("anchors_per_image", num_anchors_), "image_offset");
    ValueId place = Node("Add", "kept_place", {anchor, offset}, ElementType::kInt64, {batch_, max});
    ValueId classes = automl
                          ? Gather(FlatTable(selected.cls, "class_table"), place, "kept_classes", 0)
                          : of_rows(selected.cls, "class");
    ValueId table = Flatten(boxes, "box_table", {-1, 4}, {kDynamic, 4});
    return {ClippedBoxes(Gather(table, place, "kept_boxes", 0)), best, classes};
  }

  // `cls` is the best class of every anchor, [N, A].
  Selected SelectedBestClass(ValueId boxes) {
    std::vector<int64_t> last{2};
    Shape each{batch_, num_anchors_};
    ValueId logit = Node("ReduceMax", "best_logit", {heads_.class_logits}, ElementType::kFloat32,
                         each, {{"axes", last}, {"keepdims", int64_t{0}}});
    ValueId best = Node("ArgMax", "best_class", {heads_.class_logits}, ElementType::kInt64, each,
                        {{"axis", int64_t{2}}, {"keepdims", int64_t{0}}});
    ValueId scores = layers_.Sigmoid(logit, Name("best_score"));
    ValueId one_class = layers_.Reshape(scores, Name("one_class"), {batch_, 1, num_anchors_});
    ValueId selected = NonMaxSuppression(boxes, one_class);
    ValueId image = Column(selected, "image", 0), anchor = Column(selected, "anchor", 2);
    ValueId place = Place(image, num_anchors_, anchor, "score");
    ValueId kept = Gather(FlatTable(scores, "score_table"), place, "selected_scores", 0);
    return {image, anchor, best, kept};
  }

  Selected SelectedPerClass(ValueId boxes) {
    ValueId scores = layers_.Sigmoid(heads_.class_logits, Name("scores"));
    ValueId by_class = layers_.Transpose(scores, Name("scores_by_class"), {0, 2, 1});
    ValueId selected = NonMaxSuppression(boxes, by_class);
    ValueId image = Column(selected, "image", 0), cls = Column(selected, "class", 1),
            anchor = Column(selected, "anchor", 2);
    ValueId row = Place(image, num_classes_, cls, "class_row");
    ValueId place = Place(row, num_anchors_, anchor, "score");
    ValueId kept = Gather(FlatTable(by_class, "score_table"), place, "selected_scores", 0);
    return {image, anchor, cls, kept};
  }

  // row * width + column.
  ValueId Place(ValueId row, int64_t width, ValueId column, const std::string& name) {
    ValueId offset = Integers("Mul", row, Integer(name + "_width", width), name + "_offset");
    return Integers("Add", offset, column, name + "_place");
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
  const BoxFrame& frame_;
  const PostprocessGraph& options_;
  int64_t batch_ = 1, num_anchors_ = 0, num_classes_ = 0;
  ValueId images_ = -1;
};

Status CheckOptions(const PostprocessGraph& options) {
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
  return {};
}

}  // namespace

BoxFrame BoxFrameOf(const Hparams& hparams) {
  return {detect::MakeAnchors(AnchorConfigOf(hparams)), hparams.image_height, hparams.image_width};
}

Status AddPostprocess(Layers& layers, const RawHeads& heads, const BoxFrame& frame,
                      const PostprocessGraph& options) {
  EDET_RETURN_IF_ERROR(CheckOptions(options));
  PostprocessBuilder builder(layers, heads, frame, options);
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
