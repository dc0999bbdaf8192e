#!/usr/bin/env python3
"""Does a model with NMS inside find AutoML's own detections, row for row?

    detections_match_golden.py MODEL.onnx GOLDEN_DIR REFERENCE

REFERENCE names a golden file: detections_global_hard_t0.4, detections_combined_t0.4 ([1,100,7] rows in pixels of the
original image), savedmodel_detections, plugin_t0.4_fp32 or effnms_t0.4 (four tensors in network pixels).
MODEL has one output [1,N,7] (`--nms rows`) or num_detections, detection_boxes, detection_scores and detection_classes
(`--nms onnx`), in network pixels. ONNX Runtime and OpenVINO run it on the golden photo.
"""

import sys

from golden import ENGINES, Verdict, need, network_pixels, np

# (score, network pixels), by engine. The post-processing alone is exact (postprocessing_matches_golden.py demands 1e-5 and 1e-2);
# what remains is the network's rounding: TensorFlow's own float32 logits of d0 are 1.7e-3 from double precision. Seen for d0:
# ONNX Runtime, which rounds like TensorFlow, 9.9e-6 and 2.9e-3; OpenVINO, which is nearer to double precision, 1.5e-4 and 3.8e-2.
# lite0, without Sigmoid in the network: 1.8e-5 and 1.6e-3 for both. Each gets about three times that, for other processors' kernels.
TOLERANCES = {"onnxruntime": (3e-5, 1e-2), "openvino": (4e-4, 1e-1)}
TOLERANCES_LITE = {"onnxruntime": (5e-5, 1e-2), "openvino": (5e-5, 1e-2)}


class Detections:
    """boxes [N,4] y1,x1,y2,x2 in network pixels, clipped to the picture as AutoML does; scores [N]; classes [N] from 0."""

    def __init__(self, boxes, scores, classes, size):
        height, width = size
        self.boxes = np.clip(boxes.astype(np.float64), 0, [height, width, height, width])
        self.scores = scores.astype(np.float64)
        self.classes = classes.astype(np.int64)

    def __len__(self):
        return len(self.scores)


def from_rows(rows, scale, size):
    """[1,N,7] rows image_id, ymin, xmin, ymax, xmax, score, class from 1; a score of 0 marks padding."""
    rows = rows[0][rows[0, :, 5] > 0]
    return Detections(rows[:, 1:5] / scale, rows[:, 5], rows[:, 6] - 1, size)


def load_reference(folder, name, size):
    rows = folder / f"golden_{name}.npy"
    if rows.exists():
        return from_rows(np.load(rows), float(np.load(folder / "golden_scale.npy")[0]), size)
    tensors = np.load(need(folder / f"golden_{name}.npz"))
    count = int(tensors["num_detections"]) if "num_detections" in tensors else len(tensors["scores"])
    return Detections(*(tensors[key][:count] for key in ("boxes_yxyx", "scores", "classes0")), size)


def from_outputs(outputs, size):
    """What the model found; None if its outputs are of neither contract."""
    if len(outputs) == 1:
        rows = next(iter(outputs.values()))
        return from_rows(rows, 1.0, size) if rows.ndim == 3 and rows.shape[2] == 7 else None
    names = ("detection_boxes", "detection_scores", "detection_classes")
    if not {"num_detections", *names} <= outputs.keys():
        return None
    count = int(outputs["num_detections"].ravel()[0])
    return Detections(*(outputs[name][0][:count] for name in names), size)


def find_row(expected, row, got, score, box_px):
    """The place of an expected row in `got`: the same one, or one among rows of nearly the same score; -1 if absent."""
    if row < len(got):
        candidates = [row] + [i for i in range(len(got)) if abs(got.scores[i] - expected.scores[row]) <= score]
    else:
        candidates = range(len(got))
    for i in candidates:
        near = np.abs(got.boxes[i] - expected.boxes[row]).max() <= box_px
        if near and got.classes[i] == expected.classes[row] and abs(got.scores[i] - expected.scores[row]) <= score:
            return i
    return -1


def compare(verdict, engine, got, expected, score, box_px):
    verdict.check(f"{engine} number of detections", len(got) == len(expected), f"{len(got)}, expected {len(expected)}")
    places = [find_row(expected, row, got, score, box_px) for row in range(len(expected))]
    absent = [row for row, place in enumerate(places) if place < 0]
    for row in absent[:5]:
        print(f"     absent: row {row}, class {expected.classes[row]}, score {expected.scores[row]:.5f}, box {expected.boxes[row]}")
    found = [(row, place) for row, place in enumerate(places) if place >= 0]
    worst_px = max((float(np.abs(got.boxes[place] - expected.boxes[row]).max()) for row, place in found), default=0)
    worst_score = max((abs(float(got.scores[place] - expected.scores[row])) for row, place in found), default=0)
    print(f"     {engine}: boxes {worst_px:.1e} px off at most, scores {worst_score:.1e}")
    moved = sum(row != place for row, place in enumerate(places) if place >= 0)
    twice = len(places) - len(absent) - len({place for place in places if place >= 0})
    verdict.check(f"{engine} rows found", not absent and not twice,
                  f"{len(expected) - len(absent)} of {len(expected)}, {moved} moved among scores within {score}, {twice} used twice")
    descending = bool(np.all(np.diff(got.scores) <= 0))
    verdict.check(f"{engine} scores descend", descending)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    model, folder = need(sys.argv[1]), need(sys.argv[2])
    image, verdict = network_pixels(folder), Verdict()
    size = image.shape[1:3]
    expected = load_reference(folder, sys.argv[3], size)
    for engine, run in ENGINES.items():
        outputs = run(model, image)
        got = from_outputs(outputs, size)
        if got is None:
            shapes = {name: list(value.shape) for name, value in outputs.items()}
            verdict.check(f"{engine} outputs", False, f"{shapes} are neither rows nor four tensors")
        else:
            tolerances = TOLERANCES_LITE if folder.name.startswith("lite") else TOLERANCES
            compare(verdict, engine, got, expected, *tolerances[engine])
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())
