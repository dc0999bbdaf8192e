#!/usr/bin/env python3
"""Converts the cases that make_cases.py made and compares the heads with AutoML's own.

    compare_cases.py EDET CASES

ONNX Runtime (ORT_ENABLE_BASIC) and OpenVINO (f32) run the converted model on the very pixels that AutoML had. The --hparams
string and AutoML's config.yaml must give the same file. Every value must be within 1e-3 of the standard deviation of its head; anchors are counted. Run it with the Python of build/test-venv.
"""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "judges"))
from golden import ENGINES, Verdict, np  # noqa: E402

TOLERANCE = 1e-3


def heads(folder, kind, width):
    levels = sorted(folder.glob(f"{kind}_*.npy"), key=lambda path: int(path.stem.split("_")[1]))
    return np.concatenate([np.load(path).reshape(1, -1, width) for path in levels], 1)


def convert(edet, folder, hparams, output):
    case = json.loads((folder / "case.json").read_text())
    command = [edet, "-q", "convert", folder / "checkpoint", "--model", case["model"], "--weights", case.get("weights", "auto"), "--hparams", hparams, "--nms", "none", "-o", output]
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)


def compare(edet, folder, verdict):
    run = convert(edet, folder, folder / "config.yaml", folder / "converted")
    if not verdict.check(f"{folder.name} converts", run.returncode == 0, run.stderr.strip()):
        return
    hparams = json.loads((folder / "case.json").read_text())["hparams"]
    if hparams is not None:
        run = convert(edet, folder, hparams, folder / "by_string")
        files = [folder / way / "model.onnx" for way in ("converted", "by_string")]
        same = run.returncode == 0 and files[0].read_bytes() == files[1].read_bytes()
        verdict.check(f"{folder.name} is the same by string and by config.yaml", same, run.stderr.strip())
    anchors = len(np.load(folder / "anchors.npy"))
    first = sorted(folder.glob("box_*.npy"))[0]
    classes = np.load(folder / first.name.replace("box", "cls")).shape[-1] // (np.load(first).shape[-1] // 4)
    expected = {"class_logits": heads(folder, "cls", classes), "box_deltas": heads(folder, "box", 4)}
    image = np.load(folder / "input.npy")
    for name, engine in ENGINES.items():
        # Anchors that are not the default stand in the tensor's name: box_deltas__a3.
        got = {output.split("__")[0]: value for output, value in engine(folder / "converted" / "model.onnx", image).items()}
        verdict.check(f"{folder.name} {name} anchors", got["box_deltas"].shape[1] == anchors, f"{anchors}")
        for output, values in expected.items():
            spread = float(values.std())
            verdict.close(f"{folder.name} {name} {output} (in standard deviations)", got[output] / spread, values / spread, TOLERANCE)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    verdict = Verdict()
    for folder in sorted(path.parent for path in pathlib.Path(sys.argv[2]).glob("*/case.json")):
        compare(sys.argv[1], folder, verdict)
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())
