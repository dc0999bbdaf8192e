#!/usr/bin/env python3
"""Trains for a moment on four drawn pictures, on the CPU: starts, resumes, and writes finite weights of the right names.

    tiny_run.py TRAINING_FOLDER WORK_FOLDER

Skipped (exit code 77) where Python has no torch or no Pillow.
"""

import json
import pathlib
import random
import shutil
import subprocess
import sys

try:
    import numpy as np
    import torch  # noqa: F401  (train.py needs it)
    from PIL import Image, ImageDraw
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

COLOURS = {1: (200, 60, 40), 3: (40, 60, 200)}  # person, car


def draw_dataset(folder):
    (folder / "images").mkdir(parents=True)
    generator = random.Random(5)
    images, annotations = [], []
    for number in range(4):
        picture = Image.new("RGB", (96, 64), (90, 120, 90))
        for category in COLOURS:
            x, y = generator.randrange(50), generator.randrange(30)
            ImageDraw.Draw(picture).rectangle([x, y, x + 40, y + 30], fill=COLOURS[category])
            annotations.append({"id": len(annotations), "image_id": number, "category_id": category,
                                "bbox": [x, y, 40, 30], "iscrowd": int(number == 3)})  # fmt: skip
        picture.save(folder / "images" / f"{number}.jpg")
        images.append({"id": number, "file_name": f"{number}.jpg", "width": 96, "height": 64,
                       "not_annotated_category_ids": [6, 8]})  # fmt: skip
    (folder / "train.json").write_text(json.dumps({"images": images, "annotations": annotations}))


def train(training, data, run, steps):
    subprocess.run([sys.executable, training / "train.py", "--data", data, "--files", "train.json", "--output", run, "--steps", str(steps),
                    "--batch", "2", "--image-size", "128", "--first-size", "64", "--first-share", "0.5", "--warmup", "1"], check=True)  # fmt: skip


def main():
    training, work = map(pathlib.Path, sys.argv[1:])
    shutil.rmtree(work, ignore_errors=True)
    draw_dataset(work / "data")
    train(training, work / "data", work / "run", 2)
    before = dict(np.load(work / "run" / "average.npz"))
    train(training, work / "data", work / "run", 4)  # goes on from step 2
    after = dict(np.load(work / "run" / "average.npz"))
    lines = [json.loads(line) for line in (work / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4], lines
    assert [line["size"] for line in lines] == [128, 128], lines
    assert len(after) == 709 and before.keys() == after.keys(), len(after)
    assert after["class_net/class-predict/pointwise_kernel"].shape == (1, 1, 64, 54)
    assert all(np.isfinite(array).all() for array in after.values())
    assert any((before[name] != after[name]).any() for name in before), "the second run changed nothing"
    print("trained, resumed, finite")


if __name__ == "__main__":
    main()
