#!/usr/bin/env python3
"""Writes trained weights as AutoML leaves a model: a TensorFlow 1 bundle, config.yaml and label map.

  python3 export_checkpoint.py RUN/average.npz --output ../models/street --image-size 384 --anchor-scale 3

Needs TensorFlow (tests and users do not). The bundle holds the averaged weights under the variables'
plain names, once: no shadows, no optimizer slots.
"""

import argparse
import os

import numpy as np
import yaml

CLASSES = ("person", "bicycle", "car", "motorcycle", "bus", "truck")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("weights", help="average.npz of train.py")
    parser.add_argument("--output", required=True)
    parser.add_argument("--model", default="efficientdet-d0")
    parser.add_argument("--image-size", type=int, required=True)
    parser.add_argument("--anchor-scale", type=float, required=True)
    return parser.parse_args()


def write_bundle(arrays, prefix):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    names = sorted(arrays)
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names, shape_and_slices=[""] * len(names),
                      tensors=[tf.constant(arrays[name]) for name in names])  # fmt: skip
    with open(os.path.join(os.path.dirname(prefix), "checkpoint"), "w", encoding="utf-8") as stream:
        stream.write(f'model_checkpoint_path: "{os.path.basename(prefix)}"\n')


def main():
    arguments = parse_arguments()
    os.makedirs(arguments.output, exist_ok=True)
    arrays = {name: array.astype(np.float32) for name, array in np.load(arguments.weights).items()}
    arrays["global_step"] = np.int64(0)
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise SystemExit(f"{name} is not finite")
    write_bundle(arrays, os.path.join(arguments.output, "model"))
    label_map = {number: name for number, name in enumerate(CLASSES, 1)}
    config = {"name": arguments.model, "image_size": arguments.image_size, "num_classes": len(CLASSES),
              "anchor_scale": arguments.anchor_scale, "label_map": label_map}  # fmt: skip
    with open(os.path.join(arguments.output, "config.yaml"), "w", encoding="utf-8") as stream:
        yaml.safe_dump(config, stream, sort_keys=False)
    with open(os.path.join(arguments.output, "labels.txt"), "w", encoding="utf-8") as stream:
        stream.write("\n".join(CLASSES) + "\n")


if __name__ == "__main__":
    main()
