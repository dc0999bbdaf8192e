#!/usr/bin/env python3
"""Do DeepStream's own parsers take what `edet config new` writes, without a warning, with the values that were meant, and do INI and YAML
say the same to them? And nvinferserver's protobuf definition?

    config_new.py EDET NVINFER_JUDGE PROTO_FOLDER MODEL_FOLDER...

The judge is DeepStream 9.1: configs are made for dgpu-9.1.
"""

import os
import subprocess
import sys
import tempfile

from configs_accepted import ask

# Options, and what the application must hold then.
CASES = {
    "plain": ([], {"sinks": [3], "sources": [2]}),
    "live": (["--sources", "rtsp://camera/1", "usb:0", "--sink", "rtsp"], {"sinks": [4], "sources": [4, 1], "live-source": 1}),
    "shown": (["--sources", "file:///videos/a b.mp4", "--sink", "display", "--tracker", "nvdcf"], {"sinks": [2], "sources": [2]}),
    "messages": (["--sources", "5", "--sink", "fake", "kafka", "--broker", "10.0.0.9:9092"], {"sinks": [1, 6], "sources": [2] * 5}),
    "mqtt": (["--sink", "mqtt", "file", "--tracker", "iou", "--frame-size", "1280x720"], {"sinks": [6, 3], "sources": [2]}),
    "redis": (["--sink", "redis", "--precision", "fp32", "--kitti", "kitti"], {"sinks": [6], "sources": [2]}),
    "int8": (["--precision", "int8", "--calibration", "calibration.bin", "--tracker", "nvsort"], {"sinks": [3], "sources": [2]}),
}


def write(edet, model, output, options):
    command = [edet, "config", "new", model, "--target", "dgpu-9.1", "--yaml", "-o", output, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"edet says {done.returncode}: {done.stderr.strip()}"


def differences(ini, yaml, path=""):
    """Where two judged values part; the name of the nvinfer config is told apart by its suffix only."""
    if isinstance(ini, dict) and isinstance(yaml, dict):
        keys = sorted(set(ini) | set(yaml))
        return [line for key in keys for line in differences(ini.get(key), yaml.get(key), f"{path}.{key}")]
    if isinstance(ini, list) and isinstance(yaml, list) and len(ini) == len(yaml):
        return [line for i, pair in enumerate(zip(ini, yaml)) for line in differences(*pair, f"{path}[{i}]")]
    if path.endswith("config-file") and str(ini).endswith(".txt"):
        ini = str(ini)[: -len(".txt")] + ".yml"
    # The reader of YAML ends a tracker's list of files with a ';', that of INI does not for one file.
    if path.endswith("ll-config-file") and yaml:
        yaml = yaml.rstrip(";")
    # A source without a URI has none in INI and an empty one in a column of the table. Paths of the device are not there on this machine:
    # the reader of YAML cuts them where they stop existing.
    cut = any(folder in str(ini) for folder in ("/opt/nvidia/", "/videos/")) and str(ini).startswith(str(yaml))
    same = ini == yaml or cut or (path.endswith(".uri") and not ini and not yaml)
    return [] if same else [f"{path}: INI {ini!r}, YAML {yaml!r}"]


def app_faults(app, expected):
    held = {
        "sinks": [sink["type"] for sink in app["sinks"]],
        "sources": [source["type"] for source in app["sources"]],
        "live-source": app["streammux"]["live-source"],
    }
    return [f"{key} is {held[key]}, not {value}" for key, value in expected.items() if held[key] != value]


def judge_case(judge, folder, expected):
    faults, held = [], {}
    for name in ("config_infer_primary.txt", "config_infer_primary.yml", "deepstream_app.txt", "deepstream_app.yml"):
        mode = "infer" if name.startswith("config") else "app"
        held[name], words = ask(judge, mode, os.path.join(folder, name))
        if not held[name].get("accepted"):
            return [f"{name} is refused: {words.strip()[:300]}"]
        faults += [f"{name} is warned about: {line}" for line in words.splitlines() if line.strip()]
    faults += differences(held["config_infer_primary.txt"], held["config_infer_primary.yml"])
    faults += differences(held["deepstream_app.txt"], held["deepstream_app.yml"])
    faults += app_faults(held["deepstream_app.txt"], expected)
    return faults


def encode(proto_folder, file, message, config):
    with open(config, "rb") as stream:
        done = subprocess.run(["protoc", f"--encode={message}", "-I", proto_folder, file], stdin=stream, capture_output=True, check=False)
    return [] if done.returncode == 0 and done.stdout else [f"{os.path.basename(config)}: {done.stderr.decode().strip()[:300]}"]


def judge_server(edet, proto_folder, model, folder):
    fault = write(edet, model, folder, ["--server"])
    if fault:
        return [fault]
    return encode(proto_folder, "nvdsinferserver_plugin.proto", "nvdsinferserver.config.PluginControl",
                  os.path.join(folder, "config_infer_server.txt"))


def make_device_files(folder):
    """The judge cuts paths in YAML where they stop existing: what the configs name must be there."""
    for name in ("calibration.bin",):
        with open(os.path.join(folder, name), "w", encoding="utf-8"):
            pass
    os.makedirs(os.path.join(folder, "kitti"), exist_ok=True)


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    edet, judge, proto_folder, models = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    for needed in (edet, judge, proto_folder, *models):
        if not os.path.exists(needed):
            print(f"skipped: no such file or folder: {needed}")
            return 77
    failed = passed = 0
    with tempfile.TemporaryDirectory() as top:
        for model in models:
            for name, (options, expected) in CASES.items():
                folder = os.path.join(top, os.path.basename(model), name)
                os.makedirs(folder)
                make_device_files(folder)
                fault = write(edet, model, folder, options)
                faults = [fault] if fault else judge_case(judge, folder, expected)
                failed, passed = failed + bool(faults), passed + (not faults)
                print(f"{'FAIL' if faults else 'ok  '} {os.path.basename(model)} {name}", *faults, sep="\n     ")
            faults = judge_server(edet, proto_folder, model, os.path.join(top, os.path.basename(model), "server"))
            failed, passed = failed + bool(faults), passed + (not faults)
            print(f"{'FAIL' if faults else 'ok  '} {os.path.basename(model)} server", *faults, sep="\n     ")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
