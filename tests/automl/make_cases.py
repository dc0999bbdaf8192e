#!/usr/bin/env python3
"""Makes reference outputs with AutoML's own code under TensorFlow, for points of the hyperparameter space.

    make_cases.py AUTOML_EFFICIENTDET OUTPUT [NAME...]

AUTOML_EFFICIENTDET is the folder efficientdet/ of a checkout of google/automl; TensorFlow 2.15 and what that code imports
(PyYAML, six, absl-py, lxml, Pillow, matplotlib, tensorflow-addons, pycocotools) are installed. Not a part of the ordinary
tests: nothing of AutoML or TensorFlow is needed to build or use this project.

OUTPUT/NAME gets: checkpoint/ (a TF1 bundle with AutoML's names, seeded random values), input.npy (the normalised network
input), cls_LEVEL.npy and box_LEVEL.npy (the raw heads), anchors.npy, case.json (model, hparams, mean and deviation).
"""

import json
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

# name -> model, AutoML's --hparams
CASES = {
    "levels38_sum": ("efficientdet-d0", "min_level=3,max_level=8,fpn_weight_method=sum,image_size=256"),
    "size600x400": ("efficientdet-d0", "image_size=600x400,num_classes=20"),
    "qufpn": ("efficientdet-d0", "fpn_name=qufpn,image_size=128"),
    "attn": ("efficientdet-d0", "fpn_weight_method=attn,image_size=128"),
    "channel_attn": ("efficientdet-d0", "fpn_weight_method=channel_attn,image_size=128"),
    "channel_fastattn": ("efficientdet-d0", "fpn_weight_method=channel_fastattn,image_size=128"),
    "hswish": ("efficientdet-d0", "act_type=hswish,image_size=128"),
    "relu": ("efficientdet-d0", "act_type=relu,image_size=128"),
    "mish": ("efficientdet-d0", "act_type=mish,image_size=128"),
    "srelu": ("efficientdet-d0", "act_type=srelu,image_size=128"),
    "dense_conv": ("efficientdet-d0", "separable_conv=false,image_size=128"),
    "no_bn": ("efficientdet-d0", "apply_bn_for_resampling=false,image_size=128"),
    "conv_after": ("efficientdet-d0", "conv_after_downsample=true,image_size=128"),
    "conv_bn_act": ("efficientdet-d0", "conv_bn_act_pattern=true,image_size=128"),
    "survival": ("efficientdet-d0", "survival_prob=0.8,image_size=128"),
    "anchors": ("efficientdet-d0", "num_scales=2,aspect_ratios=1.0*2.0*0.5*3.0,anchor_scale=3.5,image_size=128"),
    "lite_odd": ("efficientdet-lite1", "image_size=200x136,num_classes=3"),
    "levels26": ("efficientdet-d0", "min_level=2,max_level=6,image_size=128"),
    "filters": ("efficientdet-d0", "fpn_num_filters=40,fpn_cell_repeats=2,box_class_repeats=2,image_size=128"),
    "backbone_b1": ("efficientdet-d0", "backbone_name=efficientnet-b1,image_size=128"),
    "min3max5": ("efficientdet-d0", "min_level=3,max_level=5,image_size=128"),
    "filters320": ("efficientdet-d0", "fpn_num_filters=320,fpn_cell_repeats=1,box_class_repeats=1,image_size=128"),
    "combined": (
        "efficientdet-d2",
        "separable_conv=false,conv_bn_act_pattern=true,fpn_weight_method=channel_attn,act_type=mish,survival_prob=0.5,"
        "image_size=176x144,num_classes=7,fpn_cell_repeats=2",
    ),
}


def random_value(np, rng, name, shape):
    """Numbers that keep activations alive and make every variable matter; None for what is no weight."""
    if name.endswith("depthwise_kernel"):
        return rng.randn(*shape) * np.sqrt(2 / (shape[0] * shape[1]))
    if name.endswith("kernel"):
        return rng.randn(*shape) * np.sqrt(2 / (shape[0] * shape[1] * shape[2]))
    if name.endswith("gamma"):
        return rng.uniform(0.6, 1.4, shape)
    if name.endswith("moving_variance"):
        return rng.uniform(0.6, 1.6, shape)
    if name.endswith(("moving_mean", "beta", "bias")):
        return rng.randn(*shape) * 0.1
    if "WSM" in name:
        return rng.uniform(-0.2, 1.5, shape or None)
    return None


def save_bundle(tf, values, prefix):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = [tf.compat.v1.Variable(value, name=name, use_resource=True) for name, value in values.items()]
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver(variables).save(session, str(prefix), write_meta_graph=False)


def make(name, output):
    import hparams_config
    import numpy as np
    import tensorflow as tf
    import utils
    from tf2 import anchors, efficientdet_keras

    tf.keras.backend.clear_session()
    model, hparams = CASES[name]
    config = hparams_config.get_efficientdet_config(model)
    config.override(hparams)
    config.is_training_bn = False
    height, width = utils.parse_image_size(config.image_size)
    rng = np.random.RandomState(sum(map(ord, name)))
    net = efficientdet_keras.EfficientDetNet(config=config)
    net.build((1, height, width, 3))
    values = {}
    for variable in net.variables:
        plain = variable.name.split(":")[0]
        value = random_value(np, rng, plain, variable.shape.as_list())
        if value is None:
            print(f"{name}: {plain} keeps its first value and is not saved")
            continue
        values[plain] = np.asarray(value, np.float32)
        variable.assign(values[plain])
    # Smooth, as photos are: on noise a change of 1e-6 moves logits visibly.
    image = tf.image.resize(rng.randn(1, height // 8 + 2, width // 8 + 2, 3), [height, width], method="bicubic")
    image = image.numpy().astype(np.float32)
    classes, boxes = net(image, training=False)
    folder = output / name
    (folder / "checkpoint").mkdir(parents=True, exist_ok=True)
    np.save(folder / "input.npy", image)
    for i, level in enumerate(range(config.min_level, config.max_level + 1)):
        np.save(folder / f"cls_{level}.npy", classes[i].numpy())
        np.save(folder / f"box_{level}.npy", boxes[i].numpy())
    save_bundle(tf, values, folder / "checkpoint" / "model")
    made = anchors.Anchors(config.min_level, config.max_level, config.num_scales, config.aspect_ratios, config.anchor_scale, config.image_size)
    np.save(folder / "anchors.npy", made.boxes.numpy())
    mean, deviation = (np.broadcast_to(np.float64(v), 3).tolist() for v in (config.mean_rgb, config.stddev_rgb))
    (folder / "case.json").write_text(json.dumps({"model": model, "hparams": hparams, "mean": mean, "deviation": deviation}))
    print(f"{name}: {len(values)} variables", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.path.insert(0, str(pathlib.Path(sys.argv[1]).resolve()))
    for case in sys.argv[3:] or CASES:
        make(case, pathlib.Path(sys.argv[2]))
