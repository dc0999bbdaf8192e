#!/usr/bin/env python3
"""Lets AutoML's own trainers leave their checkpoints, and records what AutoML computes from each.

    train_cases.py AUTOML_EFFICIENTDET OUTPUT [NAME...]

Each case trains a network of seeded random values for a few steps on three pictures of noise: main.py (Estimator: TF1 bundle with Momentum slots, global_step, with or
without moving averages) and tf2/train.py (Keras: ckpt-N or emackpt-N with optimizer slots). OUTPUT/NAME gets what
make_cases.py writes, with checkpoint/ being the trainer's own model_dir; compare_cases.py compares. The heads are those of
AutoML's network after AutoML's own restore_ckpt. Not a part of the ordinary tests; needs what make_cases.py needs.
"""

import json
import os
import pathlib
import subprocess
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

SMALL = "image_size=128x96,num_classes=3,learning_rate=0.05,lr_warmup_epoch=0.0"

# name -> trainer, model, --hparams, --weights of ours
CASES = {
    "tf1_ema": ("main.py", "efficientdet-d0", SMALL, "auto"),
    "tf1_ema_raw": ("main.py", "efficientdet-d0", SMALL, "raw"),
    "tf1_no_ema": ("main.py", "efficientdet-d0", SMALL + ",moving_average_decay=0,fpn_name=qufpn", "auto"),
    "tf1_lite": ("main.py", "efficientdet-lite0", SMALL + ",aspect_ratios=1.0*2.0", "auto"),
    "tf2_ckpt": ("tf2/train.py", "efficientdet-d0", SMALL + ",moving_average_decay=0", "auto"),
    "tf2_emackpt": ("tf2/train.py", "efficientdet-d0", SMALL, "auto"),
    "tf2_lite_adam": ("tf2/train.py", "efficientdet-lite0", SMALL + ",moving_average_decay=0,optimizer=adam,max_level=6", "auto"),
    "tf2_new_sgd": ("tf2/train.py", "efficientdet-d0", SMALL + ",moving_average_decay=0,backbone_name=efficientnet-b1", "auto"),
}

# tensorflow-addons' MovingAverage takes the optimizers of before TensorFlow 2.11 only; what the trainer imports and does not
# use in these runs may be absent. tf2_new_sgd keeps the newer optimizers, which save other keys.
KERAS_TRAINER = """
import sys, types, runpy
import tensorflow as tf
if '{name}' != 'tf2_new_sgd':
    tf.keras.optimizers.SGD = tf.keras.optimizers.legacy.SGD
    tf.keras.optimizers.Adam = tf.keras.optimizers.legacy.Adam
for name in ('neural_structured_learning', 'tensorflow_hub'):
    try:
        __import__(name)
    except ImportError:
        sys.modules[name] = types.ModuleType(name)
sys.argv[0] = 'tf2/train.py'
runpy.run_path('tf2/train.py', run_name='__main__')
"""


def write_pictures(path):
    import numpy as np
    import tensorflow as tf

    rng = np.random.RandomState(5)

    def floats(*values):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))

    with tf.io.TFRecordWriter(str(path)) as writer:
        for i in range(3):
            picture = tf.io.encode_jpeg(rng.randint(0, 256, (96, 128, 3)).astype(np.uint8)).numpy()
            feature = {
                "image/encoded": tf.train.Feature(bytes_list=tf.train.BytesList(value=[picture])),
                "image/source_id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[str(i).encode()])),
                "image/height": tf.train.Feature(int64_list=tf.train.Int64List(value=[96])),
                "image/width": tf.train.Feature(int64_list=tf.train.Int64List(value=[128])),
                "image/object/bbox/xmin": floats(0.1, 0.4),
                "image/object/bbox/xmax": floats(0.6, 0.9),
                "image/object/bbox/ymin": floats(0.2, 0.3),
                "image/object/bbox/ymax": floats(0.7, 0.8),
                "image/object/class/label": tf.train.Feature(int64_list=tf.train.Int64List(value=[1, 3])),
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def write_start(name, folder):
    """A bundle to fine-tune from, such as the published ones are: untrained networks damp what distinguishes them."""
    import hparams_config
    import numpy as np
    import tensorflow as tf
    import utils
    from make_cases import random_value, save_bundle
    from tf2 import efficientdet_keras

    tf.keras.backend.clear_session()
    _, model, hparams, _ = CASES[name]
    config = hparams_config.get_efficientdet_config(model)
    config.override(hparams)
    net = efficientdet_keras.EfficientDetNet(config=config)
    net.build((1, *utils.parse_image_size(config.image_size), 3))
    rng = np.random.RandomState(7)
    values = {}
    for variable in net.variables:
        plain = variable.name.split(":")[0]
        value = random_value(np, rng, plain, variable.shape.as_list())
        if value is not None:
            values[plain] = np.asarray(value, np.float32)
    folder.mkdir(exist_ok=True)
    save_bundle(tf, values, folder / "model")


def train(automl, name, model_dir, pictures):
    trainer, model, hparams, _ = CASES[name]
    flags = [f"--model_name={model}", f"--model_dir={model_dir}", f"--hparams={hparams}", "--mode=train", "--num_examples_per_epoch=6"]
    flags += [f"--train_file_pattern={pictures}", "--num_epochs=2", "--use_fake_data=true"]
    start = model_dir.parent / "start"
    if trainer == "main.py":
        command = [sys.executable, "main.py", *flags, "--train_batch_size=2", "--save_checkpoints_steps=6", "--strategy="]
    else:
        command = [sys.executable, "-c", KERAS_TRAINER.format(name=name), *flags, f"--pretrained_ckpt={start}", "--batch_size=2"]
    environment = {**os.environ, "PYTHONPATH": str(automl)}
    with open(model_dir.parent / "train.log", "w") as log:
        subprocess.run(command, cwd=automl, env=environment, stdout=log, stderr=subprocess.STDOUT, check=True)


def replace_values(prefix):
    """Other values in a bundle of main.py, whose --ckpt changes nothing under TensorFlow 2.15: variables and averages differ.

    The names, shapes, Momentum slots and global_step stay as the trainer left them; it is saved by a Saver again.
    """
    import numpy as np
    import tensorflow as tf
    from make_cases import random_value, save_bundle

    reader = tf.train.load_checkpoint(prefix)
    rng = np.random.RandomState(8)
    values = {}
    for name, shape in sorted(reader.get_variable_to_shape_map().items()):
        kept = reader.get_tensor(name)
        value = None if name.endswith("Momentum") else random_value(np, rng, name.replace("/ExponentialMovingAverage", ""), shape)
        values[name] = kept if value is None else np.asarray(value, np.float32)
    save_bundle(tf, values, prefix)


def record(name, folder):
    import hparams_config
    import numpy as np
    import tensorflow as tf
    from make_cases import normalise
    from tf2 import anchors, efficientdet_keras, util_keras

    tf.keras.backend.clear_session()
    _, model, hparams, weights = CASES[name]
    config = hparams_config.get_efficientdet_config(model)
    config.override(str(folder / "checkpoint" / "config.yaml"), allow_new_keys=True)
    config.is_training_bn = False
    import utils

    height, width = config.image_size = utils.parse_image_size(config.image_size)
    net = efficientdet_keras.EfficientDetNet(config=config)
    net.build((1, height, width, 3))
    decay = 0 if weights == "raw" else config.moving_average_decay
    util_keras.restore_ckpt(net, str(folder / "checkpoint"), decay, skip_mismatch=False)
    rng = np.random.RandomState(6)
    noise = tf.image.resize(rng.randn(1, height // 8 + 2, width // 8 + 2, 3), [height, width], method="bicubic")
    pixels = np.clip(128 + 64 * noise.numpy(), 0, 255).astype(np.float32)
    classes, boxes = net(normalise(pixels, config), training=False)
    np.save(folder / "input.npy", pixels)
    for i, level in enumerate(range(config.min_level, config.max_level + 1)):
        np.save(folder / f"cls_{level}.npy", classes[i].numpy())
        np.save(folder / f"box_{level}.npy", boxes[i].numpy())
    made = anchors.Anchors(config.min_level, config.max_level, config.num_scales, config.aspect_ratios, config.anchor_scale, config.image_size)
    np.save(folder / "anchors.npy", made.boxes.numpy())
    (folder / "config.yaml").write_bytes((folder / "checkpoint" / "config.yaml").read_bytes())
    (folder / "case.json").write_text(json.dumps({"model": model, "hparams": hparams, "weights": weights}))
    print(f"{name}: {tf.train.latest_checkpoint(str(folder / 'checkpoint'))}", flush=True)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    automl = pathlib.Path(sys.argv[1]).resolve()
    output = pathlib.Path(sys.argv[2]).resolve()
    sys.path.insert(0, str(automl))
    output.mkdir(parents=True, exist_ok=True)
    write_pictures(output / "pictures.tfrecord")
    for name in sys.argv[3:] or CASES:
        (output / name).mkdir(exist_ok=True)
        if not (output / name / "checkpoint" / "checkpoint").exists():
            write_start(name, output / name / "start")
            train(automl, name, output / name / "checkpoint", output / "pictures.tfrecord")
            if CASES[name][0] == "main.py":
                import tensorflow as tf

                replace_values(tf.train.latest_checkpoint(str(output / name / "checkpoint")))
        record(name, output / name)


if __name__ == "__main__":
    main()
