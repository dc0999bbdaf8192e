#!/usr/bin/env python3
"""Bad input in: one clear line on standard error, the right exit code, nothing half-written left.

    bad_input.py --edet PROGRAM [--only convert|run|other]

The checkpoint to spoil is made by `edet untrained`, so that nothing else is needed. Python's standard library only.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

USAGE, BAD_INPUT = 2, 3


class Case:
    """One call of edet: `arguments` may hold {out} (must not exist afterwards); `mentions` must occur in the message."""

    def __init__(self, name, exit_code, arguments, mentions=""):
        self.name, self.exit_code, self.arguments, self.mentions = name, exit_code, arguments, mentions


def problems(case, edet, folder):
    """What is wrong with edet's reaction; empty if it is as promised."""
    out = folder / "out"
    before = sorted(folder.rglob("*"))
    arguments = [str(argument).format(out=out) for argument in case.arguments]
    try:
        run = subprocess.run([edet, *arguments], capture_output=True, text=True, errors="replace", timeout=120, cwd=folder, check=False)
    except subprocess.TimeoutExpired:
        return ["still running after 120 s"]
    lines = [line for line in run.stderr.splitlines() if line.strip()]
    found = []
    if run.returncode != case.exit_code:
        found.append(f"exit code {run.returncode}, expected {case.exit_code}")
    if len(lines) != 1 or not lines[0].startswith("edet: "):
        found.append(f"{len(lines)} lines on standard error, expected one that starts with 'edet: '")
    if case.mentions not in run.stderr:
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
    yield Case("convert: a threshold of 7", USAGE, convert(checkpoint, "--score-threshold", "7"), "--score-threshold")
    yield Case("convert: no output named", USAGE, ["convert", checkpoint], "-o")
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
    options.add_argument("--only", default="", choices=["convert", "run", "other"], help="one group of cases")
    arguments = options.parse_args()
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
