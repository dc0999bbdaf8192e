#!/usr/bin/env python3
"""Times D0's raw heads (49104 anchors, 90 classes) decoded and suppressed in plain NumPy.

The counterpart of parser_bench's RawHeads: best class of each anchor, sigmoid, threshold 0.4, boxes
of those that reach it, greedy NMS at IoU 0.5, at most 100.
"""
import time

import numpy as np


def make_anchors(size=512):
    boxes = []
    for level in range(3, 8):
        stride = 2**level
        centres = np.arange(size // stride) * stride + stride / 2
        for octave in (0, 1 / 3, 2 / 3):
            for ratio in (1, 2, 0.5):
                half = 2 * stride * 2**octave
                h, w = half / ratio**0.5, half * ratio**0.5
                y, x = np.meshgrid(centres, centres, indexing="ij")
                boxes.append(np.stack([y - h, x - w, y + h, x + w], -1).reshape(-1, 4))
    return np.concatenate(boxes).astype(np.float32)


def decode(deltas, anchors):
    size = anchors[:, 2:] - anchors[:, :2]
    centre = deltas[:, :2] * size + (anchors[:, :2] + anchors[:, 2:]) / 2
    half = np.exp(deltas[:, 2:]) * size / 2
    return np.concatenate([centre - half, centre + half], 1)


def suppress(boxes, scores, most=100):
    order = np.argsort(-scores, kind="stable")
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    kept = []
    while order.size and len(kept) < most:
        best, order = order[0], order[1:]
        kept.append(best)
        extent = np.minimum(boxes[best, 2:], boxes[order, 2:]) - np.maximum(boxes[best, :2], boxes[order, :2])
        both = np.clip(extent, 0, None).prod(1)
        order = order[both / (area[best] + area[order] - both) <= 0.5]
    return kept


def parse(logits, deltas, anchors, threshold=0.4):
    best = logits.argmax(1)
    value = np.take_along_axis(logits, best[:, None], 1)[:, 0]
    score = 1 / (1 + np.exp(-value))
    keep = score >= threshold
    return suppress(decode(deltas[keep], anchors[keep]), score[keep])


def main():
    random = np.random.default_rng(1)
    logits = random.normal(-5, 1.2, (49104, 90)).astype(np.float32)
    deltas = random.normal(0, 0.2, (49104, 4)).astype(np.float32)
    anchors = make_anchors()
    times = []
    for _ in range(20):
        start = time.process_time()
        kept = parse(logits, deltas, anchors)
        times.append(time.process_time() - start)
    print(f"numpy {np.__version__}: {len(kept)} objects, median {sorted(times)[10] * 1e3:.2f} ms, best {min(times) * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
