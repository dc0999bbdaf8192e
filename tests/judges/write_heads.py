#!/usr/bin/env python3
"""Writes D0's whole golden heads as raw float32 files, for the C++ tests that need every logit.

    write_heads.py MODEL.onnx GOLDEN_DIR OUTPUT_DIR

The golden files keep every 4th place of the class logits of level 3 only: the rest of that level comes from ONNX Runtime
(within 1e-4 of TensorFlow's), everything else is TensorFlow's own. OUTPUT_DIR gets class_logits.f32 [49104,90] and
box_deltas.f32 [49104,4].
"""

import pathlib
import sys

from golden import LEVELS, need, network_pixels, np, run_onnxruntime


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    model, folder, output = map(pathlib.Path, sys.argv[1:])
    need(model)
    need(folder)
    computed = run_onnxruntime(model, network_pixels(folder))["class_logits"]
    kept = np.load(folder / "golden_cls_p3_every4th.npy")
    height, width = kept.shape[1] * 4, kept.shape[2] * 4
    level3 = computed[:, : height * width * 9].reshape(1, height, width, -1).copy()
    level3[:, ::4, ::4] = kept
    logits = [level3] + [np.load(folder / f"golden_cls_p{level}.npy") for level in LEVELS if level != 3]
    deltas = [np.load(folder / f"golden_box_p{level}.npy") for level in LEVELS]
    output.mkdir(parents=True, exist_ok=True)
    np.concatenate([level.reshape(-1, 90) for level in logits]).astype("<f4").tofile(output / "class_logits.f32")
    np.concatenate([level.reshape(-1, 4) for level in deltas]).astype("<f4").tofile(output / "box_deltas.f32")


if __name__ == "__main__":
    main()
