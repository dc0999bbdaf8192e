#!/usr/bin/env python3
"""Does a model of a larger or free batch find in each picture what the model of batch 1 finds in it alone?

    batches_agree.py [--dynamic] ONE.onnx BATCH.onnx GOLDEN_DIR

ONE takes one image; BATCH a fixed number, or any number (--dynamic: tried with 1, 2 and 4). The pictures are the golden photo,
its mirror images and a part of it, enlarged. ONNX Runtime and OpenVINO run both models. Heads: the same numbers up to float32
noise. Detections: the same count, and row by row the same classes, scores and boxes, in the same order; padding included. The
first column of `detections` is the place in the batch.
"""

import argparse
import sys

import golden
from golden import Verdict, need, network_pixels, np, onnx, onnxruntime, openvino

SCORE, BOX_PX = 2e-5, 2e-2
RAW = {"class_logits": 2e-3, "box_deltas": 5e-4, "boxes": 5e-2, "scores": 2e-5}


def pictures(folder):
    photo = network_pixels(folder)
    height, width = photo.shape[1:3]
    part = photo[:, : height // 2, : width // 2].repeat(2, axis=1).repeat(2, axis=2)
    return [photo, photo[:, :, ::-1], part, photo[:, ::-1]]


class OnnxRuntime:
    """Strict: a result must have the shape that the file promises."""

    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]

    def __call__(self, images):
        image = self.session.get_inputs()[0]
        return dict(zip(self.names, self.session.run(self.names, {image.name: golden.fit_layout(images, image.shape)})))


class OpenVino:
    """Reshaped to the batch that comes, as `edet run` does."""

    def __init__(self, path):
        self.path = str(path)
        self.promised = {output.name for output in onnx.load(self.path).graph.output}
        self.compiled = {}

    def __call__(self, images):
        if len(images) not in self.compiled:
            core = openvino.Core()
            model = core.read_model(self.path)
            shape = model.input(0).partial_shape
            shape[0] = len(images)
            model.reshape(shape)
            self.compiled[len(images)] = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        compiled = self.compiled[len(images)]
        result = compiled([golden.fit_layout(images, [d for d in compiled.input(0).shape])])
        return {(output.get_names() & self.promised or output.get_names()).pop(): result[output] for output in compiled.outputs}


def same_rows(verdict, what, got, alone):
    """Four tensors, or rows cut into the same; `got` and `alone` of one picture."""
    for name, tolerance in (("num", 0), ("classes", 0), ("scores", SCORE), ("boxes", BOX_PX)):
        a, b = got[name].astype(np.float64), alone[name].astype(np.float64)
        worst = float(np.max(np.abs(a - b)))
        if worst > tolerance or a.shape != b.shape:
            return verdict.check(what, False, f"{name} {worst:.2e} off")
    count = int(alone["num"])
    return verdict.check(what, count > 0, f"{count} detections")


def split(outputs, image):
    """The detections of one picture of the batch; None for heads."""
    if "detections" in outputs:
        rows = outputs["detections"][image]
        return {"num": np.array(np.sum(rows[:, 5] > 0)), "classes": rows[:, 6], "scores": rows[:, 5], "boxes": rows[:, 1:5]}
    if "num_detections" in outputs:
        return {"num": outputs["num_detections"][image, 0], "classes": outputs["detection_classes"][image],
                "scores": outputs["detection_scores"][image], "boxes": outputs["detection_boxes"][image]}
    return None


def compare(verdict, what, outputs, alone):
    """`outputs` of a batch; `alone`: the outputs of each of its pictures."""
    shapes = [verdict.check(f"{what} {name} shape", value.shape == (len(alone),) + alone[0][name].shape[1:], f"{list(value.shape)}")
              for name, value in outputs.items()]
    if not all(shapes):
        return
    for i, one in enumerate(alone):
        if "detections" in outputs:
            verdict.check(f"{what} picture {i} image_id", bool(np.all(outputs["detections"][i, :, 0] == i)))
        if split(outputs, i) is not None:
            same_rows(verdict, f"{what} picture {i}", split(outputs, i), split(one, 0))
            continue
        for name, tolerance in RAW.items():
            if name in outputs:
                verdict.close(f"{what} picture {i} {name}", outputs[name][i], one[name][0], tolerance)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("one", metavar="ONE.onnx")
    options.add_argument("batch", metavar="BATCH.onnx")
    options.add_argument("folder", metavar="GOLDEN_DIR")
    options.add_argument("--dynamic", action="store_true")
    arguments = options.parse_args()
    one, batch, folder = need(arguments.one), need(arguments.batch), need(arguments.folder)
    images, verdict = pictures(folder), Verdict()
    first = onnx.load(str(batch)).graph.input[0].type.tensor_type.shape.dim[0]
    if arguments.dynamic:
        verdict.check("the batch is free", first.dim_param == "batch", f"{first.dim_param!r}")
    sizes = (1, 2, 4) if arguments.dynamic else (first.dim_value,)
    if max(sizes) > len(images) or min(sizes) < 1:
        print(f"FAIL there are pictures for 1 to {len(images)}, the model takes {sizes}")
        return 1
    for name, engine in (("onnxruntime", OnnxRuntime), ("openvino", OpenVino)):
        single, many = engine(one), engine(batch)
        alone = [single(np.ascontiguousarray(image)) for image in images[: max(sizes)]]
        if split(alone[0], 0) is not None and len(alone) > 1:
            verdict.check(f"{name} the pictures differ", not np.array_equal(split(alone[0], 0)["boxes"], split(alone[1], 0)["boxes"]))
        for size in sizes:
            compare(verdict, f"{name} batch {size}", many(np.concatenate(images[:size])), alone[:size])
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())
