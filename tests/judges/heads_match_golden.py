#!/usr/bin/env python3
"""Do the heads of a converted model equal AutoML's own, and the decoded boxes too?

    heads_match_golden.py MODEL.onnx GOLDEN_DIR

MODEL has the outputs class_logits [1,A,C] and box_deltas [1,A,4] (`--nms none`) or boxes [1,A,4] and scores [1,A,C]
(`--nms decoded`). ONNX Runtime and OpenVINO run it on the golden photo.
"""

import sys

from golden import ENGINES, LEVELS, Verdict, need, network_pixels, np

# How far a correct float32 engine may be from TensorFlow's golden heads, and OpenVINO from the double-precision
# reference. TensorFlow's own float32 is up to 1.7e-3 away from that reference, so OpenVINO gets more room against it.
AGAINST_TENSORFLOW = {"onnxruntime": 1e-3, "openvino": 3e-3}
AGAINST_DOUBLE = {"openvino": 2e-4}
BOX_PX = 1e-2
BOX_PX_OPENVINO_TENSORFLOW = 2e-1  # where there is no double-precision reference: 3e-3 of a delta is this much
SCORE = 1e-3


def split_levels(flat, folder):
    """[1,A,K] in AutoML's anchor order (level, y, x, anchor) -> {level: [1,H,W,9*K]}."""
    levels, begin = {}, 0
    for level in LEVELS:
        _, height, width, _ = np.load(folder / f"golden_box_p{level}.npy").shape
        count = height * width * 9
        levels[level] = flat[:, begin : begin + count].reshape(1, height, width, -1)
        begin += count
    if begin != flat.shape[1]:
        raise ValueError(f"{flat.shape[1]} anchors, the golden model has {begin}")
    return levels


def compare_heads(verdict, engine, kind, flat, folder, prefix, tolerance):
    for level, values in split_levels(flat, folder).items():
        name = f"{prefix}_{kind}_p{level}"
        if kind == "cls" and level == 3:  # kept for every 4th row and column only
            name, values = name + "_every4th", values[:, ::4, ::4]
        if (folder / f"{name}.npy").exists():
            verdict.close(f"{engine} {name}", values, np.load(folder / f"{name}.npy"), tolerance)
        elif prefix == "golden":
            verdict.check(f"{engine} {name}", False, "the golden file is absent")


def decode(deltas, anchors):
    """Box deltas ty,tx,th,tw and anchors y1,x1,y2,x2 -> boxes y1,x1,y2,x2 in network pixels."""
    deltas, anchors = deltas.astype(np.float64), anchors.astype(np.float64)
    size = anchors[:, 2:] - anchors[:, :2]
    centre = deltas[..., :2] * size + (anchors[:, :2] + anchors[:, 2:]) / 2
    half = np.exp(deltas[..., 2:]) * size / 2
    return np.concatenate([centre - half, centre + half], axis=-1)


def expected_boxes(engine, folder):
    """The boxes to compare with: TensorFlow's, or the double-precision reference's for an engine judged by that."""
    if engine in AGAINST_DOUBLE and (folder / "reference_f64_box_p3.npy").exists():
        deltas = [np.load(folder / f"reference_f64_box_p{level}.npy").reshape(1, -1, 4) for level in LEVELS]
        anchors = np.load(folder / "golden_anchors_yxyx.npy")
        return decode(np.concatenate(deltas, axis=1), anchors), "double precision", BOX_PX
    boxes = np.load(folder / "golden_prenms_boxes_yxyx.npy").astype(np.float64)
    return boxes, "TensorFlow", BOX_PX if engine not in AGAINST_DOUBLE else BOX_PX_OPENVINO_TENSORFLOW


def compare_decoded(verdict, engine, boxes, scores, folder):
    # A box may be far larger than the picture (anchors times exp of a random delta): beyond 512 px the same
    # relative error is allowed.
    expected, against, tolerance = expected_boxes(engine, folder)
    scale = np.maximum(1, np.abs(expected).max(axis=-1, keepdims=True) / 512)
    verdict.close(f"{engine} decoded boxes [px], {against}", boxes / scale, expected / scale, tolerance)
    best = np.load(folder / "golden_prenms_scores.npy")
    verdict.close(f"{engine} best scores", scores.max(axis=-1), best, SCORE)
    classes = np.load(folder / "golden_prenms_classes.npy")
    chosen = np.take_along_axis(scores, classes[..., None].astype(np.int64), axis=-1)[..., 0]
    verdict.close(f"{engine} scores of the golden classes", chosen, best, SCORE)
    same = float(np.mean(scores.argmax(axis=-1) == classes))
    verdict.check(f"{engine} best classes", same > 0.999, f"{100 * same:.3f}% equal (the rest are ties within {SCORE})")


def judge(verdict, engine, outputs, folder):
    if {"class_logits", "box_deltas"} <= outputs.keys():
        for kind, name in (("cls", "class_logits"), ("box", "box_deltas")):
            compare_heads(verdict, engine, kind, outputs[name], folder, "golden", AGAINST_TENSORFLOW[engine])
            if engine in AGAINST_DOUBLE:
                compare_heads(verdict, engine, kind, outputs[name], folder, "reference_f64", AGAINST_DOUBLE[engine])
        boxes = decode(outputs["box_deltas"], np.load(folder / "golden_anchors_yxyx.npy"))
        scores = 1 / (1 + np.exp(-outputs["class_logits"].astype(np.float64)))
    elif {"boxes", "scores"} <= outputs.keys():
        boxes, scores = outputs["boxes"], outputs["scores"]
    else:
        verdict.check(f"{engine} outputs", False, f"{sorted(outputs)} are neither raw heads nor decoded boxes")
        return
    compare_decoded(verdict, engine, boxes, scores, folder)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    model, folder = need(sys.argv[1]), need(sys.argv[2])
    image, verdict = network_pixels(folder), Verdict()
    for engine, run in ENGINES.items():
        judge(verdict, engine, run(model, image), folder)
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())
