#!/usr/bin/env python3
"""Does a repaired export compute what the converter's own graph of the same weights computes?

    repaired_equals_converted.py REPAIRED.onnx CONVERTED.onnx GOLDEN_DIR

Both run on the golden photo (ONNX Runtime at the level `basic`, and OpenVINO in f32). Heads: within 1e-3. Detections: each has a
partner of the same class, scores within 1e-3, corners within 1e-3 of the image's side. The repaired graph has at most 110% of
the converted one's nodes.
"""

import sys

import golden
from batches_agree import OnnxRuntime, OpenVino, split
from golden import Verdict, need, np, onnx

TOLERANCE = 1e-3


def partners(verdict, what, a, b, side):
    """Every detection of `a` in `b`; order and ties aside."""
    count, free = int(a["num"]), list(range(int(b["num"])))
    lonely = 0
    for i in range(count):
        near = [j for j in free if a["classes"][i] == b["classes"][j] and abs(a["scores"][i] - b["scores"][j]) <= TOLERANCE
                and np.max(np.abs(a["boxes"][i] - b["boxes"][j])) <= TOLERANCE * side]
        if near:
            free.remove(near[0])
        lonely += not near
    verdict.check(what, count > 0 and int(b["num"]) == count and lonely == 0, f"{count - lonely} of {count} found again")


def main():
    repaired, converted, folder = need(sys.argv[1]), need(sys.argv[2]), need(sys.argv[3])
    verdict = Verdict()
    sizes = [len(onnx.load(str(path)).graph.node) for path in (repaired, converted)]
    verdict.check("nodes", sizes[0] <= 1.1 * sizes[1], f"{sizes[0]}, the converter makes {sizes[1]}")
    photo = golden.network_pixels(folder)
    for name, engine in (("onnxruntime", OnnxRuntime), ("openvino", OpenVino)):
        got, wanted = (engine(path)(np.ascontiguousarray(photo)) for path in (repaired, converted))
        if split(wanted, 0) is not None:
            partners(verdict, f"{name} detections", split(wanted, 0), split(got, 0), photo.shape[1])
            continue
        for tensor, value in wanted.items():
            # Decoded boxes are corners in pixels.
            allowed = TOLERANCE * photo.shape[1] if tensor == "boxes" else TOLERANCE
            verdict.close(f"{name} {tensor}", got[tensor], value, allowed)
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())
