#!/usr/bin/env python3
"""Measures `edet convert` and `edet run` and prints Markdown; scripts/measure.sh calls it.

    measure.py PROJECT CHECKPOINT VIDEO
"""

import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

REPEATS = 5
CEILING_SECONDS = 20


def run(command, **options):
    """(seconds, peak resident MiB, standard output and error) of a program; ends with its message if it fails."""
    with tempfile.TemporaryFile("w+") as log:
        begin = time.monotonic()
        child = subprocess.Popen([str(part) for part in command], stdout=log, stderr=subprocess.STDOUT, **options)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        text = log.read()
    if child.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed ({child.returncode}):\n{text[-2000:]}")
    return seconds, usage.ru_maxrss / 1024, text


def machine(edet):
    model = re.search(r"^model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    os_name = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()) if hasattr(platform, "freedesktop_os_release") else ""
    version = subprocess.run([edet, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    openvino = subprocess.run([sys.executable, "-c", "import openvino; print(openvino.__version__)"], capture_output=True, text=True, check=True)
    yield f"{model.group(1) if model else platform.machine()}, {len(os.sched_getaffinity(0))} cores, {os_name}"
    yield f"edet {version}, OpenVINO {openvino.stdout.strip()}, {time.strftime('%Y-%m-%d')}"


def measure_convert(edet, checkpoint, folder):
    runs = [run([edet, "convert", checkpoint, "-o", folder / f"convert{i}"])[:2] for i in range(REPEATS + 1)][1:]
    return statistics.median(r[0] for r in runs), max(r[1] for r in runs)


def ceiling(benchmark_app, model):
    """Frames a second of OpenVINO alone, f32, throughput mode."""
    text = run([benchmark_app, "-m", model, "-d", "CPU", "-hint", "throughput", "-infer_precision", "f32", "-t", CEILING_SECONDS])[2]
    return float(re.search(r"Throughput:\s*([0-9.]+) FPS", text).group(1))


def frames_of(video):
    """Counted by decoding, independently of edet."""
    text = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-count_frames", "-show_entries", "stream=nb_read_frames",
                           "-of", "csv=p=0", video], capture_output=True, text=True, check=True).stdout
    return int(text.strip().strip(","))


def measure_run(edet, model, video, output):
    seconds, peak, _ = run([edet, "run", model, video, "-o", output])
    return frames_of(video) / seconds, seconds, peak


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    project, checkpoint, video = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    edet = project / "build/release/bin/edet"
    with tempfile.TemporaryDirectory(prefix="edet-measure-") as name:
        folder = pathlib.Path(name)
        for line in machine(edet):
            print(line + "  ")
        seconds, peak = measure_convert(edet, checkpoint, folder)
        print(f"\n| convert | seconds | peak memory |\n| --- | --- | --- |\n| {pathlib.Path(checkpoint).name} | {seconds:.2f} | {peak:.0f} MiB |")
        for nms in ("plugin", "none"):
            run([edet, "convert", checkpoint, "-o", folder / nms, "--nms", nms])
        # The plugin is none of OpenVINO's operators, so that the network up to the heads is the ceiling of both.
        best = ceiling(pathlib.Path(sys.executable).with_name("benchmark_app"), folder / "none/model.onnx")
        print("\n| run, end to end | frames a second | of the ceiling | seconds, start included | peak memory |\n| --- | --- | --- | --- | --- |")
        print(f"| OpenVINO alone, heads (the ceiling) | {best:.1f} | 100% | | |")
        for nms in ("plugin", "none"):
            fps, seconds, peak = measure_run(edet, folder / nms, video, folder / f"run-{nms}")
            print(f"| `edet run`, `--nms {nms}`, {pathlib.Path(video).name} | {fps:.1f} | {100 * fps / best:.0f}% | {seconds:.1f} | {peak:.0f} MiB |")


if __name__ == "__main__":
    main()
