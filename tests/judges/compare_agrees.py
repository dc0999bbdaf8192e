#!/usr/bin/env python3
"""Does `edet compare` tell the truth? Its figures against ONNX Runtime's, and the place of known damage.

    compare_agrees.py EDET GOLDEN_DIR

A weight of one convolution, and then a bias of the class head, is changed in the export of create_onnx.py. `edet compare` must find
that convolution, from the same exporter's file and from tf2onnx's; the differences that it tells (of the heads and of that tensor, on
the golden photo) must be those that ONNX Runtime computes. The checkpoint itself must agree with both exports.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import golden
from golden import Verdict, need, np, onnx, onnxruntime

TOLERANCE = 1e-3  # of a tensor's largest value


def compare(edet, *arguments):
    """(exit code, report)"""
    run = subprocess.run([edet, "compare", *map(str, arguments), "--json"], capture_output=True, text=True, timeout=300, check=False)
    if not run.stdout:
        sys.exit(f"edet compare: {run.stderr.strip()}")
    return run.returncode, json.loads(run.stdout)


def convolutions(model):
    return [node for node in model.graph.node if node.op_type == "Conv"]


def damaged(path, node, which, change, folder):
    """A copy in which change(values) altered an input of a node, in place."""
    model = onnx.load(str(path))
    for tensor in model.graph.initializer:
        if tensor.name == node.input[which]:
            values = onnx.numpy_helper.to_array(tensor).copy()
            change(values.reshape(-1))
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    copy = folder / f"damaged_{which}.onnx"
    onnx.save(model, str(copy))
    return copy


def run_up_to(path, photo, names):
    """ONNX Runtime's values of tensors within; the plugin, which it has not, is left out."""
    model = onnx.load(str(path))
    kept = [node for node in model.graph.node if node.op_type != "EfficientNMS_TRT"]
    del model.graph.node[:], model.graph.output[:]
    model.graph.node.extend(kept)
    model.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return dict(zip(names, session.run(names, {session.get_inputs()[0].name: photo})))


def check_figures(verdict, what, told, a, b):
    a, b = a.astype(np.float64).reshape(-1), b.astype(np.float64).reshape(-1)
    largest = np.max(np.abs(a))
    truth = {
        "values": a.size,
        "largest": largest,
        "max_abs": np.max(np.abs(a - b)),
        "mean_abs": np.mean(np.abs(a - b)),
        "max_relative": np.max(np.abs(a - b)) / largest,
        "cosine": a @ b / np.linalg.norm(a) / np.linalg.norm(b),
    }
    for name, value in truth.items():
        unit = 1.0 if name in ("cosine", "max_relative", "values") else largest
        verdict.check(f"{what}: {name}", abs(told[name] - value) <= TOLERANCE * unit, f"edet {told[name]:.6g}, ONNX Runtime {value:.6g}")


def hit(first, node, nodes):
    """Whether it names the node, or another that reads the same weights: damage of these shows in all at once."""
    readers = {other.name for other in nodes if set(other.input[1:]) & set(node.input[1:])}
    return first.get("node_a") in readers


def check_damage(verdict, edet, files, damage, folder, photo):
    original, other = files
    node, which, change = damage
    nodes = convolutions(onnx.load(str(original)))
    spoilt = damaged(original, node, which, change, folder)
    array = folder / "photo.npy"
    np.save(array, photo)
    code, report = compare(edet, original, spoilt, "--input", array)
    first = (report.get("parting") or {}).get("first") or {}
    verdict.check(f"{node.name}: exit code", code == 1, str(code))
    verdict.check(f"{node.name}: found", hit(first, node, nodes) and not first["is_input"], str(first.get("node_a")))
    names = {tensor["name"]: tensor["a"] for tensor in report["tensors"] if tensor["name"] in ("class_logits", "box_deltas")}
    wanted = sorted({*names.values(), first["a"]})
    a, b = run_up_to(original, photo, wanted), run_up_to(spoilt, photo, wanted)
    for tensor in report["tensors"]:
        if tensor["name"] in names:
            check_figures(verdict, tensor["name"], tensor, a[tensor["a"]], b[tensor["a"]])
    check_figures(verdict, "where they part", first, a[first["a"]], b[first["a"]])
    code, report = compare(edet, spoilt, other, "--input", array)
    first = (report.get("parting") or {}).get("first") or {}
    verdict.check(f"{node.name}: found across exporters", code == 1 and hit(first, node, nodes), str(first.get("node_a")))
    return first


def main():
    edet, folder = need(sys.argv[1]), need(sys.argv[2])
    original, other, checkpoint = need(folder / "d0_nvidia_nhwc.onnx"), need(folder / "d0_tf2onnx_raw.onnx"), need(folder / "ckpt_tf1")
    verdict = Verdict()
    photo = np.clip(np.round(golden.network_pixels(folder)), 0, 255).astype(np.float32)
    nodes = convolutions(onnx.load(str(original)))
    head = next(node for node in nodes if "class-predict" in node.name and len(node.input) > 2)

    def weight(values):
        values[values.size // 2] += 2.0

    def bias(values):
        values += 20.0

    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        for node in (nodes[60], nodes[120]):
            check_damage(verdict, edet, (original, other), (node, 1, weight), scratch, photo)
        first = check_damage(verdict, edet, (original, other), (head, 2, bias), scratch, photo)
        verdict.check("a bias of the class head: block", "class" in first.get("block", ""), first.get("block", ""))
        array = scratch / "photo.npy"
        np.save(array, photo)
        for partner, options in ((other, ["--nms", "rows"]), (original, ["--nms", "plugin", "--nms-semantics", "per-class"])):
            code, report = compare(edet, checkpoint, partner, "--input", array, *options)
            verdict.check(f"the checkpoint and {partner.name}", code == 0 and report["good"], f"exit code {code}")
            detections = report["detections"]
            verdict.check("  detections", detections["matched"] == detections["in_a"] == detections["in_b"] > 0, str(detections["matched"]))
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())
