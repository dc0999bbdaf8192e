#!/usr/bin/env python3
"""Bad input in: one clear line on standard error, the right exit code, nothing half-written left, no more memory than
twice the file (inspect and convert).

    bad_input.py --edet PROGRAM [--only convert|run|other]

The checkpoint to spoil is made by `edet untrained`, so that nothing else is needed. Python's standard library only.
"""

import argparse
import gzip
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading

USAGE, BAD_INPUT = 2, 3
# What the program takes without any file, and what reading in pieces costs.
BASE_MEMORY_BYTES = 64 << 20


SANITIZED = False


class Case:
    """One call of edet: `arguments` may hold {out} (must not exist afterwards); `mentions` must occur in the message."""

    def __init__(self, name, exit_code, arguments, mentions="", memory_bytes=0):
        self.name, self.exit_code, self.arguments, self.mentions = name, exit_code, arguments, mentions
        self.memory_bytes = memory_bytes  # instead of twice the size of the input


def run_measured(command, folder, timeout_s=120):
    """(exit code, standard error, peak resident bytes); None as exit code if it had to be stopped."""
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        child = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=log, cwd=folder)
        timer = threading.Timer(timeout_s, child.kill)
        timer.start()
        _, status, usage = os.wait4(child.pid, 0)
        stopped = not timer.is_alive()
        timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        return None if stopped else child.returncode, log.read(), usage.ru_maxrss * 1024


def input_bytes(path):
    path = pathlib.Path(path)
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size if path.is_file() else 0


def problems(case, edet, folder):
    """What is wrong with edet's reaction; empty if it is as promised."""
    out = folder / "out"
    before = sorted(folder.rglob("*"))
    arguments = [str(argument).format(out=out) for argument in case.arguments]
    returncode, stderr, peak_bytes = run_measured([edet, *arguments], folder)
    if returncode is None:
        return ["still running after 120 s"]
    lines = [line for line in stderr.splitlines() if line.strip()]
    found = []
    if returncode != case.exit_code:
        found.append(f"exit code {returncode}, expected {case.exit_code}")
    if arguments and arguments[0] in ("convert", "inspect") and not SANITIZED:
        allowed = BASE_MEMORY_BYTES + (case.memory_bytes or 2 * input_bytes(arguments[1]))
        if peak_bytes > allowed:
            found.append(f"{peak_bytes >> 20} MiB of memory, {allowed >> 20} allowed")
    if len(lines) != 1 or not lines[0].startswith("edet: "):
        found.append(f"{len(lines)} lines on standard error, expected one that starts with 'edet: '")
    if case.mentions not in stderr:
        found.append(f"the message does not name '{case.mentions}'")
    left = [path for path in sorted(folder.rglob("*")) if path not in before]
    if left:
        found.append("left behind: " + ", ".join(str(path.relative_to(folder)) for path in left[:5]))
        shutil.rmtree(out, ignore_errors=True)
    return found + [f"  | {line}" for line in lines[:4]] if found else []


def spoilt(source, folder, name, change):
    """A copy of a checkpoint folder in which change(folder) broke something."""
    copy = folder / name
    shutil.copytree(source, copy)
    change(copy)
    return copy


def deep_yaml(path):
    path.write_text("[" * (1 << 19))
    return path


def only(folder, pattern):
    files = sorted(folder.glob(pattern))
    if len(files) != 1:
        raise RuntimeError(f"{len(files)} files {pattern} in {folder}, expected one")
    return files[0]


def truncate(pattern, keep):
    """keep: how much of the file stays, a share below 1 or a number of bytes (from the end if negative)."""

    def change(folder):
        path = only(folder, pattern)
        size = path.stat().st_size
        with open(path, "r+b") as file:
            file.truncate(int(size * keep) if 0 < keep < 1 else size + keep if keep < 0 else keep)

    return change


def flip(pattern, place):
    """Inverts the byte at this share of the file."""

    def change(folder):
        path = only(folder, pattern)
        data = bytearray(path.read_bytes())
        data[int(len(data) * place)] ^= 0xFF
        path.write_bytes(data)

    return change


def replace(name, pattern, text):
    def change(folder):
        path = folder / name
        content, count = re.subn(pattern, text, path.read_text(), flags=re.MULTILINE)
        if count == 0:
            raise RuntimeError(f"{name} has no line {pattern}")
        path.write_text(content)

    return change


def spoilt_state(text):
    def change(folder):
        (folder / "checkpoint").write_text(f'model_checkpoint_path: "{text}"\n')

    return change


def bomb_archive(path):
    """A .tar.gz of 1 MiB that unpacks to 1 GiB of zeros under a name that a checkpoint has."""
    with gzip.open(path, "wb", compresslevel=9) as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        member = tarfile.TarInfo("model.data-00000-of-00001")
        member.size = 1 << 30
        tar.addfile(member, Zeros())
    return path


class Zeros(io.RawIOBase):
    def read(self, size=-1):
        return bytes(size)


def multiplying_yaml(path):
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    path.write_text("\n".join([*lines, "label_map: *a11", ""]))
    return path


def convert_cases(checkpoint, folder):
    text = folder / "notes.txt"
    text.write_text("This is no checkpoint.\n" * 20)
    empty = folder / "empty"
    empty.mkdir()
    named_like_one = folder / "text" / "model.index"
    named_like_one.parent.mkdir()
    shutil.copy(text, named_like_one)

    def convert(path, *more):
        return ["convert", path, *more, "-o", "{out}"]

    yield Case("convert: no such file", BAD_INPUT, convert(folder / "nowhere"), "nowhere")
    yield Case("convert: a text file", BAD_INPUT, convert(text), "notes.txt")
    yield Case("convert: a text file named .index", BAD_INPUT, convert(named_like_one), "model")
    yield Case("convert: an empty folder", BAD_INPUT, convert(empty), "empty")
    yield Case("convert: unknown model name", USAGE, convert(checkpoint, "--model", "d99"), "d99")
    yield Case("convert: the name of another model", BAD_INPUT, convert(checkpoint, "--model", "d1"), "d0")
    yield Case("convert: unknown option", USAGE, convert(checkpoint, "--moddel", "d0"), "--moddel")
    yield Case("convert: unknown way of NMS", USAGE, convert(checkpoint, "--nms", "soft"), "soft")
    yield Case("convert: unknown platform", USAGE, convert(checkpoint, "--target", "xavier-jp9"), "xavier-jp")
    jp4, jp5 = ("--target", "xavier-jp4.5"), ("--target", "xavier-jp5")
    yield Case("convert: NHWC for DeepStream 5", BAD_INPUT, convert(checkpoint, *jp4, "--layout", "nhwc"), "--layout nchw")
    yield Case("convert: the plugin for TensorRT 7", BAD_INPUT, convert(checkpoint, *jp4, "--nms", "plugin"), "EfficientNMS_TRT")
    yield Case("convert: ONNX's NMS for TensorRT 7", BAD_INPUT, convert(checkpoint, *jp4, "--nms", "onnx"), "NonMaxSuppression")
    yield Case("convert: opset 13 for TensorRT 7", BAD_INPUT, convert(checkpoint, *jp4, "--opset", "13"), "opset 11")
    yield Case("convert: AutoML's semantics by an old plugin", BAD_INPUT,
               convert(checkpoint, *jp5, "--nms", "plugin", "--nms-semantics", "automl"), "class_agnostic")
    for batch in ("0", "-1", "1025", "two", "1.5", "99999999999999999999"):
        yield Case(f"convert: a batch of {batch}", USAGE, convert(checkpoint, f"--batch={batch}"), "--batch")
    yield Case("convert: an unknown method of NMS in the hyperparameters", USAGE,
               convert(checkpoint, "--hparams", "nms_configs.method=linear"), "nms_configs.method")
    yield Case("convert: a threshold of 7", USAGE, convert(checkpoint, "--score-threshold", "7"), "--score-threshold")
    yield Case("convert: no output named", USAGE, ["convert", checkpoint], "-o")
    bomb = bomb_archive(folder / "bomb.tar.gz")
    yield Case("convert: an archive of zeros", BAD_INPUT, convert(bomb), "bomb.tar.gz", memory_bytes=256 << 20)
    yield Case("inspect: an archive of zeros", BAD_INPUT, ["inspect", bomb], "unpacks to more than", memory_bytes=256 << 20)
    cut_off = folder / "cut_off.tar.gz"
    cut_off.write_bytes(gzip.compress(os.urandom(1 << 20))[:-1000])
    yield Case("convert: an archive cut off", BAD_INPUT, convert(cut_off), "cut_off.tar.gz")
    noise = folder / "noise.pb"
    noise.write_bytes(os.urandom(8 << 20))
    yield Case("convert: a graph of noise", BAD_INPUT, convert(noise), "noise.pb")
    fake_h5 = folder / "noise.h5"
    fake_h5.write_bytes(b"\x89HDF\r\n\x1a\n" + os.urandom(8 << 20))
    yield Case("convert: an .h5 of noise", BAD_INPUT, convert(fake_h5), "noise.h5")
    yield Case("convert: YAML whose aliases multiply", BAD_INPUT, convert(checkpoint, "--hparams", multiplying_yaml(folder / "many.yaml")), "many.yaml", 256 << 20)
    yield Case("convert: YAML nested deep", BAD_INPUT, convert(checkpoint, "--hparams", deep_yaml(folder / "deep.yaml")), "deep.yaml", 256 << 20)
    yield Case("convert: a limit that is too low", BAD_INPUT, convert(checkpoint, "--max-tensor-bytes", "1KiB"), "--help")
    yield Case("convert: a limit that is no number", USAGE, convert(checkpoint, "--max-rank", "many"), "--max-rank")
    yield Case("convert: labels for other classes", USAGE, convert(checkpoint, "--labels", text), "notes.txt")
    yield Case("convert: the output is a file", BAD_INPUT, ["convert", checkpoint, "-o", text], "notes.txt")
    yield Case("convert: the output lies in a file", BAD_INPUT, ["convert", checkpoint, "-o", text / "d0"], "notes.txt")
    yield Case("convert: the output is the checkpoint's index", BAD_INPUT, ["convert", checkpoint, "-o", only(checkpoint, "*.index")], ".index")
    yield Case("convert: another model's picture size", BAD_INPUT, convert(checkpoint, "--hparams", "fpn_num_filters=88"), "of another shape")
    yield Case("convert: more anchors than memory", BAD_INPUT, convert(checkpoint, "--hparams", "image_size=8192,min_level=1"))
    stated = spoilt(checkpoint, folder, "stated_outside", spoilt_state("../checkpoint/model"))
    yield Case("convert: a state file that leads outside", BAD_INPUT, convert(stated), "points outside")
    for name, change in {
        "empty index": truncate("*.index", 0),
        "index of 40 bytes": truncate("*.index", 40),
        "half the index": truncate("*.index", 0.5),
        "index short of a byte": truncate("*.index", -1),
        "flipped byte in the index": flip("*.index", 0.3),
        "half the data": truncate("*.data-*", 0.5),
        "data short of a byte": truncate("*.data-*", -1),
        "flipped byte in the data": flip("*.data-*", 0.5),
        "no data": lambda copy: only(copy, "*.data-*").unlink(),
    }.items():
        yield Case(f"convert: {name}", BAD_INPUT, convert(spoilt(checkpoint, folder, name.replace(" ", "_"), change)))


def run_cases(converted, folder):
    text = folder / "video.mp4"
    text.write_text("This is no video.\n" * 1000)
    infer = "config_infer_primary.txt"

    def run(path, *more):
        return ["run", path, *more, "-o", "{out}"]

    yield Case("run: no such config", BAD_INPUT, run(folder / "nowhere.txt"), "nowhere.txt")
    yield Case("run: a config without groups", BAD_INPUT, run(text), "video.mp4")
    yield Case("run: no such video", BAD_INPUT, run(converted / "deepstream_app.txt", folder / "nowhere.mp4"), "nowhere.mp4")
    yield Case("run: a text file as video", BAD_INPUT, run(converted / "deepstream_app.txt", text), "video.mp4")
    for name, mentions, change in (
        ("no_such_library", "libnowhere.so", replace(infer, "^custom-lib-path=.*", "custom-lib-path=/nowhere/libnowhere.so")),
        ("text_as_library", "labels.txt", replace(infer, "^custom-lib-path=.*", "custom-lib-path=labels.txt")),
        ("no_such_function", "NoSuchFunction", replace(infer, "^parse-bbox-func-name=.*", "parse-bbox-func-name=NoSuchFunction")),
        ("no_such_model", "nowhere.onnx", replace(infer, "^onnx-file=.*", "onnx-file=nowhere.onnx")),
        ("model_is_text", "labels.txt", replace(infer, "^onnx-file=.*", "onnx-file=labels.txt")),
        ("half_a_model", "model.onnx", truncate("model.onnx", 0.5)),
        ("no_such_labels", "nowhere.txt", replace(infer, "^labelfile-path=.*", "labelfile-path=nowhere.txt")),
        ("number_is_text", "batch-size", replace(infer, "^batch-size=.*", "batch-size=one")),
        ("no_property_group", "property", replace(infer, r"^\[property\]", "[properties]")),
    ):
        copy = spoilt(converted, folder, name, change)
        yield Case(f"run: {name.replace('_', ' ')}", BAD_INPUT, run(copy / "deepstream_app.txt"), mentions)


def other_cases(folder):
    yield Case("no command", USAGE, [])
    yield Case("unknown command", USAGE, ["convrt"], "convrt")
    yield Case("inspect: no such file", BAD_INPUT, ["inspect", folder / "nowhere.onnx"], "nowhere.onnx")
    text, circle = folder / "text.onnx", folder / "circle.onnx"
    text.write_text("This is no network.\n" * 1000)
    circle.symlink_to(circle.name)
    for name, exit_code, path, target, mentions in (
        ("no such file", BAD_INPUT, folder / "nowhere.onnx", "trt-10.3", "nowhere.onnx"),
        ("a folder without a network", BAD_INPUT, folder / "checkpoint", "trt-10.3", "model.onnx"),
        ("a text file", BAD_INPUT, text, "trt-10.3", "text.onnx"),
        ("a link to itself", BAD_INPUT, circle, "trt-10.3", "circle.onnx"),
        ("a name that is too long", BAD_INPUT, folder / ("a" * 300), "trt-10.3", "too long"),
        ("no such target", USAGE, text, "xavier-jp9", "xavier-jp9"),
        ("a version that is no number", USAGE, text, "trt-99999999999999999999.1", "trt-9999"),
        ("a version of many parts", USAGE, text, "trt-1" + ".1" * 10000, "--target"),
    ):
        yield Case(f"check: {name}", exit_code, ["check", path, "--target", target], mentions)
    yield Case("check: no target", USAGE, ["check", text], "--target")
    yield Case("check: no such rule", USAGE, ["check", "--explain", "uint8-inputs"], "uint8-input")
    yield Case("inspect: --html of no ONNX", USAGE, ["inspect", folder / "nowhere", "--html", "{out}"], "--html")


def prepare(edet, folder):
    """A checkpoint with untrained weights, what `edet convert` makes of it, and a clip for it."""
    checkpoint, converted, clip = folder / "checkpoint", folder / "converted", folder / "clip.mp4"
    for arguments in (
        ["untrained", "--model", "d0", "--seed", "1", "-o", checkpoint],
        ["synth", "--frames", "3", "-o", clip],
        ["convert", checkpoint, "--input", clip.as_uri(), "-o", converted],
    ):
        run = subprocess.run([edet, "--quiet", *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False)
        if run.returncode != 0:
            sys.exit(f"nothing to spoil: 'edet {arguments[0]}' failed: {run.stderr.strip()}")
    return checkpoint, converted


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--edet", required=True)
    options.add_argument("--sanitized", action="store_true", help="the program was built with a sanitizer: memory is not judged")
    options.add_argument("--only", default="", choices=["convert", "run", "other"], help="one group of cases")
    arguments = options.parse_args()
    global SANITIZED
    SANITIZED = arguments.sanitized
    edet = str(pathlib.Path(arguments.edet).resolve())
    failed = passed = 0
    with tempfile.TemporaryDirectory(prefix="edet-bad-input-") as name:
        folder = pathlib.Path(name)
        checkpoint, converted = prepare(edet, folder)
        groups = {"other": other_cases(folder), "convert": convert_cases(checkpoint, folder), "run": run_cases(converted, folder)}
        for case in (case for name, cases in groups.items() if arguments.only in ("", name) for case in cases):
            found = problems(case, edet, folder)
            failed, passed = failed + bool(found), passed + (not found)
            print(f"{'FAIL' if found else 'ok  '} {case.name}", *found, sep="\n     ")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
