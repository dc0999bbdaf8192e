"""Pictures and boxes in COCO's format, decoded once and kept as uint8 tensors."""

import concurrent.futures
import json
import os

import numpy as np
import torch
from PIL import Image


class Pictures:
    """All pictures of some COCO files on one device.

    pixels   uint8 [N, 3, side, side], each picture in the top left corner
    sizes    float [N, 2] width and height in pixels
    boxes    float [N, M, 4] xmin, ymin, xmax, ymax in pixels; rows past a picture's last are zero
    classes  long [N, M] index into the class list; -1 past the last box
    ignore   bool [N, M] crowds: neither object nor background
    labelled float [N, C] 0 where a picture's source did not label the class
    """

    def __init__(self, folder, files, class_ids, device, workers, limit=0):
        images, annotations = read_coco(folder, files)
        images = images[:limit] if limit else images
        self.side = max(max(image["width"], image["height"]) for image in images)
        paths = [os.path.join(folder, "images", image["file_name"]) for image in images]
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            planes = list(pool.map(lambda path: decode(path, self.side), paths))
        self.pixels = torch.from_numpy(np.stack(planes)).to(device)
        self.sizes = torch.tensor(
            [(image["width"], image["height"]) for image in images], dtype=torch.float32).to(device)  # fmt: skip
        most = max([1] + [len(annotations.get(image["id"], ())) for image in images])
        boxes, classes = np.zeros((len(images), most, 4), np.float32), np.full((len(images), most), -1)
        ignore = np.zeros((len(images), most), bool)
        labelled = np.ones((len(images), len(class_ids)), np.float32)
        for row, image in enumerate(images):
            for class_id in image.get("not_annotated_category_ids", ()):
                labelled[row, class_ids.index(class_id)] = 0
            for column, annotation in enumerate(annotations.get(image["id"], ())):
                x, y, width, height = annotation["bbox"]
                boxes[row, column] = (x, y, x + width, y + height)
                classes[row, column] = class_ids.index(annotation["category_id"])
                ignore[row, column] = bool(annotation.get("iscrowd"))
        self.boxes = torch.from_numpy(boxes).to(device)
        self.classes = torch.from_numpy(classes).to(device)
        self.ignore = torch.from_numpy(ignore).to(device)
        self.labelled = torch.from_numpy(labelled).to(device)
        self.mean_colour = torch.tensor([123.7, 116.3, 103.5]).to(device)
        self.by_rarest_class = weights_by_rarest_class(classes, ignore, len(class_ids))

    def __len__(self):
        return len(self.pixels)


def read_coco(folder, files):
    images, annotations = [], {}
    for file in files:
        with open(os.path.join(folder, file), encoding="utf-8") as stream:
            content = json.load(stream)
        images += content["images"]
        for annotation in content["annotations"]:
            annotations.setdefault(annotation["image_id"], []).append(annotation)
    return images, annotations


def decode(path, side):
    pixels = np.asarray(Image.open(path).convert("RGB"))
    plane = np.zeros((3, side, side), np.uint8)
    plane[:, : pixels.shape[0], : pixels.shape[1]] = pixels.transpose(2, 0, 1)
    return plane


def weights_by_rarest_class(classes, ignore, num_classes):
    """How often to draw each picture so that each class leads equally often."""
    present = np.stack([((classes == c) & ~ignore).any(1) for c in range(num_classes)], 1)
    frequency = np.maximum(present.sum(0), 1)
    weights = np.full(len(classes), 1.0 / len(classes))
    for row, has in enumerate(present):
        if has.any():
            weights[row] = 1.0 / frequency[has].min()
    return weights / weights.sum()
