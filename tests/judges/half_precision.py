#!/usr/bin/env python3
"""Is a model of `--precision fp16` typed as strongly typed engines want it, and are its boxes and scores still usable?

    half_precision.py HALF.onnx FLOAT.onnx GOLDEN_DIR

HALF and FLOAT are the same conversion (`--nms none`) with --precision fp16 and fp32. ONNX Runtime's CPU provider computes
half operators in float32 and drops the roundings between them, so HALF is run node by node here: each operator by ONNX
Runtime in float32, each value that the file declares FLOAT16 rounded to half before the next operator reads it.
That is what an engine does that multiplies halves and adds up in float32.
"""

import math
import sys

from golden import LEVELS, Verdict, need, network_pixels, np, onnx, onnxruntime
from heads_match_golden import compare_heads, decode

FLOAT, HALF = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
HALF_MAX = 65504

# Measured on the golden photo (docs/performance.md), with some room. The golden weights are random: such a net
# multiplies every rounding on its way; what trained weights show was not measured. About half of it comes
# from rounding the weights alone.
LOGIT_WORST, LOGIT_MEAN = 5e-1, 4e-2
SCORE_WORST, SCORE_MEAN = 8e-2, 1e-3
BOX_MEAN_PX, BOX_P99_PX, BOX_WORST_PX = 4e-1, 2.5, 20.0
SAME_CLASS = 0.93
FOUND = 0.8  # of the detections: the same class, IoU > 0.9 and a score within SCORE_WORST
FIXED_INPUTS = {"Resize": {1: FLOAT, 2: FLOAT}, "Reshape": {}, "Gather": {}}


def value_types(model):
    """Element type of every value, as ONNX's own inference sees it."""
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True).graph
    types = {tensor.name: tensor.data_type for tensor in inferred.initializer}
    for values in (inferred.value_info, inferred.input, inferred.output):
        types.update({value.name: value.type.tensor_type.elem_type for value in values})
    return types


def judge_types(verdict, model, types):
    floats = (FLOAT, HALF)
    mixed, half_nodes = [], 0
    for node in model.graph.node:
        fixed = FIXED_INPUTS.get(node.op_type, {})
        seen = {types[name] for i, name in enumerate(node.input) if name and i not in fixed and types[name] in floats}
        wrong = [i for i, wanted in fixed.items() if types[node.input[i]] != wanted]
        if len(seen) > 1 or wrong or (node.op_type != "Cast" and types[node.output[0]] in floats and {types[node.output[0]]} != seen):
            mixed.append(node.name)
        half_nodes += types[node.output[0]] == HALF
    verdict.check("one floating type an operator", not mixed, ", ".join(mixed[:5]))
    convs = [node for node in model.graph.node if node.op_type == "Conv"]
    verdict.check("every Conv in half", all(types[node.output[0]] == HALF for node in convs), f"{len(convs)} Convs, {half_nodes} half values")
    ends = [v.name for v in [*model.graph.input, *model.graph.output] if v.type.tensor_type.elem_type != FLOAT]
    verdict.check("input and outputs in float", not ends, ", ".join(ends))
    pools = [node.name for node in model.graph.node if node.op_type == "GlobalAveragePool" and types[node.output[0]] != FLOAT]
    verdict.check("sums over the picture in float", not pools, ", ".join(pools[:5]))


def judge_weights(verdict, half, full):
    """Every half weight is what NumPy makes of the float one, bit for bit."""
    expected = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in full.graph.initializer}
    wrong, halves = [], 0
    for tensor in half.graph.initializer:
        if tensor.data_type != HALF:
            continue
        got = onnx.numpy_helper.to_array(tensor)
        want = expected[tensor.name.removesuffix("/half")].astype(np.float16)
        halves += got.size
        if got.shape != want.shape or not np.array_equal(got.view(np.uint16), want.view(np.uint16)):
            wrong.append(tensor.name)
    verdict.check("weights rounded to nearest even", halves > 0 and not wrong, f"{halves} values; " + ", ".join(wrong[:5]))


class NodeByNode:
    """Runs a model operator by operator and rounds what the file declares half."""

    def __init__(self, model, types):
        self.model, self.types = model, types
        self.largest = (0.0, "")
        self.options = onnxruntime.SessionOptions()
        self.options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL

    def rounded(self, name, value):
        if self.types[name] != HALF:
            return value
        largest = float(np.abs(value).max()) if value.size else 0.0
        self.largest = max(self.largest, (largest, name))
        with np.errstate(over="ignore"):
            return value.astype(np.float16).astype(np.float32)

    def run_node(self, node, values):
        if node.op_type == "Cast":
            return values[node.input[0]]
        names = [name for name in dict.fromkeys(node.input) if name]
        kinds = {name: FLOAT if self.types[name] in (FLOAT, HALF) else self.types[name] for name in names}
        inputs = [onnx.helper.make_tensor_value_info(name, kinds[name], values[name].shape) for name in names]
        output = onnx.helper.make_tensor_value_info(node.output[0], FLOAT, None)
        graph = onnx.helper.make_graph([node], "one", inputs, [output])
        one = onnx.helper.make_model(graph, opset_imports=self.model.opset_import, ir_version=self.model.ir_version)
        session = onnxruntime.InferenceSession(one.SerializeToString(), self.options, providers=["CPUExecutionProvider"])
        return session.run(None, {name: values[name] for name in names})[0]

    def run(self, image):
        graph = self.model.graph
        values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
        values = {name: v.astype(np.float32) if v.dtype == np.float16 else v for name, v in values.items()}
        values[graph.input[0].name] = image
        readers = {}
        for node in graph.node:
            for name in node.input:
                readers[name] = readers.get(name, 0) + 1
        for node in graph.node:
            values[node.output[0]] = self.rounded(node.output[0], self.run_node(node, values))
            for name in node.input:
                readers[name] -= 1
                if not readers[name]:
                    del values[name]
        return {output.name: values[output.name] for output in graph.output}


def reference_heads(folder, outputs):
    """The heads in double precision where they are kept whole, else the float model's: [1,A,4] and the logits by level."""
    boxes = [folder / f"reference_f64_box_p{level}.npy" for level in LEVELS]
    if not all(path.exists() for path in boxes):
        return outputs["box_deltas"].astype(np.float64)
    return np.concatenate([np.load(path).reshape(1, -1, 4) for path in boxes], axis=1).astype(np.float64)


def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype(np.float64)))


def detections(boxes, logits, threshold, iou=0.5, most=100):
    """Per-class NMS as EfficientNMS_TRT means it: rows of (box, score, class), best first."""
    scores = sigmoid(logits)
    anchors, classes = np.nonzero(scores > threshold)
    order = np.argsort(-scores[anchors, classes], kind="stable")[:5000]
    anchors, classes = anchors[order], classes[order]
    kept = []
    for anchor, cls in zip(anchors, classes):
        same = [box for box, _, c in kept if c == cls]
        if not same or overlaps(boxes[anchor], np.array(same)).max() <= iou:
            kept.append((boxes[anchor], scores[anchor, cls], cls))
            if len(kept) == most:
                break
    return kept


def overlaps(box, others):
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    common = np.prod(np.maximum(sides, 0), axis=1)
    return common / (np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], axis=1) - common)


def judge_detections(verdict, threshold, expected, got):
    found, worst_px, worst_score = 0, 0.0, 0.0
    for box, score, cls in expected:
        same = [(overlaps(box, b[None])[0], b, s) for b, s, c in got if c == cls]
        best = max(same, key=lambda match: match[0], default=(0, None, 0))
        if best[0] > 0.9 and abs(best[2] - score) <= SCORE_WORST:
            found += 1
            worst_px, worst_score = max(worst_px, np.abs(best[1] - box).max()), max(worst_score, abs(best[2] - score))
    needed = math.ceil(FOUND * len(expected))
    verdict.check(f"detections over {threshold}", bool(expected) and found >= needed,
                  f"{found} of {len(expected)} found again ({len(got)} in half), {worst_px:.2f} px and {worst_score:.4f} off at most")


def judge_values(verdict, half, full, folder):
    anchors = np.load(folder / "golden_anchors_yxyx.npy")
    half_boxes = decode(half["box_deltas"], anchors)
    full_boxes = decode(reference_heads(folder, full), anchors)
    logits, scores = np.abs(half["class_logits"] - full["class_logits"]), np.abs(sigmoid(half["class_logits"]) - sigmoid(full["class_logits"]))
    prefix = "reference_f64" if (folder / "reference_f64_cls_p4.npy").exists() else "golden"
    compare_heads(verdict, "half", "cls", half["class_logits"], folder, prefix, LOGIT_WORST)
    verdict.check("logits", logits.mean() <= LOGIT_MEAN, f"{logits.mean():.4f} off on average, {logits.max():.3f} at most")
    verdict.check("scores", scores.max() <= SCORE_WORST and scores.mean() <= SCORE_MEAN,
                  f"{scores.mean():.5f} off on average, {scores.max():.4f} at most")
    # A box may be far larger than the picture: beyond 512 px the same relative error is allowed.
    scale = np.maximum(1, np.abs(full_boxes).max(axis=-1, keepdims=True) / 512)
    px = np.abs((half_boxes - full_boxes) / scale)
    p99 = np.quantile(px, 0.99)
    verdict.check("boxes", px.mean() <= BOX_MEAN_PX and p99 <= BOX_P99_PX and px.max() <= BOX_WORST_PX,
                  f"{px.mean():.3f} px off on average, {p99:.2f} px in 99 of 100, {px.max():.2f} px at most")
    same = float(np.mean(half["class_logits"].argmax(-1) == full["class_logits"].argmax(-1)))
    verdict.check("best classes", same >= SAME_CLASS, f"{100 * same:.2f}% equal")
    for threshold in (0.05, 0.4, 0.9):
        expected = detections(full_boxes[0], full["class_logits"][0], threshold)
        if expected:
            judge_detections(verdict, threshold, expected, detections(half_boxes[0], half["class_logits"][0], threshold))


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    half_path, full_path, folder = map(need, sys.argv[1:])
    half, full, verdict, image = onnx.load(half_path), onnx.load(full_path), Verdict(), network_pixels(folder)
    types = value_types(half)
    judge_types(verdict, half, types)
    judge_weights(verdict, half, full)
    full_runner, half_runner = NodeByNode(full, value_types(full)), NodeByNode(half, types)
    full_outputs, half_outputs = full_runner.run(image), half_runner.run(image)
    largest, name = half_runner.largest
    verdict.check("activations within half's range", largest < HALF_MAX / 8, f"{largest:.1f} at most ({name})")
    judge_values(verdict, half_outputs, full_outputs, folder)
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())
