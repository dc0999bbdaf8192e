#!/usr/bin/env python3
"""Does the post-processing in our ONNX file, fed TensorFlow's own heads, find AutoML's detections exactly?

    postprocessing_matches_golden.py MODEL.onnx HEADS_DIR GOLDEN_DIR REFERENCE

MODEL is of `--nms rows`, `onnx` or `decoded`; its graph is cut behind the heads, so that nothing of the network's rounding is judged
here. HEADS_DIR holds what write_heads.py wrote. REFERENCE as in detections_match_golden.py; `prenms` for `decoded`.
Scores must be within 1e-5, boxes within 1e-2 px of the original image, count, order and classes the same.
"""

import sys
import tempfile

from detections_match_golden import from_outputs, load_reference
from golden import Verdict, need, np, onnx, onnxruntime, openvino

SCORE, BOX_PX = 1e-5, 1e-2
HEADS = {"class_net/class-all_levels": "class_logits", "box_net/box-all_levels": "box_deltas"}


def cut_behind_heads(path, target):
    """Writes what follows the heads as a model of its own."""
    outputs = [value.name for value in onnx.load(path, load_external_data=False).graph.output]
    onnx.utils.extract_model(str(path), target, list(HEADS), outputs, check_model=False)


def with_onnxruntime(path, heads):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, heads)))


def with_openvino(path, heads):
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    result = compiled(heads)
    promised = {output.name for output in onnx.load(path).graph.output}
    return {(output.get_names() & promised).pop(): result[output] for output in compiled.outputs}


def compare_rows(verdict, engine, got, expected, scale):
    if not verdict.check(f"{engine} number of detections", len(got) == len(expected), f"{len(got)}, expected {len(expected)}"):
        return
    if not len(expected):  # lite0 has nothing over 0.9
        return
    verdict.check(f"{engine} classes, in order", np.array_equal(got.classes, expected.classes))
    verdict.close(f"{engine} scores", got.scores, expected.scores, SCORE)
    verdict.close(f"{engine} boxes [px of the original image]", got.boxes * scale, expected.boxes * scale, BOX_PX)


def compare_all(verdict, engine, outputs, folder):
    """Every anchor's decoded box and best score (`--nms decoded`)."""
    boxes = np.load(folder / "golden_prenms_boxes_yxyx.npy").astype(np.float64)
    beyond = np.maximum(1, np.abs(boxes).max(axis=-1, keepdims=True) / 512)  # far outside the picture float32 has fewer digits left
    verdict.close(f"{engine} decoded boxes [px]", outputs["boxes"] / beyond, boxes / beyond, BOX_PX)
    verdict.close(f"{engine} best scores", outputs["scores"].max(axis=-1), np.load(folder / "golden_prenms_scores.npy"), SCORE)
    same = outputs["scores"].argmax(axis=-1) == np.load(folder / "golden_prenms_classes.npy")
    verdict.check(f"{engine} best classes", bool(np.all(same)), f"{np.count_nonzero(~same)} of {same.size} differ")


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    model, heads_folder, folder = (need(argument) for argument in sys.argv[1:4])
    anchors = np.load(folder / "golden_anchors_yxyx.npy").shape[0]
    heads = {value: np.fromfile(heads_folder / f"{name}.f32", np.float32).reshape(1, anchors, -1) for value, name in HEADS.items()}
    size = np.load(folder / "golden_input_nhwc_f32.npy", mmap_mode="r").shape[1:3]
    scale, verdict = float(np.load(folder / "golden_scale.npy")[0]), Verdict()
    with tempfile.TemporaryDirectory() as place:
        tail = f"{place}/tail.onnx"
        cut_behind_heads(model, tail)
        for engine, run in {"onnxruntime": with_onnxruntime, "openvino": with_openvino}.items():
            outputs = run(tail, heads)
            if sys.argv[4] == "prenms":
                compare_all(verdict, engine, outputs, folder)
            else:
                compare_rows(verdict, engine, from_outputs(outputs, size), load_reference(folder, sys.argv[4], size), scale)
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())
