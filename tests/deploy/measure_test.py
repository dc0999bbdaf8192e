#!/usr/bin/env python3
"""`edet deploy --run` on stand-ins for L4T 32.7, 35.4 and 36.4: platforms, engines, power modes, what is measured, and
whether the detections are those of this machine.

    measure_test.py --edet PROGRAM --work FOLDER [--debian11 FOLDER]
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import arm
import device

FINDINGS, ENVIRONMENT = 1, 4
TARGETS = {"32.7": "xavier-jp4.6", "35.4": "xavier-jp5", "36.4": "orin-jp6"}
ENGINE = "model.onnx_b1_gpu0_fp16.engine"
STREET = arm.SOURCE / "models/street"


def run(*command):
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)


class OnStandIns(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.base = pathlib.Path(tempfile.mkdtemp(prefix="edet-measure-"))
        cls.addClassCleanup(shutil.rmtree, cls.base)
        cls.launcher = arm.launcher(OPTIONS.debian11)
        cls.library = arm.build_library(OPTIONS.work / "aarch64")
        cls.bundles = {}
        for release, target in TARGETS.items():
            cls.bundles[release] = cls.bundle(arm.convert(OPTIONS.edet, cls.base / target, target=target), target)

    @classmethod
    def bundle(cls, model, target, name=None):
        path = cls.base / f"{name or target}.tar"
        run(OPTIONS.edet, "-q", "bundle", model, "--target", target, "--parser-library", cls.library, "-o", path)
        return path

    def stand_in(self, release="35.4"):
        it = device.Device(self.launcher, release=release)
        self.addCleanup(it.close)
        return it

    def deploy(self, it, bundle, *arguments, code=0):
        command = [OPTIONS.edet, "deploy", bundle, "device", "--json", "--ssh-config", it.config, *arguments]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        report = json.loads(done.stdout)
        report["message"] = done.stderr
        return report

    def steps(self, report, name):
        return [step for step in report["steps"] if step["step"] == name]

    def step(self, report, name):
        return self.steps(report, name)[-1]

    def mode(self, it):
        path = it.folder / "mode"
        return path.read_text().strip() if path.exists() else "3"

    def test_every_platform(self):
        memory = {"32.7": ("GPU", 465), "35.4": ("GPU", 465), "36.4": ("VDD_GPU_SOC", 3193)}
        versions = {"32.7": ("6.0.1", "8.2.1", "10.2", "2.27"), "35.4": ("6.3.0", "8.5.2", "11.4", "2.31"), "36.4": ("7.1.0", "10.3.0.30", "12.5", "2.35")}
        for release, target in TARGETS.items():
            with self.subTest(release=release):
                it = self.stand_in(release)
                for other in TARGETS:
                    if other == release:
                        continue
                    message = self.deploy(it, self.bundles[other], code=FINDINGS)["message"]
                    self.assertIn(target, message)
                    self.assertEqual(arm.tree(it.home), {})
                report = self.deploy(it, self.bundles[release], "--run")
                facts = self.step(report, "platform")["facts"]
                self.assertEqual(tuple(facts[key] for key in ("deepstream", "tensorrt", "cuda", "glibc")), versions[release])
                self.assertEqual(facts["trtexec"], str(it.folder / "usr/src/tensorrt/bin/trtexec"))
                self.assertNotIn("warning", [step["state"] for step in report["steps"]])
                self.assertEqual(self.step(report, "engine")["facts"]["with"], "deepstream-app")
                measured = self.step(report, "measure")["facts"]
                self.assertEqual((measured["fps"], measured["interval_fps"]["count"], measured["frames"]), (30.12, 2, 2))
                # The first frame's latency is that of a decoder without time stamps: left out.
                self.assertEqual((measured["frame_latency_ms"]["count"], measured["frame_latency_ms"]["max"]), (2, 41.5))
                self.assertEqual(list(measured["component_latency_ms"]), ["nvv4l2decoder0", "nvstreammux-src_bin_muxer", "primary_gie"])
                self.assertEqual(measured["component_latency_ms"]["primary_gie"]["median"], 18.25)
                self.assertEqual((measured["memory_mib"]["max"], measured["gpu_percent"]["median"]), (4321, 45))
                rail, milliwatts = memory[release]
                self.assertEqual(measured["power_mw"][rail]["median"], milliwatts)
                self.assertTrue(all(20 < t["median"] < 60 for t in measured["temperature_c"].values()), measured["temperature_c"])
                again = self.deploy(it, self.bundles[release])
                self.assertEqual(self.step(again, "send")["facts"], {"files": 0, "bytes": 0})
                self.deploy(it, self.bundles[release], "--uninstall")
                self.assertEqual(arm.tree(it.home), {"edet": "folder"})

    def test_engine_with_trtexec(self):
        wanted = {
            "32.7": "--onnx=model.onnx --fp16 --workspace=2048 --buildOnly",
            "35.4": "--onnx=model.onnx --fp16 --buildOnly",
            "36.4": "--onnx=model.onnx --fp16 --skipInference",
        }
        for release, options in wanted.items():
            with self.subTest(release=release):
                it = self.stand_in(release)
                report = self.deploy(it, self.bundles[release], "--run", "--engine-with", "trtexec")
                self.assertEqual(self.step(report, "engine")["facts"], {"engine": ENGINE, "built": True, "with": "trtexec"})
                self.assertEqual((it.folder / "trtexec_calls").read_text(), f"{options} --saveEngine={ENGINE}.part\n")
                self.assertEqual(self.step(report, "measure")["facts"]["loaded"], "yes")  # deepstream-app did not build one
                model = it.home / "edet/efficientdet-lite0/current/model"
                self.assertEqual([path.name for path in model.glob("*.engine*")], [ENGINE])
                again = self.deploy(it, self.bundles[release], "--run", "--engine-with", "trtexec")
                self.assertEqual(self.step(again, "engine")["state"], "unchanged")
                self.assertEqual(len((it.folder / "trtexec_calls").read_text().splitlines()), 1)

    def test_trtexec_fails(self):
        it = self.stand_in()
        (it.folder / "trtexec_fails").touch()
        message = self.deploy(it, self.bundles["35.4"], "--run", "--engine-with", "trtexec", code=ENVIRONMENT)["message"]
        self.assertIn("Could not find any implementation", message)
        self.assertEqual(list(it.home.rglob("*.engine*")), [])

    def test_without_deepstream(self):
        it = self.stand_in()
        hidden = it.folder / "bin"
        hidden.mkdir()
        (hidden / "deepstream-app").write_text("#!/bin/sh\nexit 127\n")
        (hidden / "deepstream-app").chmod(0o755)
        report = self.deploy(it, self.bundles["35.4"], "--run")
        self.assertEqual(self.step(report, "engine")["facts"]["with"], "trtexec")
        self.assertEqual(self.step(report, "measure")["facts"], {"loaded": "yes", "with": "trtexec"})
        (it.home / "edet/efficientdet-lite0/current/model" / ENGINE).write_text("of another TensorRT")
        self.assertIn("does not take the engine", self.deploy(it, self.bundles["35.4"], "--run", code=FINDINGS)["message"])

    def test_power_is_set_and_set_back(self):
        it = self.stand_in()
        for mode in ("MAXN", "0"):
            report = self.deploy(it, self.bundles["35.4"], "--run", "--power-mode", mode, "--clocks", "max")
            first, last = self.steps(report, "power")
            self.assertEqual(first["facts"], {"before": "MODE_30W_ALL", "mode": "MAXN", "clocks": "max", "refused": []})
            self.assertEqual(last["facts"], {"mode": "MODE_30W_ALL", "refused": [], "restored": True})
            self.assertEqual((self.mode(it), (it.folder / "clocks").read_text()), ("3", ""))
        # Also when the run fails, or has nothing to build.
        (it.folder / "fails").touch()
        self.deploy(it, self.bundles["35.4"], "--run", "--power-mode", "2", "--clocks", "max", code=ENVIRONMENT)
        self.assertEqual((self.mode(it), (it.folder / "clocks").read_text()), ("3", ""))
        self.assertEqual(list(it.home.rglob(".power")), [])

    def test_power_after_a_cut(self):
        it = self.stand_in()
        self.deploy(it, self.bundles["35.4"])
        # probe, power, the first start: cut before the second.
        for back in ("deploy", "--restore", "--uninstall"):
            it.cut(4, "before")
            self.deploy(it, self.bundles["35.4"], "--run", "--power-mode", "MAXN", "--clocks", "max", code=ENVIRONMENT)
            self.assertEqual((self.mode(it), (it.folder / "clocks").read_text()), ("0", "highest\n"))
            dry = self.deploy(it, self.bundles["35.4"], "--dry-run")
            self.assertTrue(self.step(dry, "platform")["facts"]["power_to_restore"])
            self.assertEqual(self.mode(it), "0")
            report = self.deploy(it, self.bundles["35.4"], *([] if back == "deploy" else [back]))
            self.assertIn("set back", self.step(report, "power")["text"])
            self.assertEqual((self.mode(it), (it.folder / "clocks").read_text()), ("3", ""))
            for engine in it.home.rglob("*.engine"):
                engine.unlink()
        self.assertEqual(arm.tree(it.home), {"edet": "folder"})
        self.deploy(it, self.bundles["35.4"])
        self.assertEqual(self.step(self.deploy(it, self.bundles["35.4"], "--restore"), "power")["state"], "unchanged")

    def test_power_is_refused(self):
        it = self.stand_in()
        (it.folder / "no_sudo").touch()
        report = self.deploy(it, self.bundles["35.4"], "--run", "--power-mode", "MAXN", "--clocks", "max")
        power = self.steps(report, "power")[0]
        self.assertEqual(power["state"], "warning")
        self.assertIn("a password is required", power["text"])
        self.assertIn("sudo nvpmodel -m 0", power["text"])
        self.assertIn("sudo jetson_clocks", power["text"])
        self.assertEqual(self.step(report, "measure")["facts"]["fps"], 30.12)
        (it.folder / "no_sudo").unlink()
        report = self.deploy(it, self.bundles["35.4"], "--run", "--power-mode", "MODE_10W")
        self.assertIn("started anew", self.steps(report, "power")[0]["text"])
        self.assertFalse((it.folder / "rebooted").exists())
        report = self.deploy(it, self.bundles["35.4"], "--run", "--power-mode", "TURBO")
        self.assertIn("no power mode TURBO; it has: 0 MAXN, 1 MODE_10W", self.steps(report, "power")[0]["text"])
        self.assertEqual(self.mode(it), "3")
        self.assertEqual(list(it.home.rglob(".power")), [])


class Parity(OnStandIns):
    """The stand-in's detections are those of `edet run` on this machine, changed in stated ways."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        model = cls.base / "street"
        run(OPTIONS.edet, "-q", "convert", STREET, "--target", "xavier-jp5", "-o", model)
        cls.street = cls.bundle(model, "xavier-jp5", "street")
        cls.video = cls.base / "clip.mp4"
        run(OPTIONS.edet, "-q", "synth", "--frames", "6", "-o", cls.video)
        run(OPTIONS.edet, "-q", "run", model / "deepstream_app.txt", cls.video, "--no-video", "--kitti", cls.base / "kitti", "-o", cls.base / "out")

    def deploy_with(self, change, *arguments, code=0):
        """Deploys onto a device whose detections are those of here, each frame's lines changed by `change(number, lines)`."""
        it = self.stand_in()
        (it.folder / "kitti").mkdir()
        for number, path in enumerate(sorted((self.base / "kitti").glob("*.txt"))):
            lines = change(number, path.read_text().splitlines())
            if lines is not None:
                (it.folder / "kitti" / path.name).write_text("".join(line + "\n" for line in lines))
        results = it.folder / "results"
        report = self.deploy(it, self.street, "--run", "--video", self.video, "--results", results, *arguments, code=code)
        self.assertEqual(json.loads((results / "result.json").read_text())["parity"], self.step(report, "parity")["facts"])
        return report, self.step(report, "parity")["facts"]

    def moved(self, line, by):
        words = line.split(" ")
        return " ".join(words[:4] + [str(float(word) + by) for word in words[4:8]] + words[8:])

    def test_the_same(self):
        report, facts = self.deploy_with(lambda number, lines: lines)
        self.assertGreater(facts["reference_objects"], 10)
        self.assertEqual((facts["frames"], facts["matched"], facts["missing"], facts["extra"]), (6, facts["reference_objects"], 0, 0))
        self.assertAlmostEqual(facts["mean_iou"], 1)
        self.assertIsNone(facts["worst_frame"])
        self.assertEqual(self.step(report, "video")["state"], "done")

    def test_a_little_different(self):
        _, facts = self.deploy_with(lambda number, lines: [self.moved(line, 0.5) for line in lines])
        self.assertEqual((facts["missing"], facts["extra"], facts["agreement"]), (0, 0, 1))
        self.assertLess(facts["mean_iou"], 1)

    def test_boxes_are_missing(self):
        report, facts = self.deploy_with(lambda number, lines: lines[1:] if number == 2 else lines, "--min-agreement", "1", code=FINDINGS)
        self.assertEqual((facts["missing"], facts["extra"], facts["worst_frame"]["file"]), (1, 0, "00_000_000002.txt"))
        self.assertIn("1 missing", report["message"])

    def test_classes_are_shifted(self):
        labels = (STREET / "labels.txt").read_text().split("\n")[:6]
        shifted = dict(zip(labels, labels[1:] + labels[:1]))
        _, facts = self.deploy_with(lambda number, lines: [" ".join([shifted[line.split(" ")[0]], *line.split(" ")[1:]]) for line in lines], code=FINDINGS)
        self.assertEqual((facts["matched"], facts["other_class"]), (0, facts["reference_objects"]))

    def test_boxes_are_elsewhere(self):
        _, facts = self.deploy_with(lambda number, lines: [self.moved(line, 400) for line in lines], code=FINDINGS)
        self.assertEqual(facts["matched"] + facts["missing"], facts["reference_objects"])
        self.assertLess(facts["agreement"], 0.5)

    def test_a_frame_is_absent(self):
        _, facts = self.deploy_with(lambda number, lines: None if number == 5 else lines, "--min-agreement", "1", code=FINDINGS)
        self.assertEqual((facts["absent_frames"], facts["worst_frame"]["file"]), (1, "00_000_000005.txt"))

    def test_table(self):
        it = self.stand_in()
        shown = subprocess.run(
            [OPTIONS.edet, "deploy", self.street, "device", "--ssh-config", it.config, "--run", "--video", self.video, "--reference-frames", "2", "--min-agreement", "0"],
            capture_output=True, text=True, check=True,
        ).stdout
        for line in (r"(?m)^ +latency of a frame +40\.25 ", r"(?m)^ +primary_gie +18\.25 ", r"(?m)^ +memory in use +4100\.00 ", r"(?m)^parity +done ", r"(?m)^ +frames 2 compared"):
            self.assertRegex(shown, line)


# Its tests run once, not again in the class that is made of it.
for _name in [name for name in vars(OnStandIns) if name.startswith("test_")]:
    setattr(Parity, _name, None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edet", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--debian11", type=pathlib.Path)
    OPTIONS, rest = parser.parse_known_args()
    OPTIONS.work = OPTIONS.work.resolve()
    OPTIONS.edet = OPTIONS.edet.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
