#!/usr/bin/env python3
"""Compares the heads of the trained network in PyTorch with those of the converted ONNX file.

  edet convert ../models/street -o street --nms none
  python3 compare_heads.py RUN/average.npz street/model.onnx PICTURE..

Both get the same letterboxed picture. Proves variable names, layouts and export at once: the ONNX file
came the whole way, through the TensorFlow bundle. Exit code 1 if anything is off by more than 1e-3.
"""

import argparse

import numpy as np
import onnxruntime
import torch
from PIL import Image

from network import EfficientDet, find_hparams

TOLERANCE = 1e-3


def load_network(path, image_size):
    arrays = np.load(path)
    num_classes = arrays["class_net/class-predict/bias"].size // 9
    network = EfficientDet(find_hparams("d0", image_size, num_classes, 4.0)).eval()
    with torch.no_grad():
        for name, tensor in network.named_tensors():
            tensor.copy_(torch.from_numpy(np.asarray(arrays[name], np.float32)).reshape(tensor.shape))
    return network


def letterbox(path, size):
    picture = Image.open(path).convert("RGB")
    scale = size / max(picture.size)
    canvas = Image.new("RGB", (size, size), (124, 116, 104))
    canvas.paste(picture.resize([max(1, int(side * scale)) for side in picture.size], Image.BILINEAR))
    return np.asarray(canvas, np.float32)[None]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("weights")
    parser.add_argument("model")
    parser.add_argument("pictures", nargs="+")
    arguments = parser.parse_args()
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = onnxruntime.InferenceSession(arguments.model, options, providers=["CPUExecutionProvider"])
    size = session.get_inputs()[0].shape[1]
    network = load_network(arguments.weights, size)
    mean = torch.tensor(network.hparams.mean_rgb)[:, None, None]
    stddev = torch.tensor(network.hparams.stddev_rgb)[:, None, None]
    worst = 0.0
    for path in arguments.pictures:
        pixels = letterbox(path, size)
        theirs = session.run(["class_logits", "box_deltas"], {"input": pixels})
        with torch.no_grad():
            ours = network((torch.from_numpy(pixels).permute(0, 3, 1, 2) - mean) / stddev)
        off = [float(np.abs(o.numpy() - t).max()) for o, t in zip(ours, theirs)]
        worst = max(worst, *off)
        print(f"{path}: logits {off[0]:.1e} off at most, box deltas {off[1]:.1e}")
    raise SystemExit(worst > TOLERANCE)


if __name__ == "__main__":
    main()
