#!/usr/bin/env python3
"""Bad input in: one clear line on standard error, the right exit code, nothing half-written left, no more memory than
twice the file (inspect and convert); for ONNX files no more than a second of computing and 512 MiB either.

    bad_input.py --edet PROGRAM [--only convert|run|onnx|deploy|other]

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

USAGE, BAD_INPUT, ENVIRONMENT = 2, 3, 4
# What the program takes without any file, and what reading in pieces costs.
BASE_MEMORY_BYTES = 64 << 20
# A broken ONNX file, whatever its size.
ONNX_SECONDS, ONNX_MEMORY_BYTES = 1.0, 512 << 20


SANITIZED = False
EDET = ""


class Case:
    """One call of edet: `arguments` may hold {out} (must not exist afterwards); `mentions` must occur in the message."""

    def __init__(self, name, exit_code, arguments, mentions="", memory_bytes=0, of_onnx=False):
        self.of_onnx = of_onnx  # measured by the limits for ONNX files
        self.name, self.exit_code, self.arguments, self.mentions = name, exit_code, arguments, mentions
        self.memory_bytes = memory_bytes  # instead of twice the size of the input


def run_measured(command, folder, timeout_s=120):
    """(exit code, standard error, peak resident bytes, seconds of computing); None as exit code if it had to be stopped."""
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        child = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=log, cwd=folder)
        timer = threading.Timer(timeout_s, child.kill)
        timer.start()
        _, status, usage = os.wait4(child.pid, 0)
        stopped = not timer.is_alive()
        timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        return None if stopped else child.returncode, log.read(), usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime


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
    returncode, stderr, peak_bytes, seconds = run_measured([edet, *arguments], folder)
    if returncode is None:
        return ["still running after 120 s"]
    lines = [line for line in stderr.splitlines() if line.strip()]
    found = []
    if returncode != case.exit_code:
        found.append(f"exit code {returncode}, expected {case.exit_code}")
    if case.of_onnx and not SANITIZED:
        if peak_bytes > ONNX_MEMORY_BYTES or seconds > ONNX_SECONDS:
            found.append(f"{peak_bytes >> 20} MiB of memory, {seconds:.2f} s of computing")
    elif arguments and arguments[0] in ("convert", "inspect") and not SANITIZED:
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


def deploy_cases(converted, folder):
    """Bundles, and devices that are never reached: the port is one where nothing listens."""
    text, bundle, hosts = folder / "no_bundle.tar", folder / "good.tar", folder / "hosts"
    text.write_text("This is no archive.\n" * 100)
    arguments = ["bundle", converted, "--target", "dgpu-6.3", "-o", bundle]
    subprocess.run([EDET, "--quiet", *map(str, arguments)], check=True, capture_output=True, timeout=300)
    half = folder / "half.tar"
    half.write_bytes(bundle.read_bytes()[: bundle.stat().st_size // 2])
    changed = folder / "changed.tar"
    changed.write_bytes(bundle.read_bytes().replace(b"nms-iou-threshold", b"nms-iou-threshalt", 1).replace(b"cluster-mode=", b"cluster-mude=", 1))
    kitti = folder / "kitti"
    kitti.mkdir()
    (kitti / "00_000_000000.txt").write_text("no line of a KITTI file\n")
    empty = folder / "no_model"
    empty.mkdir()
    config = folder / "ssh_config"
    config.write_text("Host device\n HostName 127.0.0.1\n Port 1\n IdentityFile /nonexistent\n IdentityAgent none\n")
    ssh = ["--ssh-config", config]
    device = ["deploy", bundle, "device", *ssh]

    yield Case("bundle: no such folder", BAD_INPUT, ["bundle", folder / "nowhere", "--target", "xavier-jp5", "-o", "{out}.tar"], "nowhere")
    yield Case("bundle: a folder without a model", BAD_INPUT, ["bundle", empty, "--target", "xavier-jp5", "-o", "{out}.tar"], "edet.json")
    yield Case("bundle: no target", USAGE, ["bundle", converted, "-o", "{out}.tar"], "--target")
    yield Case("bundle: unknown target", USAGE, ["bundle", converted, "--target", "xavier", "-o", "{out}.tar"], "xavier")
    yield Case("bundle: another ending", USAGE, ["bundle", converted, "--target", "dgpu-6.3", "-o", "{out}.zip"], ".zip")
    yield Case("bundle: a text as parser library", BAD_INPUT, ["bundle", converted, "--target", "xavier-jp5", "--parser-library", text, "-o", "{out}.tar"], "no_bundle.tar")
    yield Case("deploy: no such bundle", BAD_INPUT, ["deploy", folder / "nowhere.tar", "device", *ssh], "nowhere.tar")
    for path in (text, half, changed):
        yield Case(f"deploy: {path.stem}", BAD_INPUT, ["deploy", path, "device", *ssh], "")
    yield Case("deploy: which device", USAGE, ["deploy", bundle], "--hosts")
    yield Case("deploy: an option as device", USAGE, ["deploy", bundle, "--", "-oProxyCommand=x"], "-oProxyCommand")
    yield Case("deploy: nobody listens", ENVIRONMENT, device, "nothing listens")
    yield Case("deploy: no such host file", BAD_INPUT, ["deploy", bundle, "--hosts", folder / "nowhere", *ssh], "nowhere")
    hosts.write_text("# none\n")
    yield Case("deploy: a host file without hosts", BAD_INPUT, ["deploy", bundle, "--hosts", hosts, *ssh], "no device")
    yield Case("deploy: --power-mode without --run", USAGE, [*device, "--power-mode", "0"], "--run")
    yield Case("deploy: odd power mode", USAGE, [*device, "--run", "--power-mode", "$(reboot)"], "power mode")
    yield Case("deploy: odd clocks", USAGE, [*device, "--run", "--clocks", "min"], "--clocks")
    yield Case("deploy: odd builder", USAGE, [*device, "--run", "--engine-with", "make"], "--engine-with")
    yield Case("deploy: no such video", USAGE, [*device, "--run", "--video", folder / "nowhere.mp4"], "nowhere.mp4")
    yield Case("deploy: a text as video", BAD_INPUT, [*device, "--run", "--video", text], "no_bundle.tar")
    yield Case("deploy: video here and there", USAGE, [*device, "--run", "--video", text, "--input", "file:///x"], "--input")
    yield Case("deploy: agreement above 1", USAGE, [*device, "--run", "--min-agreement", "90"], "--min-agreement")
    yield Case("deploy: reference that is none", BAD_INPUT, [*device, "--run", "--reference", kitti], "00_000_000000.txt:1")
    yield Case("deploy: reference without files", BAD_INPUT, [*device, "--run", "--reference", empty], "no KITTI files")
    yield Case("deploy: two things at once", USAGE, [*device, "--restore", "--rollback"], "--rollback")
    yield Case("doctor: nobody listens", ENVIRONMENT, ["doctor", "--target", "device", *ssh], "nothing listens")
    yield Case("doctor: an option as device", USAGE, ["doctor", "--target=-oProxyCommand=x"], "-oProxyCommand")
    yield Case("doctor: no such ssh configuration", ENVIRONMENT, ["doctor", "--target", "device", "--ssh-config", folder / "nowhere"], "nowhere")


# --- ONNX files, byte by byte: this file needs no package ---


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def field(number, value):
    """A field of a protobuf message: a whole number, or bytes, or text."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(number, values):
    return b"".join(field(number, value) for value in values)


def node(op, inputs, outputs, name, domain="", attribute=b""):
    return field(1, fields(1, inputs) + fields(2, outputs) + field(3, name) + field(4, op) + attribute + (field(7, domain) if domain else b""))


def ints(name, numbers):
    return field(5, field(1, name) + b"".join(field(8, number) for number in numbers) + field(20, 7))


def choices(depth):
    """An If, in both of its branches another, and so on."""
    body = field(2, "b") + image(12, "y", (1, 64, 64, 3))
    inner = node("Relu", ["x"], ["y"], "relu") if depth == 0 else choices(depth - 1)
    branches = b"".join(field(5, field(1, name) + field(6, inner + body) + field(20, 5)) for name in ("then_branch", "else_branch"))
    return node("If", ["c"], ["y"], "choice", attribute=branches)


def tensor(dims, data=b"", external=()):
    pairs = fields(13, [field(1, key) + field(2, value) for key, value in external])
    return field(5, b"".join(field(1, dim) for dim in dims) + field(2, 1) + field(8, "w") + (pairs + field(14, 1) if external else field(9, data)))


def image(number, name, dims):
    shape = fields(1, [field(1, dim) for dim in dims])
    return field(number, field(1, name) + field(2, field(1, field(1, 1) + field(2, shape))))


def onnx_file(nodes=None, weights=None, dims=(1, 64, 64, 3)):
    """A model that adds w to a picture, or does what is given instead."""
    nodes = node("Add", ["x", "w"], ["y"], "add") if nodes is None else nodes
    weights = tensor([3], bytes(12)) if weights is None else weights
    graph = nodes + field(2, "g") + weights + image(11, "x", dims) + image(12, "y", dims)
    return field(1, 7) + field(7, graph) + field(8, field(1, "") + field(2, 13))


def nested_file(path, size=1 << 30):
    """Subgraph in subgraph; every length says that the rest of the gigabyte belongs to it. Sparse on disk."""
    head, left = bytearray(), size
    for tag in [0x3A] + [0x0A, 0x2A, 0x32] * 2000:
        left -= 6
        head.append(tag)
        head += bytes((left >> 7 * i) & 0x7F | (0x80 if i < 4 else 0) for i in range(5))
    with open(path, "wb") as file:
        file.write(head)
        file.truncate(size)


def onnx_cases(converted, folder):
    good = (converted / "model.onnx").read_bytes()
    place = folder / "onnx"
    place.mkdir()
    (place / "outside.bin").symlink_to("/etc/passwd")
    (place / "real.bin").write_bytes(bytes(8))
    os.link(place / "real.bin", place / "hard.bin")
    circle = node("Relu", ["b"], ["a"], "hen") + node("Relu", ["a"], ["b"], "egg") + node("Add", ["x", "w"], ["y"], "add")

    def elsewhere(location, *more):
        return onnx_file(weights=tensor([3], external=[("location", location), *more]))

    files = {
        "empty": (b"", "empty.onnx"),
        "text": (b"no model\n" * 100, "text.onnx"),
        "half": (good[: len(good) // 2], "cut off"),
        "circle": (onnx_file(circle), "circle"),
        "dangling": (onnx_file(node("Add", ["ghost", "w"], ["y"], "add")), "ghost"),
        "made_twice": (onnx_file(node("Relu", ["x"], ["y"], "one") + node("Relu", ["x"], ["y"], "two")), "two things"),
        "no_inputs": (onnx_file(node("Slice", [], ["y"], "slice")), "Slice lacks an input"),
        "negative": (onnx_file(weights=tensor([-3], bytes(12))), "impossible shape"),
        "overflowing": (onnx_file(weights=tensor([1 << 32, 1 << 32, 3], bytes(12))), "impossible shape"),
        "huge": (onnx_file(weights=tensor([1 << 40], bytes(12))), "larger than"),
        "too_short": (onnx_file(weights=tensor([4], bytes(12))), "do not fit"),
        "negative_input": (onnx_file(dims=(1, -64, 64, 3)), "impossible shape"),
        "no_window": (onnx_file(node("ConvTranspose", ["x", "w"], ["y"], "conv", attribute=ints("strides", [0, 0]))), "impossible 'strides'"),
        "crumbs": (onnx_file(node("Relu", ["x"], ["y"], "relu", attribute=field(5, b"") * 3_000_000)), "more parts than a network has"),
        "above": (elsewhere("../../etc/passwd"), "outside of the model's folder"),
        "absolute": (elsewhere("/etc/passwd"), "outside of the model's folder"),
        "link": (elsewhere("outside.bin"), "link"),
        "hard_link": (elsewhere("hard.bin"), "hard link"),
        "external_past_the_end": (elsewhere("short.bin", ("offset", "4")), "ends before"),
        "external_negative": (elsewhere("short.bin", ("offset", "-4")), "no number"),
    }
    (place / "short.bin").write_bytes(bytes(8))
    for name, (content, mentions) in files.items():
        (place / f"{name}.onnx").write_bytes(content)
    cases = {name: mentions for name, (_, mentions) in files.items()}
    if shutil.disk_usage(place).free > 1 << 28:  # sparse, but not every file system knows that
        nested_file(place / "nested.onnx")
        cases["nested"] = "not an ONNX model"
    for name, mentions in cases.items():
        path = place / f"{name}.onnx"
        yield Case(f"inspect: ONNX, {name}", BAD_INPUT, ["inspect", path], mentions, of_onnx=True)
        yield Case(f"repair: ONNX, {name}", BAD_INPUT, ["repair", path, "-o", "{out}"], mentions, of_onnx=True)
        if mentions == "not an ONNX model" or name in ("empty", "text", "half", "crumbs"):
            yield Case(f"check: ONNX, {name}", BAD_INPUT, ["check", path, "--target", "xavier-jp5"], mentions, of_onnx=True)
        yield Case(f"compare: ONNX, {name}", BAD_INPUT, ["compare", path, path], mentions, of_onnx=True)
    # OpenVINO would count down from the opset one by one, and try each of 4096 ways through the branches.
    condition = field(5, field(2, 9) + field(8, "c") + field(9, b"\1"))
    for name, content, mentions in (("opset", onnx_file().replace(field(2, 13), field(2, 1 << 40)), "opset"),
                                    ("branches", onnx_file(choices(12), tensor([3], bytes(12)) + condition), "too deep")):
        path = place / f"{name}.onnx"
        path.write_bytes(content)
        yield Case(f"compare: ONNX, {name}", BAD_INPUT, ["compare", path, path], mentions, of_onnx=True)
    strange = place / "strange.onnx"
    strange.write_bytes(onnx_file(node("Nobody", ["x", "w"], ["y"], "n", "nobody.knows")))
    yield Case("repair: ONNX, an unknown domain", BAD_INPUT, ["repair", strange, "-o", "{out}"], "nobody.knows", of_onnx=True)
    yield Case("compare: ONNX, an unknown domain", BAD_INPUT, ["compare", strange, strange], "nobody.knows", of_onnx=True)
    small = place / "small.onnx"
    small.write_bytes(onnx_file())
    yield Case("compare: other sizes of pictures", BAD_INPUT, ["compare", small, converted / "model.onnx"], "512x512")
    yield Case("compare: no such file", BAD_INPUT, ["compare", small, folder / "nowhere.onnx"], "nowhere.onnx")
    yield Case("compare: no such picture", BAD_INPUT, ["compare", small, small, "--input", folder / "nowhere.png"], "nowhere.png")
    not_a_number = place / "nan.npy"
    header = str({"descr": "<f4", "fortran_order": False, "shape": (64, 64, 3)}).encode().ljust(118) + b"\n"
    not_a_number.write_bytes(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + b"\0\0\xc0\x7f" * (64 * 64 * 3))
    yield Case("compare: a picture of NaN", BAD_INPUT, ["compare", small, small, "--input", not_a_number], "NaN")
    yield Case("compare: a tolerance that is no number", USAGE, ["compare", small, small, "--tolerance", "nan"], "--tolerance")
    yield Case("compare: a text as picture", BAD_INPUT, ["compare", small, small, "--input", place / "text.onnx"], "text.onnx")
    wrong = place / "wrong.npy"
    wrong.write_bytes(b"\x93NUMPY\x01\x00\x76\x00" + b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n" + bytes(4))
    yield Case("compare: an array of another shape", BAD_INPUT, ["compare", small, small, "--input", wrong], "wrong.npy")
    yield Case("check: SARIF over the model", USAGE, ["check", small, "--target", "xavier-jp5", "--sarif", small], "overwrite")
    yield Case("check: weights of another folder for the real parser", BAD_INPUT,
               ["check", place / "above.onnx", "--target", "xavier-jp5", "--with-tensorrt"], "outside of the model's folder")
    pipe = place / "pipe"
    os.mkfifo(pipe)
    yield Case("repair: a pipe to write to", BAD_INPUT, ["repair", small, "-o", pipe], "pipe")
    yield Case("check: no target", USAGE, ["check", small], "--target")
    yield Case("check: no such target", USAGE, ["check", small, "--target", "xavier-jp55"], "xavier-jp5")
    yield Case("check: no such file", BAD_INPUT, ["check", folder / "nowhere.onnx", "--target", "trt-10.3"], "nowhere.onnx")
    yield Case("check: no such rule", USAGE, ["check", "--explain", "uint-input"], "uint8-input")
    yield Case("compare: one file only", USAGE, ["compare", small])
    yield Case("compare: a tolerance of 7", USAGE, ["compare", small, small, "--tolerance", "7"], "--tolerance")
    yield Case("repair: no such picture", BAD_INPUT, ["repair", small, "-o", "{out}", "--input", folder / "nowhere.png"], "nowhere.png")


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
    options.add_argument("--only", default="", choices=["convert", "run", "onnx", "deploy", "other"], help="one group of cases")
    arguments = options.parse_args()
    global SANITIZED, EDET
    SANITIZED, EDET = arguments.sanitized, str(pathlib.Path(arguments.edet).resolve())
    edet = str(pathlib.Path(arguments.edet).resolve())
    failed = passed = 0
    with tempfile.TemporaryDirectory(prefix="edet-bad-input-") as name:
        folder = pathlib.Path(name)
        checkpoint, converted = prepare(edet, folder)
        groups = {"other": other_cases(folder), "convert": convert_cases(checkpoint, folder), "run": run_cases(converted, folder), "deploy": deploy_cases(converted, folder),
                  "onnx": onnx_cases(converted, folder)}
        for case in (case for name, cases in groups.items() if arguments.only in ("", name) for case in cases):
            found = problems(case, edet, folder)
            failed, passed = failed + bool(found), passed + (not found)
            print(f"{'FAIL' if found else 'ok  '} {case.name}", *found, sep="\n     ")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
