#!/usr/bin/env python3
"""Is an ONNX file valid by ONNX's own checker and strict shape inference, and is it of the form that we promise?

    onnx_is_valid.py [--plugin] [--promises] [--lean | --not-lean] MODEL.onnx...

--plugin: the file may hold EfficientNMS_TRT, which the checker does not know; the rest of the graph is judged.
--promises: also what the converter promises: float image input, free batch or 1, every initialiser used, no weight in double.
--lean: nothing that costs time without computing: no BatchNormalization, no Identity, no arithmetic on shapes, no Transpose
but those of the layout. The network is NCHW within; the input becomes that once, and each head's output of each level becomes
AutoML's order of anchors (level, y, x, anchor) once. --not-lean: the files must be refused for the lack of it (a control).
"""

import argparse
import sys

from golden import Verdict, need, onnx

PLUGIN = "EfficientNMS_TRT"


def without_plugin(model):
    """The graph up to the plugin, whose inputs become the outputs."""
    plugins = [node for node in model.graph.node if node.op_type == PLUGIN]
    graph = onnx.ModelProto()
    graph.CopyFrom(model)
    constants = {tensor.name for tensor in graph.graph.initializer}
    kept = [node for node in graph.graph.node if node.op_type != PLUGIN]
    del graph.graph.node[:], graph.graph.output[:]
    graph.graph.node.extend(kept)
    names = [name for node in plugins for name in node.input if name not in constants]
    graph.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    inferred = {value.name: value for value in onnx.shape_inference.infer_shapes(graph).graph.value_info}
    del graph.graph.output[:]
    graph.graph.output.extend(inferred[name] for name in names)
    return graph


def complaint(call):
    """The text of what a checker raises, empty if it raises nothing."""
    try:
        call()
    except Exception as error:  # noqa: BLE001: every kind of refusal is the same verdict
        return str(error).strip() or type(error).__name__
    return ""


NOT_LEAN = {"BatchNormalization", "Identity", "Dropout", "Shape", "Size", "ConstantOfShape", "Constant", "Unsqueeze", "Squeeze",
            "Expand", "Tile", "Range"}
TO_NCHW, TO_NHWC = [0, 3, 1, 2], [0, 2, 3, 1]


def reachable(nodes, seeds, forward):
    """Indices of the nodes that the seeds lead to (or come from), the seeds left out."""
    makers = {name: i for i, node in enumerate(nodes) for name in node.output}
    users = {}
    for i, node in enumerate(nodes):
        for name in node.input:
            users.setdefault(name, []).append(i)
    found, todo = set(), list(seeds)
    while todo:
        node = nodes[todo.pop()]
        near = [i for name in node.output for i in users.get(name, [])] if forward else [makers[name] for name in node.input if name in makers]
        todo += [i for i in near if i not in found]
        found.update(near)
    return found


def transposes(graph):
    """Counts of the Transposes: of the input, of the heads' outputs, of scores after the network, and those between convolutions."""
    nodes = list(graph.node)
    convolutions = [i for i, node in enumerate(nodes) if node.op_type == "Conv"]
    after, before = reachable(nodes, convolutions, True), reachable(nodes, convolutions, False)
    # The convolutions that no other one follows: one for each head and level.
    counts = {"predictions": len(set(convolutions) - before), "input": 0, "heads": 0, "scores": 0, "between": 0}
    for i, node in enumerate(nodes):
        if node.op_type != "Transpose":
            continue
        order = list(next(a for a in node.attribute if a.name == "perm").ints)
        if i in after and i in before:
            counts["between"] += 1
        elif i in after:
            counts["heads" if order == TO_NHWC else "scores"] += 1
        else:
            counts["input"] += order == TO_NCHW
    return counts


def lean_complaints(model):
    """What is in the graph that computes nothing, as sentences."""
    graph = model.graph
    found = [f"{sum(node.op_type == kind for node in graph.node)} {kind}" for kind in sorted({node.op_type for node in graph.node} & NOT_LEAN)]
    counts = transposes(graph)
    if counts["between"] or counts["input"] > 1 or counts["scores"] > 1 or counts["heads"] != counts["predictions"]:
        found.append(f"Transposes {counts}")
    return found


def judge_promises(verdict, path, model):
    graph = model.graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    used = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    types = {value.type.tensor_type.elem_type for value in inputs}
    verdict.check(f"{path} one FLOAT input", len(inputs) == 1 and types == {onnx.TensorProto.FLOAT}, f"{[v.name for v in inputs]}")
    unused = sorted(constants - used)
    verdict.check(f"{path} every initialiser is used", not unused, ", ".join(unused[:5]))
    doubles = [t.name for t in graph.initializer if t.data_type == onnx.TensorProto.DOUBLE]
    verdict.check(f"{path} no weight in double", not doubles, ", ".join(doubles[:5]))
    ranks = {value.name: len(value.type.tensor_type.shape.dim) for value in graph.output}
    verdict.check(f"{path} every output has a batch dimension", all(rank >= 2 for rank in ranks.values()), f"ranks {ranks}")
    outside = [t.name for t in graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
    verdict.check(f"{path} weights inside the file", not outside, ", ".join(outside[:5]))


def judge(verdict, path, arguments):
    error = complaint(lambda: onnx.load(path))
    if not verdict.check(f"{path} loads", not error, error):
        return
    model = onnx.load(path)
    plugins = sum(node.op_type == PLUGIN for node in model.graph.node)
    if arguments.plugin:
        verdict.check(f"{path} holds one {PLUGIN}", plugins == 1, f"{plugins}")
    checked = without_plugin(model) if arguments.plugin and plugins else model
    error = complaint(lambda: onnx.checker.check_model(checked, full_check=False))
    verdict.check(f"{path} ONNX checker", not error, error)
    error = complaint(lambda: onnx.shape_inference.infer_shapes(checked, check_type=True, strict_mode=True))
    verdict.check(f"{path} strict shape inference", not error, error)
    if arguments.promises:
        judge_promises(verdict, path, model)
    if arguments.lean or arguments.not_lean:
        found = lean_complaints(model)
        verdict.check(f"{path} lean" + (", refused as it must be" if arguments.not_lean else ""), bool(found) == arguments.not_lean,
                      ", ".join(found) or f"{len(model.graph.node)} nodes")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("models", nargs="+", metavar="MODEL.onnx")
    options.add_argument("--plugin", action="store_true")
    options.add_argument("--promises", action="store_true")
    options.add_argument("--lean", action="store_true")
    options.add_argument("--not-lean", action="store_true")
    arguments = options.parse_args()
    verdict = Verdict()
    for model in arguments.models:
        judge(verdict, need(model), arguments)
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())
