#!/usr/bin/env python3
"""Writes a model's whole golden heads as raw float32 files, for the tests that need every logit.

    write_heads.py MODEL.onnx GOLDEN_DIR OUTPUT_DIR

Everything that decides is TensorFlow's own: box deltas, the class logits of levels 4 to 7 and of every 4th place of level 3. For the
rest of level 3 the golden files keep the best class of each anchor and its score: the logit that gives this score is
computed back in double precision. Its other classes come from ONNX Runtime (within 1e-3 of TensorFlow's), below the best one.
OUTPUT_DIR gets class_logits.f32 [A,90] and box_deltas.f32 [A,4].
"""

import pathlib
import sys

from golden import LEVELS, need, network_pixels, np, run_onnxruntime


def logits_of(scores):
    scores = scores.astype(np.float64)
    return np.log(scores / (1 - scores)).astype(np.float32)


def level3_logits(computed, folder):
    """[A3,90] of level 3: the best class of each anchor from the golden scores, the others from `computed`."""
    logits = computed.copy()
    classes = np.load(folder / "golden_prenms_classes.npy").reshape(-1)[: len(logits)].astype(np.int64)
    best = logits_of(np.load(folder / "golden_prenms_scores.npy").reshape(-1)[: len(logits)])
    every = np.arange(len(logits))
    logits = np.minimum(logits, np.nextafter(best, np.float32(-np.inf))[:, None])
    logits[every, classes] = best
    return logits


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    model, folder, output = map(pathlib.Path, sys.argv[1:])
    need(model)
    need(folder)
    _, height, width, _ = np.load(folder / "golden_box_p3.npy").shape
    computed = run_onnxruntime(model, network_pixels(folder))["class_logits"][0, : height * width * 9]
    level3 = level3_logits(computed, folder).reshape(1, height, width, -1)
    level3[:, ::4, ::4] = np.load(folder / "golden_cls_p3_every4th.npy")
    logits = [level3] + [np.load(folder / f"golden_cls_p{level}.npy") for level in LEVELS if level != 3]
    deltas = [np.load(folder / f"golden_box_p{level}.npy") for level in LEVELS]
    output.mkdir(parents=True, exist_ok=True)
    np.concatenate([level.reshape(-1, 90) for level in logits]).astype("<f4").tofile(output / "class_logits.f32")
    np.concatenate([level.reshape(-1, 4) for level in deltas]).astype("<f4").tofile(output / "box_deltas.f32")


if __name__ == "__main__":
    main()
