#!/usr/bin/env python3
"""All 15 models for six platforms: are the configs of `edet convert` and `edet config new` accepted, lint clean, and for DeepStream 9.1
taken by its own parsers?

    configs_family.py EDET [--judge NVINFER_JUDGE] [--proto FOLDER] [--models d0,lite0] [--targets orin-jp6] [--run VIDEO]

From generated weights, at each model's own size; files are deleted as it goes (D7x: 300 MB). For the night. --run: a frame of the
video by `edet run`.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from config_new import CASES, encode, judge_case, make_device_files


MODELS = [f"d{i}" for i in range(8)] + ["d7x", "lite0", "lite1", "lite2", "lite3", "lite3x", "lite4"]
TARGETS = ["xavier-jp4.4", "xavier-jp4.6", "xavier-jp5", "orin-jp6", "dgpu-6.2", "dgpu-7.1", "dgpu-9.1"]


def say(edet, *arguments):
    done = subprocess.run([edet, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, (done.stderr if done.returncode else done.stdout).strip()


def options_for(target, name, options):
    """The case's options as far as that DeepStream has them; the library of this machine is none for a Jetson."""
    old = target in ("xavier-jp4.4", "xavier-jp4.6")
    if old and name == "mqtt" or target == "dgpu-6.2" and name == "mqtt" or target == "xavier-jp4.4" and name == "redis":
        return None
    if old and "nvsort" in options:
        options = [word if word != "nvsort" else "iou" for word in options]
    library = [] if target.startswith("dgpu") else ["--library", "/opt/nvidia/deepstream/deepstream/lib/libnvdsinfer_efficientdet.so"]
    return [*options, *library, *([] if old else ["--yaml"])]


def version(text):
    return [int(part) for part in text.split(".")]


def load_keys(name):
    file = pathlib.Path(__file__).parents[2] / "src" / "deepstream" / "keys" / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8"))["groups"]


TABLES = {"config_infer_primary.txt": load_keys("nvinfer_keys"), "deepstream_app.txt": load_keys("deepstream_app_keys"),
          "deepstream_app_server.txt": load_keys("deepstream_app_keys")}


def group_keys(table, group):
    for spec in table:
        rest = group[len(spec["name"]):]
        if group == spec["name"] or group.startswith(spec["name"]) and (spec["match"] == "prefix" or spec["match"] == "indexed" and rest.isdigit()):
            return {key["key"]: key for key in spec["keys"]}
    return None


def unknown_keys(folder, deepstream):
    """Keys that this version of DeepStream does not know."""
    faults = []
    for name, table in TABLES.items():
        keys = {}
        for line in pathlib.Path(folder, name).read_text(encoding="utf-8").splitlines():
            if line.startswith("["):
                group, keys = line, group_keys(table, line[1:-1])
            elif line and not line.startswith("#"):
                spec = (keys or {}).get(line.split("=")[0])
                known = spec and version(spec["since"]) <= version(deepstream) <= version(spec.get("until", "1000"))
                faults += [] if known else [f"{name} {group}: DeepStream {deepstream} does not know {line}"]
    return faults


def lint(edet, target, folder):
    """Findings of `edet config lint`, where this build has it."""
    if "\n  lint" not in say(edet, "config", "--help")[1]:
        return []
    names = [name for name in ("deepstream_app.txt", "deepstream_app.yml", "deepstream_app_server.txt") if os.path.exists(os.path.join(folder, name))]
    done = subprocess.run([edet, "config", "lint", *[os.path.join(folder, name) for name in names], "--target", target, "--fail-on", "warning"],
                          capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [f"lint: {done.stdout[:1500]}{done.stderr}"]


def check_target(arguments, target, model, top):
    faults = []
    for name, (options, expected) in CASES.items():
        chosen = options_for(target, name, options)
        if chosen is None:
            continue
        folder = os.path.join(top, name)
        os.makedirs(folder, exist_ok=True)
        make_device_files(folder)
        code, words = say(arguments.edet, "config", "new", model, "--target", target, "-o", folder, "--server", "--json", *chosen)
        if code != 0:
            faults.append(f"{name}: {words}")
            continue
        faults += [f"{name}: {fault}" for fault in unknown_keys(folder, json.loads(words)["deepstream"])]
        faults += [f"{name}: {fault}" for fault in lint(arguments.edet, target, folder)]
        if target == "dgpu-9.1" and arguments.judge:
            faults += [f"{name}: {fault}" for fault in judge_case(arguments.judge, folder, expected)]
        if target == "dgpu-9.1" and arguments.proto:
            faults += encode(arguments.proto, "nvdsinferserver_plugin.proto", "nvdsinferserver.config.PluginControl",
                             os.path.join(folder, "config_infer_server.txt"))
    return faults


def run(arguments, model, top):
    code, words = say(arguments.edet, "run", os.path.join(model, "deepstream_app.txt"), arguments.run, "--frames", "1", "-o",
                      os.path.join(top, "run"))
    return [] if code == 0 else [f"run: {words}"]


def check_model(arguments, name, target, top):
    weights, model = os.path.join(top, "weights"), os.path.join(top, "model")
    code, words = say(arguments.edet, "convert", weights, "--model", name, "--target", target, "-o", model)
    if code != 0:
        return [words]
    faults = check_target(arguments, target, model, top)
    if arguments.run:
        faults += run(arguments, model, top)
    shutil.rmtree(model)
    return faults


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("edet")
    for option in ("--judge", "--proto", "--run"):
        parser.add_argument(option, default="")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--targets", default=",".join(TARGETS))
    arguments = parser.parse_args()
    failed = passed = 0
    for name in arguments.models.split(","):
        with tempfile.TemporaryDirectory() as top:
            code, words = say(arguments.edet, "untrained", "--model", name, "--seed", "1", "-o", os.path.join(top, "weights"))
            for target in arguments.targets.split(","):
                faults = [words] if code != 0 else check_model(arguments, name, target, top)
                failed, passed = failed + bool(faults), passed + (not faults)
                print(f"{'FAIL' if faults else 'ok  '} {name} {target}", *faults, sep="\n     ", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
