#!/usr/bin/env python3
"""A judge that accepts everything judges nothing: spoils one weight of a model by 1% and asks a judge, which must refuse.

    must_refuse.py [--as-it-is] JUDGE.py MODEL.onnx [the judge's further arguments]

--as-it-is: the model is not spoilt; what it is compared with is another's.
"""

import pathlib
import subprocess
import sys
import tempfile

from golden import SKIPPED, need, np, onnx


def spoil(model):
    """Scales the largest weight tensor of the first convolution that has one."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Conv" and node.input[1] in weights:
            tensor = weights[node.input[1]]
            values = onnx.numpy_helper.to_array(tensor)
            tensor.CopyFrom(onnx.numpy_helper.from_array((values * 1.01).astype(values.dtype), tensor.name))
            return node.name or node.output[0]
    raise ValueError("no convolution with constant weights")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    as_it_is = sys.argv[1] == "--as-it-is"
    judge, path, *rest = sys.argv[2 if as_it_is else 1 :]
    model = onnx.load(need(path))
    if not as_it_is:
        print(f"weights of {spoil(model)} scaled by 1.01")
    with tempfile.TemporaryDirectory() as folder:
        spoilt = pathlib.Path(folder) / "spoilt.onnx"
        onnx.save(model, spoilt)
        answer = subprocess.run([sys.executable, judge, spoilt, *rest], check=False).returncode
    print({0: "FAIL: the judge accepted it", 1: "ok: refused, as it must be"}.get(answer, f"the judge answered {answer}"))
    return {0: 1, 1: 0, SKIPPED: SKIPPED}.get(answer, 1)


if __name__ == "__main__":
    sys.exit(main())
