#!/usr/bin/env python3
"""Trains a small EfficientDet from scratch on pictures in COCO's format.

One command on any machine: with CUDA the whole step is one CUDA graph in bfloat16; without, the same
code runs on the CPU in float32. A run that reaches --seconds saves its state and goes on from there
when it is started again with the same --output.

  python3 train.py --data DATASET --output RUN --steps 12000
  python3 train.py --data DATASET --output RUN --steps 4 --batch 2 --limit 8 --image-size 64   # a try
"""

import argparse
import json
import os
import time

import numpy as np
import torch

from augment import augment
from losses import detection_loss, match
from network import EfficientDet, find_hparams, make_anchors
from pictures import Pictures

CLASSES = {"person": 1, "bicycle": 2, "car": 3, "motorcycle": 4, "bus": 6, "truck": 8}  # COCO's ids
MAX_BOXES = 100  # of one training picture


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", required=True, help="folder with the COCO files and images/")
    parser.add_argument("--files", nargs="+", default=["train.json", "train_more.json"])
    parser.add_argument("--output", required=True, help="folder for state, weights and log")
    parser.add_argument("--model", default="d0", choices=["d0", "lite0"])
    parser.add_argument("--image-size", type=int, default=384, help="side of the network input")
    parser.add_argument("--first-size", type=int, default=0, help="side at first (progressive)")
    parser.add_argument("--first-share", type=float, default=0.5, help="of the steps at --first-size")
    parser.add_argument("--anchor-scale", type=float, default=3.0)
    parser.add_argument("--steps", type=int, default=12000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--warmup", type=int, default=500)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--drop-path", type=float, default=0.1)
    parser.add_argument("--mosaic", type=float, default=0.6, help="share of pictures with mosaic")
    parser.add_argument("--no-mosaic-from", type=float, default=0.85, help="share of the steps")
    parser.add_argument("--ema", type=float, default=0.9995)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--seconds", type=float, default=0, help="stop and save after so long")
    parser.add_argument("--snapshots", type=int, default=0, help="averaged weights kept on the way")
    parser.add_argument("--limit", type=int, default=0, help="first pictures only")
    parser.add_argument("--layout", default="nhwc", choices=["nhwc", "nchw"], help="on the GPU")
    parser.add_argument("--eager", action="store_true", help="no CUDA graph, no compiled matching")
    return parser.parse_args()


def parameter_groups(model, weight_decay):
    """No decay on biases, norms and fusion weights."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": decayed, "weight_decay": weight_decay},
            {"params": others, "weight_decay": 0.0}]  # fmt: skip


class Trainer:
    def __init__(self, arguments, device, pictures):
        self.arguments, self.device, self.pictures = arguments, device, pictures
        self.hparams = find_hparams(arguments.model, arguments.image_size, len(CLASSES),
                                    arguments.anchor_scale)  # fmt: skip
        self.model = EfficientDet(self.hparams, arguments.drop_path).to(device)
        self.average = EfficientDet(self.hparams).to(device)
        self.on_cuda = device.type == "cuda"
        self.format = torch.contiguous_format
        if self.on_cuda and arguments.layout == "nhwc":
            self.format = torch.channels_last
        self.model = self.model.to(memory_format=self.format)
        self.average.load_state_dict(self.model.state_dict())
        self.model.train()
        scalar = lambda value: torch.tensor(float(value), device=device)
        self.learning_rate, self.mosaic_share, self.decay = scalar(0), scalar(0), scalar(0)
        extra = {"capturable": True, "fused": True} if self.on_cuda else {}
        self.optimizer = torch.optim.AdamW(
            parameter_groups(self.model, arguments.weight_decay),
            lr=self.learning_rate if self.on_cuda else arguments.learning_rate,
            betas=(0.9, 0.99), **extra)  # fmt: skip
        self.mean = torch.tensor(self.hparams.mean_rgb, device=device)[:, None, None]
        self.stddev = torch.tensor(self.hparams.stddev_rgb, device=device)[:, None, None]
        self.rows = torch.zeros((arguments.batch, 4), dtype=torch.long, device=device)
        self.totals = torch.zeros(4, device=device)  # class loss, box loss, positives, steps
        self.match = match
        if self.on_cuda and not arguments.eager:
            self.match = torch.compile(match, dynamic=False)
        self.size, self.graph, self.anchors = 0, None, None

    def use_size(self, size):
        if size != self.size:
            self.size, self.graph = size, None
            self.anchors = make_anchors(self.hparams, size).to(self.device)

    def take_step(self):
        """Reads rows, learning_rate, mosaic_share and decay; changes weights, average and totals."""
        with torch.no_grad():
            batch = augment(self.pictures, self.rows, self.size, self.mosaic_share, MAX_BOXES)
            images = (batch.images - self.mean) / self.stddev
        images = images.contiguous(memory_format=self.format)
        with torch.autocast(self.device.type, torch.bfloat16, self.on_cuda, cache_enabled=False):
            logits, deltas = self.model(images)
        class_loss, box_loss, positives = detection_loss(
            logits.float(), deltas.float(), self.anchors, batch, self.match)  # fmt: skip
        self.optimizer.zero_grad(set_to_none=True)
        (class_loss + box_loss).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 10.0)
        self.optimizer.step()
        with torch.no_grad():
            self.update_average()
            self.totals += torch.stack([class_loss.detach(), box_loss.detach(), positives,
                                        torch.ones_like(class_loss.detach())])  # fmt: skip

    def update_average(self):
        averages, values = list(self.average.state_dict().values()), list(self.model.state_dict().values())
        for average, value in zip(averages, values):
            average.lerp_(value, 1 - self.decay)

    def run_step(self):
        if not self.on_cuda or self.arguments.eager:
            self.take_step()
        elif self.graph is None:
            self.capture()
        else:
            self.graph.replay()

    def capture(self):
        """A few steps on a stream of its own, as CUDA graphs want it, then the recording."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self.take_step()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.take_step()
        self.graph = graph

    def save(self, path, step):
        state = {"step": step, "model": self.model.state_dict(), "average": self.average.state_dict(),
                 "optimizer": self.optimizer.state_dict()}  # fmt: skip
        torch.save(state, path + ".part")
        os.replace(path + ".part", path)

    def load(self, path):
        state = torch.load(path, map_location=self.device)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.on_cuda:  # loading replaced the tensor that the schedule writes to
            for group in self.optimizer.param_groups:
                group["lr"] = self.learning_rate
        return state["step"]


def write_weights(model, path, dtype=np.float32):
    """An .npz of all variables by TensorFlow's names and in its layouts."""
    arrays = {name: tensor.detach().float().cpu().numpy().astype(dtype)
              for name, tensor in model.named_tensors()}  # fmt: skip
    np.savez(path + ".part.npz", **arrays)
    os.replace(path + ".part.npz", path)


class Sampler:
    """Half of the draws uniform, half by the rarest class that a picture holds."""

    def __init__(self, pictures, seed):
        self.random, self.num = np.random.default_rng(seed), len(pictures)
        self.cumulative = np.cumsum(pictures.by_rarest_class)

    def draw(self, batch):
        uniform = self.random.integers(self.num, size=(batch, 4))
        rare = np.searchsorted(self.cumulative, self.random.random((batch, 4))).clip(max=self.num - 1)
        return torch.from_numpy(np.where(self.random.random((batch, 4)) < 0.5, uniform, rare))


def schedule(arguments, step):
    """Learning rate (linear warm-up, cosine), share of mosaic and decay of the average at a step."""
    warm = min(1.0, (step + 1) / max(1, arguments.warmup))
    progress = step / arguments.steps
    rate = arguments.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * progress)))
    mosaic = arguments.mosaic if progress < arguments.no_mosaic_from else 0.0
    return rate, mosaic, min(arguments.ema, (1 + step) / (10 + step))


def train(arguments):
    began = time.monotonic()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(arguments.seed)
    torch.backends.cudnn.benchmark = True
    if hasattr(torch.backends.cudnn, "benchmark_limit"):
        torch.backends.cudnn.benchmark_limit = 3  # trying all takes over a minute and gains little
    os.makedirs(arguments.output, exist_ok=True)
    pictures = Pictures(arguments.data, arguments.files, list(CLASSES.values()), device,
                        os.cpu_count(), arguments.limit)  # fmt: skip
    print(f"{len(pictures)} pictures decoded in {time.monotonic() - began:.1f} s", flush=True)
    trainer = Trainer(arguments, device, pictures)
    state_path, step = os.path.join(arguments.output, "state.pt"), 0
    if os.path.exists(state_path):
        step = trainer.load(state_path)
        print(f"goes on from step {step}", flush=True)
        torch.manual_seed(arguments.seed + step)
    sampler = Sampler(pictures, arguments.seed + step)
    every = max(1, arguments.steps // arguments.snapshots) if arguments.snapshots else 0
    log = open(os.path.join(arguments.output, "log.jsonl"), "a", encoding="utf-8")
    mark, mark_step = time.monotonic(), step
    while step < arguments.steps:
        first = arguments.first_size and step < arguments.steps * arguments.first_share
        trainer.use_size(arguments.first_size if first else arguments.image_size)
        rate, mosaic, decay = schedule(arguments, step)
        trainer.rows.copy_(sampler.draw(arguments.batch))
        trainer.learning_rate.fill_(rate)
        trainer.mosaic_share.fill_(mosaic)
        trainer.decay.fill_(decay)
        if not trainer.on_cuda:
            for group in trainer.optimizer.param_groups:
                group["lr"] = rate
        trainer.run_step()
        step += 1
        if every and step % every == 0:
            write_weights(trainer.average, f"{arguments.output}/average_{step:06d}.npz", np.float16)
        if step % 100 == 0 or step == arguments.steps:
            class_loss, box_loss, positives, count = trainer.totals.tolist()
            trainer.totals.zero_()
            now = time.monotonic()
            line = {"step": step, "size": trainer.size, "class_loss": class_loss / count,
                    "box_loss": box_loss / count, "positives": positives / count,
                    "learning_rate": float(rate), "ms_a_step": 1e3 * (now - mark) / (step - mark_step),
                    "seconds": now - began}  # fmt: skip
            mark, mark_step = now, step
            print(json.dumps(line), file=log, flush=True)
            if step % 500 == 0 or step == arguments.steps:
                print(json.dumps(line), flush=True)
            if not np.isfinite(class_loss + box_loss):
                raise SystemExit("the loss is not finite")
            if arguments.seconds and now - began > arguments.seconds:
                break
    trainer.save(state_path, step)
    write_weights(trainer.average, f"{arguments.output}/average.npz")
    print(f"step {step} of {arguments.steps} after {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    train(parse_arguments())
