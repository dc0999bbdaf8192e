#!/usr/bin/env python3
"""`edet config new` from the outside: what it writes where, what it refuses, what it leaves alone, and whether `edet run` takes the result.

    config_new.py --edet EDET
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

failures = []


def check(condition, what):
    if not condition:
        failures.append(what)
        print(f"FAIL {what}")


class Edet:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def __call__(self, *arguments):
        return subprocess.run([self.program, *arguments], cwd=self.folder, capture_output=True, text=True, check=False, timeout=300)

    def new(self, *arguments):
        return self("config", "new", "model", *arguments)


def files_below(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def value(path, key):
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(key + "="):
            return line[len(key) + 1:]
    return None


def make_models(edet):
    for arguments in (("untrained", "--model", "lite0", "--seed", "1", "-o", "weights"),
                      ("convert", "weights", "--model", "lite0", "--nms", "none", "-o", "model"),
                      ("convert", "weights", "--model", "lite0", "--nms", "decoded", "--batch", "dynamic", "--score-threshold", "0.25",
                       "--target", "orin-jp6", "-o", "free")):
        done = edet(*arguments)
        check(done.returncode == 0, f"{arguments}: {done.stderr}")


# Options, the exit code, and what the one line must hold.
REFUSED = [
    ([], 2, "--target"),
    (["--target", "xavier-jp9"], 2, "xavier-jp"),
    (["--target", "xavier-jp4.4"], 3, "--layout nchw"),
    (["--target", "orin-jp6", "--sources", "0"], 2, "1 to 1024"),
    (["--target", "orin-jp6", "--sources", "2000"], 3, "1024"),
    (["--target", "orin-jp6", "--sources", "absent.mp4"], 2, "is no source"),
    (["--target", "dgpu-7.1", "--sources", "csi:0"], 3, "Jetson"),
    (["--target", "orin-jp6", "--sink", "screen"], 2, "--sink"),
    (["--target", "xavier-jp4.6", "--sink", "mqtt"], 3, "6.3"),
    (["--target", "orin-jp6", "--sink", "kafka", "redis"], 3, "one broker"),
    (["--target", "orin-jp6", "--broker", "host:1"], 2, "--sink kafka"),
    (["--target", "orin-jp6", "--sink", "kafka", "--broker", "host:99999"], 2, "HOST:PORT"),
    (["--target", "orin-jp6", "--sink", "kafka", "--topic", "a;b"], 3, "words"),
    (["--target", "orin-jp6", "--tracker", "klt"], 3, "it has iou"),
    (["--target", "orin-jp6", "--precision", "int8"], 2, "--calibration"),
    (["--target", "orin-jp6", "--calibration", "c.bin"], 2, "int8"),
    (["--target", "orin-jp6", "--batch", "4"], 3, "--batch dynamic"),
    (["--target", "orin-jp6", "--batch", "0"], 2, "--batch"),
    (["--target", "xavier-jp4.6", "--yaml"], 3, "6.1"),
    (["--target", "orin-jp6", "--frame-size", "1280"], 2, "WIDTHxHEIGHT"),
    (["--target", "orin-jp6", "--server-backend", "onnxruntime"], 2, "--server"),
    (["--target", "orin-jp6", "--sources", "file:///a,b.mp4", "--yaml"], 3, "','"),
]


def refuses(edet, folder):
    before = files_below(folder / "model")
    for options, code, words in REFUSED:
        done = edet.new(*options)
        lines = done.stderr.strip().splitlines()
        check(done.returncode == code, f"{options}: exit code {done.returncode}, not {code}: {done.stderr}")
        check(len(lines) == 1 and lines[0].startswith("edet: ") and words in lines[0], f"{options}: {done.stderr}")
    check(files_below(folder / "model") == before, "a refusal changed a file")


def refuses_damaged_models(edet, folder):
    good = (folder / "model" / "edet.json").read_text(encoding="utf-8")
    damaged = folder / "damaged"
    damaged.mkdir()
    os.link(folder / "model" / "model.onnx", damaged / "model.onnx")
    record = json.loads(good)

    def spoilt(path, what):
        copy = json.loads(good)
        place = copy
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = what
        return json.dumps(copy)

    texts = ["", "{}", "[1]", good[:200], "\xff", spoilt(["onnx", "file"], "../../etc/passwd"), spoilt(["model", "name"], "a/b"),
             spoilt(["model", "image_size"], 7), spoilt(["onnx", "batch"], []), spoilt(["nms", "kind"], "x"), spoilt(["onnx", "outputs"], "x"),
             spoilt(["model", "image_size", "width"], record["model"]["image_size"]["width"] + 1), spoilt(["configs"], None)]
    for text in texts:
        (damaged / "edet.json").write_text(text, encoding="utf-8")
        done = edet("config", "new", "damaged", "--target", "orin-jp6")
        check(done.returncode == 3 and len(done.stderr.strip().splitlines()) == 1, f"{text[:80]}: {done.returncode} {done.stderr}")
    check(sorted(path.name for path in damaged.iterdir()) == ["edet.json", "model.onnx"], "a damaged model got configs")
    check(edet("config", "new", "weights", "--target", "orin-jp6").returncode == 3, "a folder without edet.json")


def writes_beside_the_model(edet, folder):
    done = edet.new("--target", "orin-jp6", "--json")
    check(done.returncode == 0, done.stderr)
    check(json.loads(done.stdout)["written"] == ["deepstream_app.txt", "config_infer_primary.txt"], done.stdout)
    config = folder / "model" / "config_infer_primary.txt"
    check(value(config, "onnx-file") == "model.onnx", "onnx-file beside the model")
    check("libnvdsinfer_efficientdet.conf" in config.read_text(encoding="utf-8"), "the library's options are told of")


def writes_elsewhere(edet, folder):
    done = edet("config", "new", "free", "--sources", "3", "-o", "other/place", "--library", "/opt/x/lib.so", "--yaml", "--server",
                "--server-backend", "onnxruntime")
    check(done.returncode == 0, done.stderr)
    config = folder / "other" / "place" / "config_infer_primary.txt"
    check(value(config, "onnx-file") == "../../free/model.onnx", "onnx-file elsewhere")
    check(value(config, "model-engine-file") == "../../free/model.onnx_b3_gpu0_fp16.engine", "the engine lies beside the model")
    check(value(config, "custom-lib-path") == "/opt/x/lib.so", "--library")
    check(value(config, "batch-size") == "3", "a model of any batch takes all sources at once")
    check(value(config, "pre-cluster-threshold") == "0.25", "the threshold of edet.json")
    copy = folder / "other" / "place" / "triton" / "efficientdet-lite0" / "1" / "model.onnx"
    check(copy.read_bytes() == (folder / "free" / "model.onnx").read_bytes(), "the model in Triton's repository")


def keeps_what_was_edited(edet, folder):
    config = folder / "model" / "config_infer_primary.txt"
    check(edet.new("--target", "xavier-jp5", "--precision", "fp32").returncode == 0, "what edet wrote is replaced")
    edited = config.read_text(encoding="utf-8").replace("interval=0", "interval=3")
    config.write_text(edited, encoding="utf-8")
    done = edet.new("--target", "orin-jp6")
    check(done.returncode == 2 and "config_infer_primary.txt" in done.stderr and "--force" in done.stderr, done.stderr)
    check(config.read_text(encoding="utf-8") == edited, "an edited file was overwritten")
    check(edet.new("--target", "orin-jp6", "--force").returncode == 0, "--force")
    check(value(config, "interval") == "0", "--force overwrites")


def runs(edet, folder):
    done = edet("synth", "-o", "clip.mp4", "--frames", "10")
    check(done.returncode == 0, done.stderr)
    for sink in ("file", "fake", "display", "rtsp", "kafka"):
        done = edet("config", "new", "free", "--sources", "clip.mp4", "--sink", sink, "--tracker", "nvdcf", "-o", f"run_{sink}")
        check(done.returncode == 0, done.stderr)
        done = edet("run", f"run_{sink}", "--frames", "3", "-o", f"result_{sink}", "--json")
        check(done.returncode == 0 and json.loads(done.stdout)["frames"] == 3, f"run with --sink {sink}: {done.stderr}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--edet", required=True)
    program = os.path.abspath(parser.parse_args().edet)
    with tempfile.TemporaryDirectory() as top:
        folder = pathlib.Path(top)
        edet = Edet(program, folder)
        make_models(edet)
        if not failures:
            for part in (refuses, refuses_damaged_models, writes_beside_the_model, writes_elsewhere, keeps_what_was_edited, runs):
                part(edet, folder)
                print(part.__name__)
        help_text = edet("config", "new", "--help").stdout
        check("Examples:" in help_text and "--tracker" in help_text, "--help")
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
