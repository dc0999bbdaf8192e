#!/usr/bin/env python3
"""What TensorRT's own parser says of small graphs, beside `edet check`: agreements, false alarms, misses.

    check_corpus.py EDET [--markdown] [--only-files] [MODEL.onnx ...]

The graphs cover the operators, types and forms that the rules are about; files named on the command line are asked as well. TensorRT-RTX stands
for the newest TensorRT; what older versions refuse can be asked nowhere here. Exit code 1 for a miss or a false alarm that is not in KNOWN.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from golden import SKIPPED, need, np, onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper

try:
    import tensorrt_rtx_libs  # noqa: F401: loads the libraries that the bindings need
    import tensorrt_rtx_bindings as trt
except (ImportError, OSError) as missing:
    print(f"skipped: {missing} (scripts/test.sh installs tests/requirements-tensorrt.txt; x86_64 only)")
    sys.exit(SKIPPED)

TARGET = "dgpu-9.1"
# Where the rules and the parser are known to differ, and why.
KNOWN = {"op NonZero": "TensorRT-RTX lacks the plugin that does it in TensorRT",
         "EfficientNMS_TRT": "TensorRT-RTX has no plugins of this kind", "d0_nvidia_nhwc.onnx": "holds EfficientNMS_TRT"}


def model(nodes, inputs=None, outputs=None, constants=None, opset=13, **other):
    """A model of a float image [1,8,8,3] unless said otherwise; outputs are float tensors of unknown shape."""
    inputs = [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in (inputs or [("x", T.FLOAT, [1, 8, 8, 3])])]
    outputs = [helper.make_tensor_value_info(name, kind, None) for name, kind in (outputs or [("y", T.FLOAT)])]
    tensors = [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, tensors)
    domains = [helper.make_opsetid("", opset)] + [helper.make_opsetid(domain, 1) for domain in other.get("domains", [])]
    made = helper.make_model(graph, opset_imports=domains, ir_version=7 if opset < 19 else 9, producer_name="corpus")
    for function in other.get("functions", []):
        made.functions.append(function)
    return made


def node(op, inputs, outputs=("y",), **attributes):
    return helper.make_node(op, list(inputs), list(outputs), name=f"n_{op}", **attributes)


def i64(*values):
    return np.array(values, np.int64)


def f32(*values):
    return np.array(values, np.float32)


def computed(name, value, kind=T.INT64):
    """Nodes that compute a constant vector from the input's shape, so that nothing can fold it without knowing the shape."""
    return [helper.make_node("Shape", ["x"], [name + "_s"]), helper.make_node("Mul", [name + "_s", name + "_0"], [name + "_z"]),
            helper.make_node("Slice", [name + "_z", name + "_b", name + "_e"], [name + "_c"]),
            helper.make_node("Add", [name + "_c", name + "_v"], [name + "_i"]),
            helper.make_node("Cast", [name + "_i"], [name], to=kind)], {
                name + "_0": i64(0), name + "_b": i64(0), name + "_e": i64(len(value)), name + "_v": i64(*value)}


def from_run(name, count):
    """Nodes whose values only the run tells: data of the picture."""
    return [helper.make_node("ReduceMax", ["x"], [name + "_m"], axes=[0, 1, 2, 3], keepdims=0), helper.make_node("Cast", [name + "_m"], [name + "_i"], to=T.INT64),
            helper.make_node("Expand", [name + "_i", name + "_n"], [name])], {name + "_n": i64(count)}


def plain_operators():
    for op in ("Abs", "Ceil", "Erf", "Exp", "Floor", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Neg", "Relu", "Sigmoid", "Softplus", "Sqrt",
               "Tanh", "Softmax", "Round", "Sign", "GlobalAveragePool", "Celu", "Elu", "Selu", "Mish"):
        yield f"op {op}", model([node(op, ["x"])], opset={"HardSwish": 14, "Mish": 18}.get(op, 13))
    for op in ("Det", "NonZero", "Unique", "Compress", "Bernoulli", "StringNormalizer", "MaxUnpool", "Col2Im"):
        inputs = ["x", "c"] if op == "Compress" else ["x"]
        constants = {"c": np.array([True])} if op == "Compress" else {}
        kind = T.INT64 if op == "NonZero" else T.FLOAT
        yield f"op {op}", model([node(op, inputs)], outputs=[("y", kind)], constants=constants, opset=18 if op == "Col2Im" else 15)


def sizes():
    for label, make in (("constant", lambda name, value: ([], {name: i64(*value)})), ("from shape", computed),
                        ("from run", lambda name, value: from_run(name, len(value)))):
        before, constants = make("p", [0, 1, 1, 0, 0, 1, 1, 0][:4] * 2 if label == "from run" else [0, 1, 1, 0, 0, 1, 1, 0]) if label != "from shape" else computed("p", [0, 1, 1, 0])
        if label == "from shape":
            before, constants = before + [helper.make_node("Concat", ["p", "p"], ["p8"], axis=0)], constants
        yield f"Pad pads {label}", model(before + [node("Pad", ["x", "p8" if label == "from shape" else "p"])], constants=constants)
        before, constants = make("k", [4])
        yield f"TopK K {label}", model(before + [node("TopK", ["x", "k"], ["y", "i"], axis=2)], constants=constants)
        before, constants = make("s", [1, 8, 8, 3])
        yield f"Reshape shape {label}", model(before + [node("Reshape", ["x", "s"])], constants=constants)
        before, constants = make("s", [1, 16, 16, 3])
        yield f"Resize sizes {label}", model(before + [node("Resize", ["x", "", "", "s"], mode="nearest")], constants=constants)
        before, constants = make("e", [1, 4, 4, 3])
        constants = {**constants, "b": i64(0, 0, 0, 0)}
        yield f"Slice ends {label}", model(before + [node("Slice", ["x", "b", "e"])], constants=constants)
        before, constants = make("a", [0])
        yield f"ReduceSum axes {label}", model(before + [node("ReduceSum", ["x", "a"])], constants=constants)
        before, constants = make("a", [0])
        yield f"Squeeze axes {label}", model(before + [node("Squeeze", ["x", "a"])], constants=constants)
        before, constants = make("r", [1, 2, 2, 1])
        yield f"Tile repeats {label}", model(before + [node("Tile", ["x", "r"])], constants=constants)
    yield "Upsample", model([node("Upsample", ["x", "s"], mode="nearest")], constants={"s": f32(1, 2, 2, 1)}, opset=9)
    for opset in (7, 8, 9, 11, 17, 18, 19, 20, 21, 22, 23):
        yield f"opset {opset}", model([node("Relu", ["x"])], opset=opset)
    for mode in ("half_pixel", "asymmetric", "align_corners", "tf_half_pixel_for_nn", "tf_crop_and_resize", "pytorch_half_pixel"):
        roi = f32(0, 0, 0, 0, 1, 1, 1, 1)
        yield f"Resize {mode}", model([node("Resize", ["x", "r", "s"], mode="nearest", coordinate_transformation_mode=mode)],
                                      constants={"r": roi, "s": f32(1, 2, 2, 1)}, opset=11 if mode == "tf_half_pixel_for_nn" else 13)
    yield "Resize cubic", model([node("Resize", ["x", "", "s"], mode="cubic")], constants={"s": f32(1, 2, 2, 1)})
    yield "Resize antialias", model([node("Resize", ["x", "", "s"], mode="linear", antialias=1)], constants={"s": f32(1, 0.5, 0.5, 1)}, opset=18)
    for mode in ("constant", "reflect", "edge", "wrap"):
        yield f"Pad {mode}", model([node("Pad", ["x", "p"], mode=mode)], constants={"p": i64(0, 1, 1, 0, 0, 1, 1, 0)}, opset=19)


def types():
    for kind in ("UINT8", "INT8", "INT16", "UINT16", "INT32", "INT64", "UINT32", "UINT64", "FLOAT16", "DOUBLE", "BOOL", "STRING", "BFLOAT16"):
        if kind != "STRING":
            yield f"input {kind}, cast", model([node("Cast", ["x"], to=T.FLOAT)], inputs=[("x", getattr(T, kind), [1, 8, 8, 3])])
            yield f"cast to {kind} and back", model([node("Cast", ["x"], ["c"], to=getattr(T, kind)), helper.make_node("Cast", ["c"], ["y"], to=T.FLOAT)])
    yield "input UINT8, transposed", model([helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]), node("Cast", ["t"], to=T.FLOAT)], inputs=[("x", T.UINT8, [1, 8, 8, 3])])
    yield "input UINT8, sliced", model([helper.make_node("Shape", ["x"], ["s"]), node("Cast", ["x"], ["f"], to=T.FLOAT), helper.make_node("Reshape", ["f", "s"], ["y"])], inputs=[("x", T.UINT8, [1, 8, 8, 3])])
    yield "input STRING", model([node("Identity", ["x"])], inputs=[("x", T.STRING, [1])], outputs=[("y", T.STRING)])
    yield "double arithmetic", model([node("Cast", ["x"], ["d"], to=T.DOUBLE), helper.make_node("Mul", ["d", "k"], ["m"]), helper.make_node("Cast", ["m"], ["y"], to=T.FLOAT)],
                                     constants={"k": np.array([2.0])})
    yield "uint8 constant", model([node("Cast", ["k"], ["c"], to=T.FLOAT), helper.make_node("Add", ["x", "c"], ["y"])], constants={"k": np.array([2], np.uint8)})
    yield "int16 constant", model([node("Cast", ["k"], ["c"], to=T.FLOAT), helper.make_node("Add", ["x", "c"], ["y"])], constants={"k": np.array([2], np.int16)})
    yield "string constant", model([helper.make_node("Constant", [], ["k"], value=helper.make_tensor("k", T.STRING, [1], [b"a"])), node("Relu", ["x"])])


def structures():
    boxes = [("b", T.FLOAT, [1, 20, 4]), ("s", T.FLOAT, [1, 3, 20])]
    nms = {"m": i64(5), "i": f32(0.5), "t": f32(0.1)}
    yield "NMS constant thresholds", model([node("NonMaxSuppression", ["b", "s", "m", "i", "t"])], boxes, [("y", T.INT64)], nms)
    yield "EfficientNMS_TRT", model([node("EfficientNMS_TRT", ["b", "s2"], ["n", "y", "sc", "c"], plugin_version="1", background_class=-1, max_output_boxes=5, score_threshold=0.1,
                                          iou_threshold=0.5, score_activation=0, box_coding=1)],
                                    [("b", T.FLOAT, [1, 20, 4]), ("s2", T.FLOAT, [1, 20, 3])], [("y", T.FLOAT)])
    yield "unknown operator", model([node("MyOwn", ["x"])])
    yield "com.microsoft", model([node("Gelu", ["x"], domain="com.microsoft")], domains=["com.microsoft"])
    yield "com.microsoft FusedConv", model([node("FusedConv", ["x", "w"], domain="com.microsoft")], constants={"w": np.ones((2, 8, 1, 1), np.float32)}, domains=["com.microsoft"])
    body = helper.make_graph([helper.make_node("Relu", ["x"], ["r"])], "t", [], [helper.make_tensor_value_info("r", T.FLOAT, None)])
    other = helper.make_graph([helper.make_node("Neg", ["x"], ["q"])], "e", [], [helper.make_tensor_value_info("q", T.FLOAT, None)])
    yield "If on data", model([helper.make_node("ReduceMax", ["x"], ["m"], axes=[0, 1, 2, 3], keepdims=0), helper.make_node("Greater", ["m", "z"], ["c"]),
                               node("If", ["c"], then_branch=body, else_branch=other)], constants={"z": np.array(0, np.float32)})
    loop = helper.make_graph([helper.make_node("Identity", ["c_in"], ["c_out"]), helper.make_node("Relu", ["v_in"], ["v_out"])], "l",
                             [helper.make_tensor_value_info("it", T.INT64, []), helper.make_tensor_value_info("c_in", T.BOOL, []), helper.make_tensor_value_info("v_in", T.FLOAT, [1, 8, 8, 3])],
                             [helper.make_tensor_value_info("c_out", T.BOOL, []), helper.make_tensor_value_info("v_out", T.FLOAT, [1, 8, 8, 3])])
    yield "Loop", model([node("Loop", ["n", "", "x"], body=loop)], constants={"n": np.array(3, np.int64)})
    yield "sequence", model([node("SequenceConstruct", ["x", "x"], ["q"]), helper.make_node("SequenceAt", ["q", "i"], ["y"])], constants={"i": np.array(0, np.int64)})
    function = helper.make_function("own", "Twice", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])], [helper.make_opsetid("", 13)])
    yield "local function", model([node("Twice", ["x"], domain="own")], domains=["own"], functions=[function])
    function = helper.make_function("own", "Picture", ["a"], ["b"], [node("DecodeJpeg", ["a"], ["b"])], [helper.make_opsetid("", 13)])
    yield "local function of an unknown operator", model([node("Picture", ["x"], domain="own")], domains=["own"], functions=[function])
    gone = numpy_helper.from_array(np.ones(1, np.float32), "k")
    gone.ClearField("raw_data")
    gone.data_location = T.EXTERNAL
    gone.external_data.add(key="location", value="gone.bin")
    yield "Constant with its weights missing", model([node("Constant", [], ["k"], value=gone), helper.make_node("Add", ["x", "k"], ["y"])])
    yield "dynamic batch", model([node("Relu", ["x"])], inputs=[("x", T.FLOAT, ["N", 8, 8, 3])])
    yield "dynamic size", model([node("Relu", ["x"])], inputs=[("x", T.FLOAT, [1, "H", "W", 3])])
    yield "MaxPool with indices", model([node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 1])])
    yield "AveragePool dilations", model([node("AveragePool", ["x"], kernel_shape=[2, 1], dilations=[2, 1])], opset=19)
    yield "MaxPool dilations", model([node("MaxPool", ["x"], kernel_shape=[2, 1], dilations=[2, 1])])
    yield "ScatterND reduction", model([node("ScatterND", ["x", "i", "u"], reduction="add")], constants={"i": np.zeros((1, 4), np.int64), "u": f32(1)}, opset=16)
    yield "no name, twice the same name", model([helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Relu", ["a"], ["b"], name="r"), helper.make_node("Relu", ["b"], ["y"], name="r")])
    yield "BatchNormalization in training", model([node("BatchNormalization", ["x", "a", "a", "a", "a"], ["y", "m", "v"], training_mode=1)],
                                                  constants={"a": np.ones(8, np.float32)}, opset=15)
    yield "QLinearConv", model([node("QuantizeLinear", ["x", "s", "z"], ["q"]), node("QLinearConv", ["q", "s", "z", "w", "s", "z", "s", "z"], ["o"]), helper.make_node("DequantizeLinear", ["o", "s", "z"], ["y"])],
                               constants={"s": np.array(0.1, np.float32), "z": np.array(0, np.int8), "w": np.ones((2, 8, 1, 1), np.int8)})
    yield "QuantizeLinear zero point", model([node("QuantizeLinear", ["x", "s", "z"], ["q"]), helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"])],
                                             constants={"s": np.array(0.1, np.float32), "z": np.array(3, np.int8)})
    yield "QuantizeLinear uint8", model([node("QuantizeLinear", ["x", "s", "z"], ["q"]), helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"])],
                                        constants={"s": np.array(0.1, np.float32), "z": np.array(0, np.uint8)})


def refused(path):
    """The parser's words, empty where it takes the file."""
    logger = trt.Logger(trt.Logger.INTERNAL_ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(0)  # must outlive the parser
    parser = trt.OnnxParser(network, logger)
    if parser.parse_from_file(str(path)):
        return ""
    return parser.get_error(0).desc().replace("\n", " ") if parser.num_errors else "refused without a reason"


def asked(edet, path):
    """Rules of level error that are about the parser."""
    done = subprocess.run([edet, "check", str(path), "--target", TARGET, "--json", "--fail-on", "never"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return [f"exit {done.returncode}: {done.stderr.strip()}"]
    return sorted({found["rule"] for found in json.loads(done.stdout)["findings"] if found["severity"] == "error" and found["stage"] == "parser"})


def repeats_the_parser(edet, good, bad):
    """--with-tensorrt says what the parser says."""
    faults = []
    for path, rule, code in ((good, "tensorrt-takes", 0), (bad, "tensorrt-refuses", 1)):
        done = subprocess.run([edet, "check", str(path), "--target", TARGET, "--json", "--with-tensorrt", "--python", sys.executable], capture_output=True,
                              text=True, check=False)
        found = json.loads(done.stdout)["findings"] if done.stdout else []
        if done.returncode != code or rule not in {one["rule"] for one in found}:
            faults.append(f"--with-tensorrt: exit {done.returncode}, no {rule}: {done.stderr}")
    absent = subprocess.run([edet, "check", str(good), "--target", TARGET, "--with-tensorrt", "--python", "/nowhere/python"], capture_output=True, text=True,
                            check=False)
    if absent.returncode != 4 or absent.stderr.count("\n") != 1:
        faults.append(f"--with-tensorrt without Python: exit {absent.returncode}: {absent.stderr}")
    return faults


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("edet")
    parser.add_argument("files", nargs="*")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--only-files", action="store_true")
    arguments = parser.parse_intermixed_args()
    rows = []
    with tempfile.TemporaryDirectory() as top:
        folder = pathlib.Path(top)
        graphs = [] if arguments.only_files else [*plain_operators(), *sizes(), *types(), *structures()]
        cases = [(name, folder / f"{index}.onnx") for index, (name, _) in enumerate(graphs)]
        for (_, path), (_, graph) in zip(cases, graphs):
            path.write_bytes(graph.SerializeToString())
        for name, path in cases + [(pathlib.Path(file).name if "golden" in file else "/".join(pathlib.Path(file).parts[-2:]), need(file)) for file in arguments.files]:
            rows.append((name, refused(path), asked(arguments.edet, path)))
        wrong_words = repeats_the_parser(arguments.edet, cases[0][1], cases[23][1]) if cases else []
    wrong = [row for row in rows if bool(row[1]) != bool(row[2]) and row[0] not in KNOWN]
    if arguments.markdown:
        print("| graph | TensorRT-RTX's parser | edet check |\n| --- | --- | --- |")
        for name, words, rules in rows:
            remark = f" ({KNOWN[name]})" if name in KNOWN else ""
            print(f"| {name} | {'refuses' if words else 'takes it'}{remark} | {', '.join(rules) or 'takes it'} |")
    for name, words, rules in wrong:
        print(f"FAIL {name}: {'false alarm of ' + ', '.join(rules) if rules else 'missed: ' + words[:200]}")
    for fault in wrong_words:
        print(f"FAIL {fault}")
    for name in [row[0] for row in rows if row[0] in KNOWN]:
        print(f"known {name}: {KNOWN[name]}")
    both = sum(bool(row[1]) and bool(row[2]) for row in rows)
    print(f"{len(rows)} graphs: {both} refused by both, {sum(not row[1] and not row[2] for row in rows)} taken by both, "
          f"{sum(not row[1] and bool(row[2]) for row in rows)} false alarms, {sum(bool(row[1]) and not row[2] for row in rows)} misses")
    return 1 if wrong or wrong_words else 0


if __name__ == "__main__":
    sys.exit(main())
