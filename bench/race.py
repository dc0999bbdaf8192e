#!/usr/bin/env python3
"""Races OpenVINO on the model as `edet convert` writes it against ONNX Runtime's best, on one machine at the same time.

    race.py EDET CHECKPOINT [--rounds 12]

Every contestant is a process of its own that loads its model once; they take turns in windows of a second, so that whatever slows the
machine down slows all of them. A window counts only if other programs used less than 4% of the processor. Contestants:
  ours         OpenVINO, f32, `--nms none` (NHWC)
  ort-nhwc     ONNX Runtime, all optimisations, the same file
  ort-nchw     ONNX Runtime, all optimisations, `--layout nchw`
ONNX Runtime's best is the faster of its two. Latency: one frame at a time on all cores. Throughput: OpenVINO's throughput mode against
one ONNX Runtime session of one thread for each core. Prints Markdown. Needs onnxruntime and openvino (build/test-venv).
"""

import argparse
import multiprocessing
import os
import pathlib
import statistics
import subprocess
import tempfile
import threading
import time

import numpy as np

CORES = len(os.sched_getaffinity(0))
WINDOW_SECONDS = {"latency": 1.0, "throughput": 1.5}
OTHERS_SHARE = 0.04
MODES = ("latency", "throughput")


def busy_ticks():
    """Processor time of the whole machine and of this process and its children, in ticks."""
    fields = [int(value) for value in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(fields) - fields[3] - fields[4]


def own_ticks():
    fields = pathlib.Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def image(shape):
    return np.random.default_rng(1).integers(0, 256, shape).astype(np.float32)


class OpenVino:
    def __init__(self, path, mode):
        import openvino

        core = openvino.Core()
        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": mode.upper()}
        if mode == "latency":
            settings["INFERENCE_NUM_THREADS"] = CORES
        self.compiled = core.compile_model(core.read_model(path), "CPU", settings)
        self.pixels = image(list(self.compiled.input(0).shape))
        if mode == "latency":
            self.request = self.compiled.create_infer_request()
            self.request.set_input_tensor(openvino.Tensor(self.pixels))
            self.frames = self.one_by_one
        else:
            self.queue = openvino.AsyncInferQueue(self.compiled)
            self.frames = self.all_at_once

    def one_by_one(self, until):
        count = 0
        while time.perf_counter() < until:
            self.request.infer()
            count += 1
        return count

    def all_at_once(self, until):
        count = 0
        while time.perf_counter() < until:
            self.queue.start_async({0: self.pixels}, share_inputs=True)
            count += 1
        self.queue.wait_all()
        return count


class OnnxRuntime:
    def __init__(self, path, mode):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = CORES if mode == "latency" else 1
        options.log_severity_level = 3
        count = 1 if mode == "latency" else CORES
        self.sessions = [onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]) for _ in range(count)]
        self.pixels = image(self.sessions[0].get_inputs()[0].shape)

    def frames(self, until):
        counts = [0] * len(self.sessions)

        def work(index):
            while time.perf_counter() < until:
                self.sessions[index].run(None, {"input": self.pixels})
                counts[index] += 1

        threads = [threading.Thread(target=work, args=(index,)) for index in range(1, len(self.sessions))]
        for thread in threads:
            thread.start()
        work(0)
        for thread in threads:
            thread.join()
        return sum(counts)


def contestant(kind, path, mode, pipe):
    runner = kind(path, mode)
    runner.frames(time.perf_counter() + 1.0)
    pipe.send("ready")
    while pipe.recv():
        machine, own, begin = busy_ticks(), own_ticks(), time.perf_counter()
        count = runner.frames(begin + WINDOW_SECONDS[mode])
        seconds = time.perf_counter() - begin
        others = (busy_ticks() - machine - (own_ticks() - own)) / (seconds * CORES * os.sysconf("SC_CLK_TCK"))
        pipe.send((seconds / count * 1e3, others))


def race(mode, models, rounds):
    """{name: [milliseconds a frame]} of the rounds in which the machine was quiet throughout, and how many were not."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = {}, []
    for name, (kind, path) in models.items():
        pipes[name], theirs = context.Pipe()
        processes.append(context.Process(target=contestant, args=(kind, path, mode, theirs), daemon=True))
        processes[-1].start()
        pipes[name].recv()
    times, disturbed = {name: [] for name in models}, 0
    while len(times["ours"]) < rounds and disturbed < 10 * rounds:
        windows = {}
        for name, pipe in pipes.items():
            pipe.send(True)
            windows[name] = pipe.recv()
        if any(others > OTHERS_SHARE for _, others in windows.values()):
            disturbed += 1
            continue
        for name, (milliseconds, _) in windows.items():
            times[name].append(milliseconds)
    for pipe in pipes.values():
        pipe.send(False)
    for process in processes:
        process.join()
    return times, disturbed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("edet")
    parser.add_argument("checkpoint")
    parser.add_argument("--rounds", type=int, default=12)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for layout in ("nhwc", "nchw"):
            subprocess.run([arguments.edet, "-q", "convert", arguments.checkpoint, "-o", f"{folder}/{layout}", "--nms", "none",
                            "--layout", layout], check=True, stdout=subprocess.DEVNULL)  # fmt: skip
        nhwc, nchw = f"{folder}/nhwc/model.onnx", f"{folder}/nchw/model.onnx"
        models = {"ours": (OpenVino, nhwc), "ort-nhwc": (OnnxRuntime, nhwc), "ort-nchw": (OnnxRuntime, nchw)}
        print("| | ours, ms a frame | ONNX Runtime NHWC / NCHW, ms a frame | ours to ONNX Runtime's best, paired: median (range) | rounds kept / disturbed |")
        print("| --- | --- | --- | --- | --- |")
        for mode in MODES:
            times, disturbed = race(mode, models, arguments.rounds)
            if not times["ours"]:
                raise SystemExit(f"{mode}: the machine was never quiet")
            best = min(("ort-nhwc", "ort-nchw"), key=lambda name: statistics.median(times[name]))
            ratios = [ours / theirs for ours, theirs in zip(times["ours"], times[best])]
            middle = {name: f"{statistics.median(values):.1f}" for name, values in times.items()}
            print(f"| {mode}, {CORES} cores | {middle['ours']} | {middle['ort-nhwc']} / {middle['ort-nchw']} | "
                  f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}) | {len(ratios)} / {disturbed} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
