#!/usr/bin/env python3
"""Converts every model of the family from generated weights and asks independent programs whether they take the result.

    check_models.py EDET [--models d0,lite0] [--image-size d7x=256] [--results FILE.json] [--markdown FILE.md] [--fp16 no]
                            [--merge EARLIER.json...]
                            [--kinds none,onnx]

Each model is converted with `--nms none`, `onnx`, `rows`, `decoded` and `plugin`, in fp32 and fp16, and goes through ONNX's
checker (full_check; a file with the plugin up to the plugin), the promise to be lean, ONNX Runtime (session, and one run that must give
finite numbers of the right shape), OpenVINO (f32: compile, small models only) and TensorRT-RTX (parser and builder). TensorRT-RTX's
builder has no kernel for NMS: `onnx` and `rows` are parsed whole and built up to the inputs of NMS; it does not know the plugin.
Each question is a process of its own: a crash is an answer too. Files are deleted as it goes. Exit code 0: nothing was refused.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time

from golden import Verdict, need, np, onnx, onnxruntime, openvino
from onnx_is_valid import complaint, lean_complaints, without_plugin

MODELS = [f"d{i}" for i in range(8)] + ["d7x", "lite0", "lite1", "lite2", "lite3", "lite3x", "lite4"]
KINDS = ("none", "onnx", "rows", "decoded", "plugin")
SMALL = 80000  # anchors: up to 640x640
TIMEOUT_S = 3600


# --- Questions: each is asked in a process of its own, which prints one line of JSON ---


def ask_checker(path, kind):
    model = onnx.load(path)
    error = ""
    if kind == "plugin":
        checked = without_plugin(model)
        error = complaint(lambda: onnx.checker.check_model(checked, full_check=True))
    else:
        error = complaint(lambda: onnx.checker.check_model(str(path), full_check=True))
    lean = lean_complaints(model)
    return {"error": error or "; ".join(lean), "nodes": len(model.graph.node)}


def expected_shapes(kind, anchors, classes):
    most = 100
    return {"none": {"class_logits": [1, anchors, classes], "box_deltas": [1, anchors, 4]},
            "decoded": {"boxes": [1, anchors, 4], "scores": [1, anchors, classes]},
            "rows": {"detections": [1, most, 7]},
            "onnx": {"num_detections": [1, 1], "detection_boxes": [1, most, 4], "detection_scores": [1, most], "detection_classes": [1, most]}}[kind]


# Decoded boxes may be infinite, never NaN: untrained weights give deltas over 200, whose exp is beyond float32 as AutoML's formula has it.
# In fp16 they may be anything: untrained weights of 55 blocks drive activations beyond 65504, which says nothing of trained ones.
def wrong_outputs(outputs, expected, half):
    shapes = {name: list(value.shape) for name, value in outputs.items()}
    if shapes != expected:
        return f"outputs {shapes}, expected {expected}"
    if half:
        return ""
    spoilt = [name for name, value in outputs.items() if np.any(np.isnan(value)) or (name != "boxes" and not np.all(np.isfinite(value)))]
    return f"not finite: {', '.join(spoilt)}" if spoilt else ""


def ask_onnxruntime(path, kind, anchors, classes, runs, half):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    if not runs:
        return {"error": ""}
    image = session.get_inputs()[0]
    pixels = np.random.default_rng(1).uniform(0, 255, image.shape).astype(np.float32)
    names = [output.name for output in session.get_outputs()]
    outputs = dict(zip(names, session.run(names, {image.name: pixels})))
    return {"error": wrong_outputs(outputs, expected_shapes(kind, anchors, classes), half)}


def ask_openvino(path):
    core = openvino.Core()
    core.compile_model(core.read_model(str(path)), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return {"error": ""}


def ask_tensorrt(path):
    import tensorrt_accepts as judge  # ends the process with 77 where TensorRT is absent

    builder, network, errors = judge.parse(path, judge.trt.Logger(judge.trt.Logger.ERROR))
    if errors:
        return {"error": "parser: " + "; ".join(errors)}
    answer = {"layers": network.num_layers, "cut": judge.cut_before_nms(network)}
    answer["engine_bytes"] = judge.build(builder, network)
    answer["error"] = "" if answer["engine_bytes"] else "builder: refused"
    return answer


QUESTIONS = {"checker": ask_checker, "onnxruntime": ask_onnxruntime, "openvino": ask_openvino, "tensorrt": ask_tensorrt}


def answer(arguments):
    question, path, rest = arguments[0], arguments[1], json.loads(arguments[2])
    error = {}
    try:
        error = QUESTIONS[question](path, *rest)
    except Exception as refusal:  # noqa: BLE001: every kind of refusal is the same answer
        error = {"error": str(refusal).strip() or type(refusal).__name__}
    print(json.dumps(error))


# --- Asking ---


def run(command):
    """(exit code, seconds, peak MiB, output) of a program."""
    with tempfile.TemporaryFile("w+") as log:
        begin = time.monotonic()
        child = subprocess.Popen([str(part) for part in command], stdout=log, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        return child.returncode, time.monotonic() - begin, usage.ru_maxrss / 1024, log.read()


def ask(question, path, *rest):
    code, seconds, peak, text = run([sys.executable, __file__, "--answer", question, path, json.dumps(rest)])
    lines = text.strip().splitlines()
    if code == 77:
        return {"skipped": lines[-1] if lines else "?"}
    try:
        result = json.loads(lines[-1])
    except (IndexError, ValueError):
        result = {"error": f"ended with {code}: {text[-300:]}"}
    if result["error"] and len(lines) > 1:
        result["error"] += " (" + " ".join(lines[:-1])[-600:] + ")"
    return {**result, "seconds": round(seconds, 1), "peak_mib": round(peak)}


class ModelCheck:
    """One model: its checkpoint is made once, its ONNX files one after the other."""

    def __init__(self, edet, model, image_size, folder, verdict):
        self.edet, self.model, self.folder, self.verdict = edet, model, folder, verdict
        self.hparams = ["--hparams", f"image_size={image_size}"] if image_size else []
        self.result = {"model": model, "files": {}}

    def make_weights(self):
        code, _, _, text = run([self.edet, "-q", "untrained", "--model", self.model, "-o", self.folder / "weights"])
        return self.verdict.check(f"{self.model} weights", code == 0, text.strip())

    def convert(self, kind, precision):
        """The record of the conversion; None if it failed. The file is self.folder/out/model.onnx."""
        command = [self.edet, "-q", "convert", self.folder / "weights", "-o", self.folder / "out", "--model", self.model, "--nms", kind, *self.hparams]
        if precision == "fp16":
            command += ["--precision", "fp16"]
        code, seconds, peak, text = run(command)
        if not self.verdict.check(f"{self.model} {kind} {precision} convert", code == 0, text.strip()[-300:] if code else f"{seconds:.2f} s, {peak:.0f} MiB"):
            return None
        path = self.folder / "out" / "model.onnx"
        record = json.loads((self.folder / "out" / "edet.json").read_text())
        return {"seconds": round(seconds, 2), "peak_mib": round(peak), "bytes": path.stat().st_size, "record": record}

    def judge(self, kind, precision, question, *rest):
        path = self.folder / "out" / "model.onnx"
        result = ask(question, path, *rest)
        what = f"{self.model} {kind} {precision} {question}"
        if "skipped" in result:
            print(f"skip {what}: {result['skipped']}", flush=True)
        else:
            details = f"{result['seconds']} s, {result['peak_mib']} MiB" + "".join(f", {result[key]} {key}" for key in ("layers",) if key in result)
            self.verdict.check(what, not result["error"], result["error"] or details)
        sys.stdout.flush()
        return result

    def check_file(self, kind, precision):
        converted = self.convert(kind, precision)
        if converted is None:
            self.result["files"][f"{kind} {precision}"] = {"convert": "failed"}
            return
        record = converted.pop("record")
        size, model = record["model"]["image_size"], record["model"]
        anchors = anchors_of(record)
        self.result.update(image=f"{size['width']}x{size['height']}", anchors=anchors, parameters=record["onnx"]["parameters"])
        small = anchors <= SMALL
        answers = {"checker": self.judge(kind, precision, "checker", kind)}
        if kind != "plugin":
            # fp16 on a CPU is emulated: only small models are run.
            runs = small or (kind == "none" and precision == "fp32")
            answers["onnxruntime"] = self.judge(kind, precision, "onnxruntime", kind, anchors, model["num_classes"], runs, precision == "fp16")
            answers["onnxruntime"]["ran"] = runs
            if small and kind in ("none", "onnx"):
                answers["openvino"] = self.judge(kind, precision, "openvino")
            if kind in ("none", "onnx"):
                answers["tensorrt"] = self.judge(kind, precision, "tensorrt")
        self.result["files"][f"{kind} {precision}"] = {**converted, **answers}


def anchors_of(record):
    """Places of all levels times anchors a place; a level is half the one before, rounded up."""
    size, hparams = record["model"]["image_size"], record["hparams"]
    per_place = hparams["num_scales"] * len(hparams["aspect_ratios"])
    total, height, width = 0, size["height"], size["width"]
    for level in range(1, hparams["max_level"] + 1):
        height, width = (height + 1) // 2, (width + 1) // 2
        total += height * width * per_place if level >= hparams["min_level"] else 0
    return total


# --- The table ---


def cell(files, key, question):
    found = files.get(key, {}).get(question)
    if files.get(key, {}).get("convert") == "failed":
        return "not converted"
    if found is None or "skipped" in found:
        return "not asked"
    if found["error"]:
        return "REFUSED"
    return "runs" if found.get("ran") else "ok"


def together(cells):
    """One word for several files, or all of them."""
    return cells[0] if len(set(cells)) == 1 else " / ".join(cells)


def row(result, with_fp16):
    files = result["files"]
    base = files.get("none fp32", {})
    keys = [f"{kind} {precision}" for precision in (("fp32", "fp16") if with_fp16 else ("fp32",)) for kind in KINDS if f"{kind} {precision}" in files]
    nodes = " / ".join(str(files.get(f"{kind} fp32", {}).get("checker", {}).get("nodes", "?")) for kind in ("none", "onnx", "plugin"))
    layers = " / ".join(str(files.get(f"{kind} fp32", {}).get("tensorrt", {}).get("layers", "?")) for kind in ("none", "onnx"))
    megabytes = " / ".join(f"{files[key]['bytes'] / 1e6:.1f}" for key in ("none fp32", "none fp16") if "bytes" in files.get(key, {}))
    ort = [key for key in keys if not key.startswith("plugin")]
    return [result["model"], result.get("image", "?"), f"{result.get('anchors', 0):,}", f"{result.get('parameters', 0) / 1e6:.2f} M", nodes, layers, megabytes,
            f"{base.get('seconds', '?')}", f"{base.get('peak_mib', '?')}",
            together([cell(files, key, "checker") for key in keys]),
            together([cell(files, key, "onnxruntime") for key in ort]),
            together([cell(files, f"{kind} fp32", "openvino") for kind in ("none", "onnx")]),
            together([cell(files, f"{kind} fp32", "tensorrt") for kind in ("none", "onnx")]),
            together([cell(files, f"{kind} fp16", "tensorrt") for kind in ("none", "onnx")]) if with_fp16 else "no --precision"]


HEADINGS = ["model", "image", "anchors", "parameters", "nodes: none / onnx / plugin", "TensorRT layers: none / onnx", "file MB: fp32 / fp16",
            "convert s", "convert peak MiB", "ONNX checker, lean", "ONNX Runtime", "OpenVINO f32", "TensorRT fp32", "TensorRT fp16"]
BEGIN, END = "<!-- check_models begin -->", "<!-- check_models end -->"


def table(results):
    models = sorted(results["models"], key=lambda result: MODELS.index(result["model"]))
    rows = [HEADINGS, ["---"] * len(HEADINGS)] + [row(result, results["fp16"]) for result in models]
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    made = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    asked = {}
    for result in models:
        asked.setdefault(", ".join(result["files"]), []).append(result["model"])
    files = [f"{', '.join(names)}: {kinds}" for kinds, names in asked.items()]
    end = f"{results['passed']} passed, {results['failed']} failed, in {results['minutes']} minutes. {results['date']}; {results['machine']}; {made}."
    absent = [model for model in MODELS if model not in {result["model"] for result in models}]
    end += f" Not asked in this run: {', '.join(absent)}." if absent else ""
    return "\n".join([end, "", "Files made, by `--nms` and precision: " + "; ".join(files) + ".", "", *lines])


def write_markdown(path, results):
    """Between the two marks of the file; the rest of it stays."""
    text = path.read_text()
    head, rest = text.split(BEGIN, 1)
    path.write_text(head + BEGIN + "\n" + table(results) + "\n" + END + rest.split(END, 1)[1])


def add_earlier(results, paths):
    """The models of earlier runs that this one does not ask about."""
    for path in paths:
        earlier = json.loads(path.read_text())
        names = {result["model"] for result in results["models"]}
        results["models"] += [result for result in earlier["models"] if result["model"] not in names]
        for key in ("passed", "failed", "minutes"):
            results[key] += earlier[key]


def versions(edet):
    found = {"edet": subprocess.run([edet, "--version"], capture_output=True, text=True, check=True).stdout.strip().removeprefix("edet "),
             "ONNX": onnx.__version__, "ONNX Runtime": onnxruntime.__version__, "OpenVINO": openvino.__version__.split("-")[0]}
    trt = subprocess.run([sys.executable, "-c", "import tensorrt_rtx_libs, tensorrt_rtx_bindings as t; print(t.__version__)"], capture_output=True, text=True,
                         check=False)
    found["TensorRT-RTX"] = trt.stdout.strip() or "absent"
    return found


def machine():
    name = re.search(r"^model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return f"{name.group(1) if name else platform.machine()}, {len(os.sched_getaffinity(0))} cores"


def has_precision(edet):
    return "--precision" in subprocess.run([edet, "convert", "--help"], capture_output=True, text=True, check=True).stdout


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("edet", type=pathlib.Path)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--kinds", default=",".join(KINDS), help="values of --nms")
    parser.add_argument("--image-size", default="", help="d7x=256,d0=128: other sizes than the models' own")
    parser.add_argument("--fp16", choices=("auto", "no"), default="auto", help="auto: if edet can")
    parser.add_argument("--results", type=pathlib.Path, help="JSON file to write after each model")
    parser.add_argument("--merge", type=pathlib.Path, nargs="+", default=[], metavar="FILE.json", help="results of earlier runs for the table")
    parser.add_argument("--markdown", type=pathlib.Path, help="file whose table is made anew")
    return parser.parse_args()


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--answer":
        return answer(sys.argv[2:])
    arguments, verdict, begin = options(), Verdict(), time.monotonic()
    edet = need(arguments.edet).resolve()
    sizes = dict(pair.split("=") for pair in arguments.image_size.split(",") if pair)
    with_fp16 = arguments.fp16 == "auto" and has_precision(edet)
    results = {"date": time.strftime("%Y-%m-%d"), "machine": machine(), "versions": versions(edet), "fp16": with_fp16, "models": [],
               "passed": 0, "failed": 0, "minutes": 0}
    for model in filter(None, arguments.models.split(",")):
        with tempfile.TemporaryDirectory(prefix="edet-check-") as name:
            check = ModelCheck(edet, model, sizes.get(model), pathlib.Path(name), verdict)
            if check.make_weights():
                for precision in ("fp32", "fp16") if with_fp16 else ("fp32",):
                    for kind in arguments.kinds.split(","):
                        check.check_file(kind, precision)
            results["models"].append(check.result)
        results.update(passed=verdict.compared - verdict.failed, failed=verdict.failed, minutes=round((time.monotonic() - begin) / 60))
        if arguments.results:
            arguments.results.write_text(json.dumps(results, indent=1) + "\n")
    add_earlier(results, arguments.merge)
    if arguments.markdown:
        write_markdown(arguments.markdown, results)
    else:
        print(table(results))
    if arguments.merge and not arguments.models:
        return 1 if results["failed"] else 0
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())
