"""What the judges share: golden data, engines that run an ONNX file, and a verdict to collect findings in."""

import pathlib
import sys

SKIPPED = 77  # CTest's SKIP_RETURN_CODE

try:
    import numpy as np
    import onnx
    import onnxruntime
    import openvino
except ImportError as missing:
    print(f"skipped: {missing} (scripts/test.sh installs tests/requirements.txt into build/test-venv)")
    sys.exit(SKIPPED)

# The pixel that normalises to 0 and the divisor, per channel, in 0..255. AutoML: ImageNet's for d0..d7x, 127 and 128 for lite.
IMAGENET = (np.array([0.485, 0.456, 0.406]) * 255, np.array([0.229, 0.224, 0.225]) * 255)
LITE = (np.full(3, 127.0), np.full(3, 128.0))
LEVELS = range(3, 8)


def need(path):
    """The path, or the end of the test as skipped where it is absent."""
    path = pathlib.Path(path)
    if not path.exists():
        print(f"skipped: no such file or folder: {path}")
        sys.exit(SKIPPED)
    return path


def network_pixels(folder):
    """The golden input [1,H,W,3] as our models take it: RGB 0..255, not yet normalised."""
    normalised = np.load(folder / "golden_input_nhwc_f32.npy").astype(np.float64)
    zero, divisor = LITE if folder.name.startswith("lite") else IMAGENET
    return (normalised * divisor + zero).astype(np.float32)


def fit_layout(nhwc, shape):
    """The picture in the layout that the model's input asks for: NHWC or NCHW."""
    if shape[3] == 3:
        return nhwc
    if shape[1] == 3:
        return np.ascontiguousarray(nhwc.transpose(0, 3, 1, 2))
    raise ValueError(f"input shape {shape} is neither NHWC nor NCHW")


def run_onnxruntime(path, nhwc):
    """Outputs by name from ONNX Runtime without its approximate kernels (ORT_ENABLE_BASIC)."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    image = session.get_inputs()[0]
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {image.name: fit_layout(nhwc, image.shape)})))


def run_openvino(path, nhwc):
    """Outputs by name from OpenVINO's CPU plugin in f32 (its default is bf16 on many machines)."""
    core = openvino.Core()
    model = core.read_model(str(path))
    shape = [d.get_length() if d.is_static else -1 for d in model.input(0).partial_shape]
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    result = compiled([fit_layout(nhwc, shape)])
    # A tensor of OpenVINO has several names; the one that the ONNX file promises is wanted.
    promised = {output.name for output in onnx.load(str(path)).graph.output}
    return {(output.get_names() & promised or output.get_names()).pop(): result[output] for output in compiled.outputs}


ENGINES = {"onnxruntime": run_onnxruntime, "openvino": run_openvino}


class Verdict:
    """Collects comparisons, prints each, and gives the exit code."""

    def __init__(self):
        self.failed = 0
        self.compared = 0

    def check(self, what, good, detail=""):
        self.compared += 1
        self.failed += not good
        print(f"{'ok  ' if good else 'FAIL'} {what}{': ' if detail else ''}{detail}")
        return good

    def close(self, what, got, expected, tolerance):
        """Every value within the tolerance; a NaN or another shape never is."""
        if got.shape != expected.shape:
            return self.check(what, False, f"shape {list(got.shape)}, expected {list(expected.shape)}")
        if got.size == 0:
            return self.check(what, False, "nothing to compare")
        worst = float(np.max(np.abs(got.astype(np.float64) - expected)))
        return self.check(what, worst <= tolerance, f"{worst:.2e} off at most, {tolerance:.0e} allowed, {got.size} values")

    def exit_code(self):
        print(f"{self.compared - self.failed} passed, {self.failed} failed")
        return 1 if self.failed or not self.compared else 0
