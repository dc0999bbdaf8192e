#!/usr/bin/env python3
"""Makes fuzz/seeds/onnx/: small graphs with the forms that the repairs look for (needs Python's onnx and numpy, as the judges do)."""

import pathlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SEEDS = pathlib.Path(__file__).resolve().parent / "seeds" / "onnx"


def constant(name, values, dtype=np.int64):
    return numpy_helper.from_array(np.array(values, dtype=dtype), name)


def write(name, nodes, inputs, outputs, constants, opset):
    graph = helper.make_graph(nodes, name, inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)
    SEEDS.mkdir(parents=True, exist_ok=True)
    (SEEDS / name).write_bytes(model.SerializeToString(deterministic=True))


def image(kind=TensorProto.UINT8, shape=(1, None, None, 3)):
    return helper.make_tensor_value_info("image", kind, shape)


def output(name="y", kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, None)


def padded_picture():
    nodes = [helper.make_node("Cast", ["image"], ["x"], to=1), helper.make_node("Shape", ["x"], ["shape"]),
             helper.make_node("Slice", ["shape", "one", "three"], ["size"]), helper.make_node("Sub", ["most", "size"], ["missing"]),
             helper.make_node("Concat", ["head", "missing", "tail"], ["pads"], axis=0), helper.make_node("Pad", ["x", "pads"], ["padded"]),
             helper.make_node("Transpose", ["padded"], ["nchw"], perm=[0, 3, 1, 2]),
             helper.make_node("Conv", ["nchw", "w"], ["conv"], auto_pad="SAME_UPPER", strides=[2, 2]),
             helper.make_node("BatchNormalization", ["conv", "g", "g", "g", "g"], ["y"])]
    constants = [constant("one", [1]), constant("three", [3]), constant("most", [16, 24]), constant("head", [0] * 5), constant("tail", [0]),
                 constant("w", np.ones((2, 3, 3, 3)), np.float32), constant("g", [1, 2], np.float32)]
    write("padded_picture", nodes, [image()], [output()], constants, 13)


def old_forms():
    nodes = [helper.make_node("Upsample", ["image", "scales"], ["up"], mode="nearest"), helper.make_node("Slice", ["up"], ["s"], starts=[0], ends=[1], axes=[0]),
             helper.make_node("Squeeze", ["s"], ["q"], axes=[0]), helper.make_node("Clip", ["q"], ["c"], min=0.0, max=6.0),
             helper.make_node("Split", ["c"], ["a", "b"], axis=2, split=[1, 2]), helper.make_node("TopK", ["a", "k"], ["y", "i"], axis=0)]
    constants = [constant("scales", [1, 2, 2, 1], np.float32), constant("k", [1])]
    write("old_forms", nodes, [image(TensorProto.FLOAT, (1, 4, 4, 3))], [output()], constants, 9)


def tail(decoder):
    """Two heads over two anchors, and the NMS behind them."""
    nodes = [helper.make_node("Concat", ["l", "l"], ["logits"], axis=1), helper.make_node("Concat", ["d", "d"], ["deltas"], axis=1),
             helper.make_node("Reshape", ["image", "as_logits"], ["l"]), helper.make_node("Reshape", ["image", "as_deltas"], ["d"]),
             *decoder,
             helper.make_node("ReduceMax", ["logits"], ["best"], axes=[2], keepdims=0), helper.make_node("Sigmoid", ["best"], ["s"]),
             helper.make_node("Unsqueeze", ["s", "axis"], ["scores"]),
             helper.make_node("NonMaxSuppression", ["boxes", "scores", "most", "iou", "low"], ["y"])]
    constants = [constant("as_logits", [1, 3, 4]), constant("as_deltas", [1, 3, 4]), constant("axis", [1]), constant("most", [10]),
                 constant("iou", [0.5], np.float32), constant("low", [0.4], np.float32), constant("size", np.full((1, 6, 2), 8), np.float32),
                 constant("half", np.full((1, 6, 2), 4), np.float32), constant("parts", [2, 2])]
    return nodes, constants


def detector():
    decoder = [helper.make_node("Split", ["deltas", "parts"], ["shift", "growth"], axis=2), helper.make_node("Mul", ["shift", "size"], ["centre"]),
               helper.make_node("Exp", ["growth"], ["grown"]), helper.make_node("Mul", ["grown", "half"], ["reach"]),
               helper.make_node("Sub", ["centre", "reach"], ["low_corner"]), helper.make_node("Add", ["centre", "reach"], ["high_corner"]),
               helper.make_node("Concat", ["low_corner", "high_corner"], ["boxes"], axis=2)]
    nodes, constants = tail(decoder)
    write("detector", nodes, [image(TensorProto.FLOAT, (1, 2, 2, 3))], [output(kind=TensorProto.INT64)], constants, 13)


def bodies():
    """Branches of an If with operators whose forms changed between opsets."""
    inner = [helper.make_node("Squeeze", ["picked"], ["flat"], axes=[0]), helper.make_node("Clip", ["flat"], ["b"], min=0.0, max=6.0)]
    inner.insert(0, helper.make_node("Slice", ["image"], ["picked"], starts=[0], ends=[1], axes=[0]))
    body = helper.make_graph(inner, "body", [], [output("b")])
    nodes = [helper.make_node("If", ["c"], ["y"], name="choice", then_branch=body, else_branch=body)]
    write("bodies", nodes, [image(TensorProto.FLOAT, (1, 4, 4, 3))], [output()], [constant("c", True, np.bool_)], 9)


def main():
    padded_picture()
    bodies()
    old_forms()
    detector()


if __name__ == "__main__":
    main()
