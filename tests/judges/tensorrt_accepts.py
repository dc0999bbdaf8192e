#!/usr/bin/env python3
"""Do TensorRT's own parser and builder accept an ONNX file? Asked on the CPU: building needs no GPU once it is told which.

    tensorrt_accepts.py [--parse-only] [--strongly-typed] MODEL.onnx...
    tensorrt_accepts.py --refuses TEXT MODEL.onnx...    it must refuse them with an error that holds TEXT

TensorRT-RTX has no EfficientNMS_TRT: files with the plugin are not for this judge. Its parser takes NonMaxSuppression
(INMSLayer), its builder has no kernel for it ("no runners that implement it"): such a network is parsed whole and built
up to the inputs of NMS.
"""

import argparse
import sys

from golden import SKIPPED, need

try:
    import tensorrt_rtx_libs  # noqa: F401: loads the libraries that the bindings need
    import tensorrt_rtx_bindings as trt
except (ImportError, OSError) as missing:
    print(f"skipped: {missing} (scripts/test.sh installs tests/requirements-tensorrt.txt; x86_64 only)")
    sys.exit(SKIPPED)


def parse(path, logger, strongly_typed=False):
    """(builder, network, errors): the parser's own words for each thing that it refuses."""
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED) if strongly_typed else 0)
    parser = trt.OnnxParser(network, logger)
    if parser.parse_from_file(str(path)):
        return builder, network, []
    return builder, network, [str(parser.get_error(i)) for i in range(parser.num_errors)] or ["refused without a reason"]


def cut_before_nms(network):
    """Makes the inputs of an NMS layer the network's outputs; what follows is dead then. True if there was one."""
    layers = [network.get_layer(i) for i in range(network.num_layers)]
    nms = [layer for layer in layers if layer.type == trt.LayerType.NMS]
    if nms:
        for output in [network.get_output(i) for i in range(network.num_outputs)]:
            network.unmark_output(output)
        for tensor in {layer.get_input(i).name: layer.get_input(i) for layer in nms for i in (0, 1)}.values():
            network.mark_output(tensor)
    return bool(nms)


def add_profile(builder, config, network):
    """TensorRT wants to know the range of a free batch dimension."""
    for i in range(network.num_inputs):
        image = network.get_input(i)
        shape = tuple(image.shape)
        if -1 not in shape:
            continue
        if -1 in shape[1:]:
            raise ValueError(f"input {image.name} {shape}: only the batch dimension may be free")
        profile = builder.create_optimization_profile()
        profile.set_shape(image.name, (1,) + shape[1:], (1,) + shape[1:], (4,) + shape[1:])
        config.add_optimization_profile(profile)


def build(builder, network):
    """Size of the engine in bytes, 0 if the builder refused."""
    config = builder.create_builder_config()
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.SM89, 0)
    add_profile(builder, config, network)
    engine = builder.build_serialized_network(network, config)
    return engine.nbytes if engine else 0


def accepts(path, arguments):
    logger = trt.Logger(trt.Logger.ERROR)
    builder, network, errors = parse(path, logger, arguments.strongly_typed)
    if errors:
        print(f"FAIL {path}: the parser refuses it: " + "; ".join(errors))
        return False
    print(f"ok   {path}: {network.num_layers} layers, inputs " +
          ", ".join(f"{network.get_input(i).name} {tuple(network.get_input(i).shape)}" for i in range(network.num_inputs)))
    if arguments.parse_only:
        return True
    cut = " up to the inputs of NMS" if cut_before_nms(network) else ""
    size = build(builder, network)
    print(f"ok   {path}: engine{cut} of {size} bytes" if size else f"FAIL {path}: the builder refuses it (its reasons are above)")
    return size > 0


def refuses(path, arguments):
    errors = parse(path, trt.Logger(trt.Logger.INTERNAL_ERROR))[2]
    good = any(arguments.refuses in error for error in errors)
    print(f"{'ok  ' if good else 'FAIL'} {path}: " + ("; ".join(errors) or "accepted, but it should be refused"))
    return good


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("models", nargs="+", metavar="MODEL.onnx")
    options.add_argument("--parse-only", action="store_true", help="do not build an engine (seconds instead of a minute)")
    options.add_argument("--strongly-typed", action="store_true", help="the model's own types decide, as always in TensorRT 11")
    options.add_argument("--refuses", metavar="TEXT", help="the files must be refused with an error that holds TEXT")
    arguments = options.parse_args()
    judge = accepts if arguments.refuses is None else refuses
    print(f"TensorRT-RTX {trt.__version__}")
    good = [judge(need(model), arguments) for model in arguments.models]
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
