#!/usr/bin/env python3
"""Does TensorRT's builder take what follows NMS in our graphs? Its RTX form has no kernel for NMS itself (see
tensorrt_accepts.py), so the heads and the list that NMS gives, of a length known at run time only, become inputs.

    tensorrt_after_nms.py MODEL.onnx...
"""

import pathlib
import sys
import tempfile

from golden import SKIPPED, Verdict, need, onnx

try:
    import tensorrt_rtx_libs  # noqa: F401: loads the libraries that the bindings need
    import tensorrt_rtx_bindings as trt
except (ImportError, OSError) as missing:
    print(f"skipped: {missing} (scripts/test.sh installs tests/requirements-tensorrt.txt; x86_64 only)")
    sys.exit(SKIPPED)

HEADS = ("class_net/class-all_levels", "box_net/box-all_levels")


def tail(path, folder):
    """The model from the heads on, with NMS's list as an input."""
    model = onnx.shape_inference.infer_shapes(onnx.load(path))
    graph = model.graph
    nms = next(node for node in graph.node if node.op_type == "NonMaxSuppression")
    graph.node.remove(nms)
    graph.input.append(onnx.helper.make_tensor_value_info(nms.output[0], onnx.TensorProto.INT64, ["S", 3]))
    whole, cut = pathlib.Path(folder) / "whole.onnx", pathlib.Path(folder) / "tail.onnx"
    onnx.save(model, whole)
    onnx.utils.extract_model(str(whole), str(cut), [*HEADS, nms.output[0]], [output.name for output in graph.output], check_model=False)
    return cut


def profile_for(builder, network):
    profile = builder.create_optimization_profile()
    for i in range(network.num_inputs):
        tensor = network.get_input(i)
        shape = tuple(tensor.shape)
        if shape == (-1, 3):
            profile.set_shape(tensor.name, (1, 3), (200, 3), (30000, 3))
        elif -1 in shape:
            profile.set_shape(tensor.name, *[(n,) + shape[1:] for n in (1, 2, 4)])
    return profile


def judge(verdict, path, folder):
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, logger)
    parsed = parser.parse_from_file(str(tail(path, folder)))
    errors = "; ".join(str(parser.get_error(i)) for i in range(parser.num_errors))
    if not verdict.check(f"{path} is parsed", parsed, errors or f"{network.num_layers} layers"):
        return
    config = builder.create_builder_config()
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.SM89, 0)
    config.add_optimization_profile(profile_for(builder, network))
    engine = builder.build_serialized_network(network, config)
    verdict.check(f"{path} is built", bool(engine), f"{engine.nbytes} bytes" if engine else "refused")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    verdict = Verdict()
    for path in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            judge(verdict, need(path), folder)
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())
