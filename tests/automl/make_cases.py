#!/usr/bin/env python3
"""Makes reference outputs with AutoML's own code under TensorFlow, for points of the hyperparameter space.

    make_cases.py AUTOML_EFFICIENTDET OUTPUT [NAME...]

AUTOML_EFFICIENTDET is the folder efficientdet/ of a checkout of google/automl; TensorFlow 2.15 and what that code imports
(PyYAML, six, absl-py, lxml, Pillow, matplotlib, tensorflow-addons, pycocotools) are installed. Not a part of the ordinary
tests: nothing of AutoML or TensorFlow is needed to build or use this project.

OUTPUT/NAME gets: checkpoint/ (a TF1 bundle with AutoML's names, seeded random values), config.yaml (as AutoML's trainers write
it), input.npy (RGB pixels 0..255; AutoML's own preprocessing is between them and the network), cls_LEVEL.npy and
box_LEVEL.npy (the raw heads), anchors.npy, case.json (model, hparams; null where only config.yaml can say them).
"""

import json
import os
import pathlib
import random
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
    "advprop": ("efficientdet-d0", "mean_rgb=0.0,stddev_rgb=1.0,scale_range=true,image_size=128"),
    "advprop_b3": ("efficientdet-d0", "mean_rgb=0.0,stddev_rgb=1.0,scale_range=true,backbone_name=efficientnet-b3,image_size=160x96"),
    "means": ("efficientdet-lite0", "mean_rgb=103.5*116.3*123.7,stddev_rgb=57.4*57.1*58.4,image_size=128"),
    "lite_head_b2": ("efficientdet-lite0", "backbone_name=efficientnet-b2,image_size=128"),
    "d1_lite4": ("efficientdet-d1", "backbone_name=efficientnet-lite4,image_size=128"),
    "d0_b7": ("efficientdet-d0", "backbone_name=efficientnet-b7,image_size=64,max_level=6"),
    "b8": ("efficientdet-d0", "backbone_name=efficientnet-b8,image_size=64,max_level=6"),
    "levels38_attn": ("efficientdet-d0", "max_level=8,fpn_weight_method=attn,fpn_name=qufpn,image_size=256x320,num_classes=20"),
    "size600x400_sum38": ("efficientdet-d0", "max_level=8,fpn_weight_method=sum,image_size=600x400,num_classes=20,act_type=relu6"),
    "qufpn_attn_own_means": ("efficientdet-d1", "fpn_name=qufpn,fpn_weight_method=attn,mean_rgb=127.0,stddev_rgb=128.0,image_size=136x200"),
    "ratio_pairs": (
        "efficientdet-d0",
        "image_size=128",
        {"aspect_ratios": [[0.7, 1.4], [1.0, 1.0], [1.4, 0.7], [2.0, 0.5]], "anchor_scale": [3.0, 3.5, 4.0, 4.0, 5.0]},
    ),
    "own_nodes": (
        "efficientdet-d0",
        "image_size=128x192",
        {"fpn_config": {"weight_method": "attn", "nodes": [
            {"feat_level": 6, "inputs_offsets": [3, 4, 0]},
            {"feat_level": 5, "inputs_offsets": [2, 5]},
            {"feat_level": 4, "inputs_offsets": [1, 6, 2]},
            {"feat_level": 3, "inputs_offsets": [0, 7]},
            {"feat_level": 5, "inputs_offsets": [6, 8]},
            {"feat_level": 7, "inputs_offsets": [4, 9, 8]},
            {"feat_level": 4, "inputs_offsets": [7, 10, 8]},
        ]}},
    ),
    "own_blocks": (
        "efficientdet-d0",
        "image_size=128",
        {"backbone_blocks": [
            "r1_k3_s11_e1_i24_o16_se0.25_noskip", "r2_k7_s22_e4_i16_o20_se0.2", "r2_k5_s22_e6_i20_o40_se0", "r3_k3_s22_e6_i40_o64_se0.5_noskip",
            "r1_k7_s11_e3_i64_o64_se0.25", "r2_k5_s22_e6_i64_o96_se0.25",
        ]},
    ),
    "own_blocks_scaled": (
        "efficientdet-d2",
        "image_size=128x96,backbone_name=efficientnet-b4",
        {"backbone_blocks": [
            "r2_k3_s11_e2_i20_o20_se0.25", "r1_k3_s22_e4_i20_o28_se0.25_f1", "r2_k4_s22_e4_i28_o44_se0.25", "r1_k3_s22_e1_i44_o44_c1_se0",
            "r2_k6_s22_e3_i44_o52_se1.0_f1", "r1_k5_s22_e3_i52_o60_se0.1",
        ]},
    ),
    "own_blocks_lite": (
        "efficientdet-lite2",
        "image_size=128,act_type=hswish",
        {"backbone_blocks": [
            "r2_k3_s11_e3_i20_o12_se0.25", "r2_k5_s22_e6_i12_o24_se0.25", "r2_k7_s22_e6_i24_o40_se0_noskip", "r2_k3_s22_e4_i40_o72_se0", "r2_k3_s22_e4_i72_o96_se0",
        ]},
    ),
}


def random_cases(count=8, seed=20261123):
    """Points of the hyperparameter space that nobody chose; pictures are large enough for their levels."""
    rng = random.Random(seed)
    for i in range(count):
        min_level = rng.choice([2, 3, 3, 4])
        max_level = rng.choice([5, 6, 7, 8])
        sides = [rng.randrange(2 ** max(max_level - 1, 5), 260) for _ in range(2)]
        values = {
            "image_size": f"{sides[0]}x{sides[1]}",
            "num_classes": rng.randrange(1, 40),
            "min_level": min_level,
            "max_level": max_level,
            "num_scales": rng.choice([1, 2, 3]),
            "aspect_ratios": "*".join(rng.sample(["1.0", "2.0", "0.5", "3.0"], rng.choice([2, 3]))),
            "act_type": rng.choice(["swish", "swish_native", "hswish", "relu", "relu6", "mish", "srelu"]),
            "fpn_name": rng.choice(["bifpn", "qufpn"] if min_level < 4 and max_level > 5 else ["bifpn"]),
            "fpn_weight_method": rng.choice(["fastattn", "attn", "sum", "channel_attn", "channel_fastattn"]),
            "fpn_num_filters": rng.choice([24, 40, 64, 112]),
            "fpn_cell_repeats": rng.choice([1, 2, 3]),
            "box_class_repeats": rng.choice([1, 2, 3]),
            "separable_conv": rng.choice(["true", "false"]),
            "apply_bn_for_resampling": rng.choice(["true", "false"]),
            "conv_after_downsample": rng.choice(["true", "false"]),
            "conv_bn_act_pattern": rng.choice(["true", "false"]),
            "survival_prob": rng.choice(["None", "0.8"]),
            "backbone_name": "efficientnet-" + rng.choice(["b0", "b1", "b2", "b3", "lite0", "lite1", "lite3"]),
            "mean_rgb": rng.choice(["0.0", "127.0", "123.675*116.28*103.53"]),
            "stddev_rgb": rng.choice(["128.0", "58.395*57.12*57.375"]),
        }
        model = rng.choice(["efficientdet-d0", "efficientdet-d1", "efficientdet-lite0"])
        yield f"random{i}", (model, ",".join(f"{key}={value}" for key, value in values.items()))


CASES.update(random_cases())


def configure(model, hparams, extra):
    """AutoML's configuration; `extra` is what no --hparams string can say."""
    import hparams_config
    from backbone import efficientnet_builder

    config = hparams_config.get_efficientdet_config(model)
    config.override(hparams)
    config.override({key: value for key, value in extra.items() if key != "backbone_blocks"})
    if "backbone_blocks" in extra:
        blocks = efficientnet_builder.BlockDecoder().decode(extra["backbone_blocks"])
        config.backbone_config = hparams_config.Config({"blocks": blocks})
    config.is_training_bn = False
    return config


def normalise(pixels, config):
    """What AutoML's data loader makes of a picture of the network's size."""
    import dataloader

    processor = dataloader.InputProcessor(pixels[0], config.image_size)
    image = processor.normalize_image(config.mean_rgb, config.stddev_rgb)[None]
    return image * 2.0 / 255 - 1.0 if config.scale_range else image  # dataloader.py, dataset_parser


# Deep networks of random values in which a change of the input by 1e-6 comes out as whole standard deviations: the branches
# beside their residual connections are made weaker.
CALMED = {"d0_b7", "b8", "lite_odd"}


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
    import numpy as np
    import tensorflow as tf
    import utils
    from tf2 import anchors, efficientdet_keras

    tf.keras.backend.clear_session()
    model, hparams, extra = (*CASES[name], {})[:3]
    config = configure(model, hparams, extra)
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
        if name in CALMED and plain.endswith("tpu_batch_normalization_2/gamma"):
            value = value * 0.25
        values[plain] = np.asarray(value, np.float32)
        variable.assign(values[plain])
    # Smooth, as photos are: on noise a change of 1e-6 moves logits visibly.
    noise = tf.image.resize(rng.randn(1, height // 8 + 2, width // 8 + 2, 3), [height, width], method="bicubic")
    pixels = np.clip(128 + 64 * noise.numpy(), 0, 255).astype(np.float32)
    classes, boxes = net(normalise(pixels, config), training=False)
    folder = output / name
    (folder / "checkpoint").mkdir(parents=True, exist_ok=True)
    np.save(folder / "input.npy", pixels)
    config.save_to_yaml(str(folder / "config.yaml"))
    for i, level in enumerate(range(config.min_level, config.max_level + 1)):
        np.save(folder / f"cls_{level}.npy", classes[i].numpy())
        np.save(folder / f"box_{level}.npy", boxes[i].numpy())
    save_bundle(tf, values, folder / "checkpoint" / "model")
    made = anchors.Anchors(config.min_level, config.max_level, config.num_scales, config.aspect_ratios, config.anchor_scale, config.image_size)
    np.save(folder / "anchors.npy", made.boxes.numpy())
    (folder / "case.json").write_text(json.dumps({"model": model, "hparams": None if extra else hparams}))
    print(f"{name}: {len(values)} variables", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.path.insert(0, str(pathlib.Path(sys.argv[1]).resolve()))
    for case in sys.argv[3:] or CASES:
        make(case, pathlib.Path(sys.argv[2]))
