#!/usr/bin/env python3
"""AP by class of a converted model on pictures in COCO's format, by pycocotools.

  edet convert ../models/street -o street --nms onnx --nms-semantics per-class --score-threshold 0.01
  python3 evaluate.py street/model.onnx --annotations val.json --images images

Pictures are scaled to fit and padded with the mean colour at the right and bottom, as AutoML does it.
"""

import argparse
import json
import os

import numpy as np
import onnxruntime
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

CLASS_IDS = (1, 2, 3, 4, 6, 8)
MEAN_COLOUR = (124, 116, 104)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model", help="ONNX file of `edet convert --nms onnx`, NHWC, batch 1")
    parser.add_argument("--annotations", required=True)
    parser.add_argument("--images", required=True)
    parser.add_argument("--padding", choices=["mean", "black"], default="mean")
    parser.add_argument("--json", help="write the figures to this file")
    return parser.parse_args()


def letterbox(path, size, padding):
    picture = Image.open(path).convert("RGB")
    scale = size / max(picture.size)
    scaled = picture.resize([max(1, int(side * scale)) for side in picture.size], Image.BILINEAR)
    canvas = Image.new("RGB", (size, size), MEAN_COLOUR if padding == "mean" else (0, 0, 0))
    canvas.paste(scaled, (0, 0))
    return np.asarray(canvas, np.float32)[None], scale


def detect(session, path, image_id, padding):
    size = session.get_inputs()[0].shape[1]
    pixels, scale = letterbox(path, size, padding)
    names = ["num_detections", "detection_boxes", "detection_scores", "detection_classes"]
    count, boxes, scores, classes = session.run(names, {"input": pixels})
    for i in range(int(count[0, 0])):
        ymin, xmin, ymax, xmax = (boxes[0, i] / scale).tolist()
        yield {"image_id": image_id, "category_id": CLASS_IDS[int(classes[0, i])],
               "bbox": [xmin, ymin, xmax - xmin, ymax - ymin], "score": float(scores[0, i])}  # fmt: skip


def drop_unlabelled(coco, detections):
    """Detections of a class that a picture's source did not label say nothing."""
    skipped = {image["id"]: set(image.get("not_annotated_category_ids", ())) for image in coco.dataset["images"]}
    return [d for d in detections if d["category_id"] not in skipped[d["image_id"]]]


def average_precision(evaluation, class_index):
    precision = evaluation.eval["precision"][:, :, class_index, 0, 2]
    mean = lambda values: float(values[values > -1].mean()) if (values > -1).any() else float("nan")
    return mean(precision), mean(precision[0])


def main():
    arguments = parse_arguments()
    coco = COCO(arguments.annotations)
    session = onnxruntime.InferenceSession(arguments.model, providers=["CPUExecutionProvider"])
    detections = []
    for image in coco.dataset["images"]:
        path = os.path.join(arguments.images, image["file_name"])
        detections += detect(session, path, image["id"], arguments.padding)
    evaluation = COCOeval(coco, coco.loadRes(drop_unlabelled(coco, detections)), "bbox")
    evaluation.params.catIds = list(CLASS_IDS)
    evaluation.evaluate()
    evaluation.accumulate()
    names = {category["id"]: category["name"] for category in coco.dataset["categories"]}
    figures = {names[class_id]: average_precision(evaluation, index)
               for index, class_id in enumerate(CLASS_IDS)}  # fmt: skip
    figures["mean"] = tuple(np.nanmean(list(figures.values()), axis=0))
    for name, (ap, ap50) in figures.items():
        print(f"{name:12} AP {ap:.3f}  AP50 {ap50:.3f}")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as stream:
            json.dump(figures, stream, indent=1)


if __name__ == "__main__":
    main()
