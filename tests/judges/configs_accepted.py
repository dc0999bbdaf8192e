#!/usr/bin/env python3
"""Do DeepStream's own parsers take what `edet convert` wrote, without a warning and with the values that were meant?

    configs_accepted.py NVINFER_JUDGE FOLDER...
"""

import json
import os
import subprocess
import sys


def ask(judge, mode, path):
    """(what the parser holds, everything else that it printed)."""
    answer = subprocess.run([judge, mode, path], capture_output=True, text=True, check=False)
    lines = answer.stdout.splitlines()
    begin = next((i for i, line in enumerate(lines) if line.startswith("{")), len(lines))
    held = json.loads("\n".join(lines[begin:]) or "{}")
    return held, "\n".join(lines[:begin]) + answer.stderr


def wrong_values(folder, infer, app):
    with open(os.path.join(folder, "edet.json")) as file:
        record = json.load(file)
    size, model = record["model"]["image_size"], record["model"]
    full = os.path.realpath(folder)
    expected = {
        "onnx-file": os.path.join(full, "model.onnx"),
        "labelfile-path": os.path.join(full, "labels.txt"),
        "custom-lib-path": os.path.join(full, "libnvdsinfer_efficientdet.so"),
        "parse-bbox-func-name": "NvDsInferParseEfficientDet",
        "num-detected-classes": model["num_classes"],
        "net-scale-factor": 1,
        "model-color-format": 0,
        "network-input-order": 1 if record["onnx"]["layout"] == "nhwc" else 0,
        "infer-dims": [3, size["height"], size["width"]],
        "maintain-aspect-ratio": 1,
        "symmetric-padding": 0,
        "scaling-filter": 1,
        "cluster-mode": 4,
        "crop-objects-to-roi-boundary": 1,
        "output-blob-names": record["onnx"]["outputs"],
        "batch-size": 1 if record["onnx"]["batch"] == "dynamic" else record["onnx"]["batch"],
    }
    wrong = [f"{key} is {infer.get(key)!r}, not {value!r}" for key, value in expected.items() if infer.get(key) != value]
    if len(infer.get("classes", [])) != model["num_classes"]:
        wrong.append("not every class has its thresholds")
    if os.path.realpath(app["primary-gie"]["config-file"]) != os.path.join(full, "config_infer_primary.txt"):
        wrong.append(f"config-file is {app['primary-gie']['config-file']!r}")
    if [sink["type"] for sink in app["sinks"]] != [3] or len(app["sources"]) != 1:
        wrong.append("not one source and one file")
    return wrong


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    judge, folders = sys.argv[1], sys.argv[2:]
    for needed in (judge, *folders):
        if not os.path.exists(needed):
            print(f"skipped: no such file or folder: {needed}")
            return 77
    failed = 0
    for folder in folders:
        infer, infer_words = ask(judge, "infer", os.path.join(folder, "config_infer_primary.txt"))
        app, app_words = ask(judge, "app", os.path.join(folder, "deepstream_app.txt"))
        accepted = infer.get("accepted") and app.get("accepted")
        wrong = wrong_values(folder, infer, app) if accepted else ["refused"]
        wrong += [f"said: {line}" for line in (infer_words + app_words).splitlines() if line.strip()]
        failed += bool(wrong)
        print(f"{'FAIL' if wrong else 'ok  '} {folder}", *wrong, sep="\n     ")
    print(f"{len(folders) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
