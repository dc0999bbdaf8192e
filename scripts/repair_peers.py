#!/usr/bin/env python3
"""`edet repair` beside other programs that mend ONNX files, on the same files: who accepts what, what is left, time and memory.

    repair_peers.py --edet PROGRAM --peers BIN --judges PYTHON --golden DIR [--runs 5] [--input-shape 1x512x512x3] FILE.onnx...

BIN: the bin folder of a virtual environment with trtcheck, onnxsim, onnx-graphsurgeon, polygraphy and onnxruntime.
PYTHON: the interpreter of the judges' environment (tests/requirements.txt, tests/requirements-tensorrt.txt).
DIR: golden data whose photo the networks are shown. Prints a Markdown table. Programs run one after the other; times are medians.
Standard library only; `numbers BEFORE AFTER DIR` is what it calls in the judges' environment.
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
JUDGES = HERE.parent / "tests" / "judges"

SURGEON = (
    "import sys, onnx, onnx_graphsurgeon as gs\n"
    "graph = gs.import_onnx(onnx.load(sys.argv[1]))\n"
    "graph.fold_constants().cleanup().toposort()\n"
    "onnx.save(gs.export_onnx(graph), sys.argv[2])\n"
)


def tools(edet, peers, size):
    """Name -> command; IN and OUT are put in. `size`: the input's shape where the file leaves it open."""
    shape = [size.replace("x", ",")] if size else []
    return {
        "trtcheck": [peers / "trtcheck", "IN", "--format", "json", "--output", "OUT.json", "--force"],
        "trtcheck --fix": [peers / "trtcheck", "IN", "--fix", "--output", "OUT", "--force"],
        "onnxsim": [peers / "onnxsim", "IN", "OUT"] + [a for s in shape for a in ("--overwrite-input-shape", f"INPUT:{s}")],
        "onnx-graphsurgeon": [peers / "python", "-c", SURGEON, "IN", "OUT"],
        "polygraphy surgeon sanitize --fold-constants": [peers / "polygraphy", "surgeon", "sanitize", "--fold-constants", "IN", "-o", "OUT"]
        + [a for s in shape for a in ("--override-input-shapes", f"INPUT:[{s}]")],
        "edet repair --nms none": [edet, "repair", "IN", "-o", "OUT", "--nms", "none"],
        "edet repair": [edet, "repair", "IN", "-o", "OUT"],
        "edet repair --no-verify": [edet, "repair", "IN", "-o", "OUT", "--no-verify"],
    }


def run(command, timeout_s=120):
    """(exit code or None, seconds, peak bytes, output)"""
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        begin = time.monotonic()
        child = subprocess.Popen([str(part) for part in command], stdout=log, stderr=subprocess.STDOUT)
        timer = threading.Timer(timeout_s, child.kill)
        timer.start()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - begin
        stopped = not timer.is_alive()
        timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        return None if stopped else child.returncode, seconds, usage.ru_maxrss * 1024, log.read()


def last_line(text):
    """What it says in the end, short and without colours."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip(" │╭╰─╮╯|") for line in text.splitlines()]
    lines = [line for line in lines if line]
    return (lines[-1] if lines else "")[:110].replace("|", "/")


def judge(python, *arguments):
    done = subprocess.run([str(python), *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


def row(tool, command, file, options, folder):
    out = folder / "out.onnx"
    took, peak, code, text = [], 0, 0, ""
    for _ in range(options.runs):
        out.unlink(missing_ok=True)
        code, seconds, memory, text = run(command)
        took.append(seconds)
        peak = max(peak, memory)
        if code is None:
            break
    parsed = numbers = nodes = ""
    if out.exists():
        nodes, _ = count_nodes(options.judges, out)
        refused, said = judge(options.judges, JUDGES / "tensorrt_accepts.py", "--parse-only", out)
        reason = re.search(r"refuses it: (.*)", said)
        parsed = "yes" if refused == 0 else "no: " + (reason.group(1)[:90] if reason else last_line(said))
        numbers = judge(options.judges, __file__, "numbers", file, out, options.golden)[1].strip().splitlines()[-1]
    result = "stopped after 120 s" if code is None else f"exit code {code}"
    said = "" if code == 0 and out.exists() else last_line(text)
    cells = [tool, result + (f": {said}" if said else ""), nodes, parsed, numbers, f"{statistics.median(took):.2f} s", f"{peak >> 20} MiB"]
    print("| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |", flush=True)


def count_nodes(python, path):
    code, text = judge(python, "-c", "import onnx, sys; g = onnx.load(sys.argv[1]).graph; print(len(g.node)); i = g.input[0]; "
                       "print(i.name, all(d.dim_value for d in i.type.tensor_type.shape.dim))", path)
    lines = text.splitlines() if code == 0 else ["", ""]
    return lines[0], lines[1]


def compare_numbers(before, after, golden_dir):
    """In the judges' environment: heads or detections of both files in ONNX Runtime, on the golden photo."""
    sys.path.insert(0, str(JUDGES))
    import golden
    from golden import np, onnx, onnxruntime

    def outputs(path):
        model = onnx.load(path)
        plugin = [node for node in model.graph.node if node.op_type == "EfficientNMS_TRT"]
        names = [output.name for output in model.graph.output]
        if plugin:  # ONNX Runtime has none: its two heads are compared
            model.graph.node.remove(plugin[0])
            del model.graph.output[:]
            names = list(plugin[0].input[:2])
            model.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        image = session.get_inputs()[0]
        photo = np.clip(np.round(golden.network_pixels(pathlib.Path(golden_dir))), 0, 255)
        photo = photo.astype(np.uint8 if "uint8" in image.type else np.float32)
        photo = golden.fit_layout(photo, image.shape if isinstance(image.shape[3], int) else [1, 0, 0, 3])
        return dict(zip(names, session.run(names, {image.name: photo})))

    def by_size(values):
        return {value.shape[-1]: value for value in values.values()}

    a, b = by_size(outputs(before)), by_size(outputs(after))
    if 7 in a and 7 in b:
        left, rows = list(b[7].reshape(-1, 7)), a[7].reshape(-1, 7)
        found = 0
        for one in rows:
            near = [i for i, other in enumerate(left) if one[6] == other[6] and abs(one[5] - other[5]) < 1e-3
                    and np.max(np.abs(one[1:5] - other[1:5])) <= 1e-3 * max(512, np.max(np.abs(one[1:5])))]
            if near:
                del left[near[0]]
                found += 1
        return f"{found} of {len(rows)} detections the same"
    common = sorted(set(a) & set(b) - {100})
    if not common:
        return "other outputs"
    worst = max(float(np.max(np.abs(a[k].astype(np.float64) - b[k])) / np.max(np.abs(a[k]))) for k in common)
    return f"heads {worst:.1e} of the largest value off"


def main():
    if sys.argv[1:2] == ["numbers"]:
        try:
            print(compare_numbers(*sys.argv[2:5]))
        except Exception as error:  # noqa: BLE001: whatever it is, it is the answer
            print("does not run: " + str(error).splitlines()[0][:80])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--edet", "--peers", "--judges", "--golden"):
        parser.add_argument(name, required=True, type=pathlib.Path)
    parser.add_argument("--input-shape", default="", metavar="1x512x512x3", help="told to those who want it, where a file leaves it open")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    for file in options.files:
        nodes, image = count_nodes(options.judges, file)
        name, fixed = image.split() if image else ("", "True")
        size = options.input_shape if fixed == "False" else ""
        print(f"\n### {file.name} ({nodes or 'unreadable'} nodes)\n\n| program | result | nodes after | TensorRT-RTX parses it | numbers | time | peak memory |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            words = {"IN": str(file), "OUT": str(folder / "out.onnx"), "OUT.json": str(folder / "out.json")}
            for tool, command in tools(options.edet, options.peers, size).items():
                row(tool, [words.get(str(part), str(part).replace("INPUT", name)) for part in command], file, options, folder)


if __name__ == "__main__":
    main()
