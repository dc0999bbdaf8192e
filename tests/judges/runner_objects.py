#!/usr/bin/env python3
"""usage: runner_objects.py EDET JUDGE APP_FOLDER VIDEO

Runs `edet run` with changed nvinfer keys, keeps the output tensors of 20 frames, and has NVIDIA's own
post-processing (nvinfer_judge objects) work on the very same tensors. Classes must be equal, scores within
1e-5, boxes within 0.01 px, in network pixels and in frame pixels. Exit code 0: all equal.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

VARIANTS = [
    {"cluster-mode": "4", "maintain-aspect-ratio": "0"},
    {"cluster-mode": "4", "maintain-aspect-ratio": "1"},
    {"cluster-mode": "2", "maintain-aspect-ratio": "1", "symmetric-padding": "1"},
    {"cluster-mode": "2", "maintain-aspect-ratio": "0", "scaling-filter": "0"},
    {"cluster-mode": "4", "maintain-aspect-ratio": "1", "symmetric-padding": "1", "crop-objects-to-roi-boundary": "1"},
]


def changed(text, keys):
    for key in keys:
        text = re.sub(rf"(?m)^{key}=.*\n", "", text)
    lines = "".join(f"{key}={value}\n" for key, value in keys.items())
    return text.replace("[property]\n", "[property]\n" + lines, 1)


def differences(ours, theirs, space):
    if len(ours) != len(theirs):
        return [f"{space}: {len(ours)} objects here, {len(theirs)} there"]
    found = []
    for i, (a, b) in enumerate(zip(ours, theirs)):
        apart = max(abs(a[k] - b[k]) for k in ("left", "top", "width", "height"))
        if a["class"] != b["class"] or abs(a["score"] - b["confidence"]) > 1e-5 or apart > 0.01:
            found.append(f"{space} object {i}: {a} / {b}")
    return found


def run_variant(edet, judge, folder, video, keys, work):
    for name in os.listdir(folder):  # copied: through a link, paths would be resolved in the original's folder
        source = os.path.join(folder, name)
        if os.path.isfile(source) and name != "config_infer_primary.txt":
            shutil.copy(source, os.path.join(work, name))
    config = os.path.join(work, "config_infer_primary.txt")
    with open(os.path.join(folder, "config_infer_primary.txt")) as original, open(config, "w") as copy:
        copy.write(changed(original.read(), keys))
    dump = os.path.join(work, "dump")
    subprocess.run([edet, "-q", "run", work, video, "--no-video", "--frames", "20", "--dump-tensors", dump,
                    "--kitti", os.path.join(work, "kitti")], check=True, cwd=work)
    compared, wrong = 0, []
    frames = sorted(name for name in os.listdir(dump) if name.endswith("_LAYERS"))
    for layers in frames:
        with open(os.path.join(dump, layers.replace("_LAYERS", "_objects.json"))) as file:
            ours = json.load(file)
        sizes = ["{}x{}".format(*ours[key]) for key in ("network_size", "frame_size")]
        answer = subprocess.run([judge, "objects", config, layers] + sizes, cwd=dump, check=True, capture_output=True)
        theirs = json.loads(answer.stdout)
        compared += len(theirs["frame"])
        for space in ("network", "frame"):
            wrong += [f"{layers} {line}" for line in differences(ours[space], theirs[space], space)]
    return len(frames), compared, wrong


def main():
    edet, judge, folder, video = (os.path.abspath(argument) for argument in sys.argv[1:5])
    for needed in (judge, folder, video):
        if not os.path.exists(needed):
            print(f"skipped: no such file or folder: {needed}")
            return 77
    failed = False
    for keys in VARIANTS:
        with tempfile.TemporaryDirectory() as work:
            frames, compared, wrong = run_variant(edet, judge, folder, video, keys, work)
        print(f"{keys}: {frames} frames, {compared} objects on frames, {len(wrong)} differences")
        failed = failed or bool(wrong) or frames < 20 or compared == 0
        for line in wrong[:5]:
            print("  " + line)
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(main())
