#!/usr/bin/env python3
"""Is an ONNX file valid by ONNX's own checker and strict shape inference, and is it of the form that we promise?

    onnx_is_valid.py [--plugin] [--promises] MODEL.onnx...

--plugin: the file may hold EfficientNMS_TRT, which the checker does not know; the rest of the graph is judged.
--promises: also what the converter promises: float image input, free batch or 1, every initialiser used, no weight in double.
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


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("models", nargs="+", metavar="MODEL.onnx")
    options.add_argument("--plugin", action="store_true")
    options.add_argument("--promises", action="store_true")
    arguments = options.parse_args()
    verdict = Verdict()
    for model in arguments.models:
        judge(verdict, need(model), arguments)
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())
