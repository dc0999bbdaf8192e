#!/usr/bin/env python3
"""`edet deploy` over a real sshd on loopback, onto a stand-in device (device.py, stand_in/).

    deploy_test.py --edet PROGRAM --work FOLDER [--debian11 FOLDER]
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import arm
import device

ENVIRONMENT, FINDINGS = 4, 1


class Deployment(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.base = pathlib.Path(tempfile.mkdtemp(prefix="edet-deploy-"))
        cls.addClassCleanup(shutil.rmtree, cls.base)
        cls.launcher = arm.launcher(OPTIONS.debian11)
        cls.library = arm.build_library(OPTIONS.work / "aarch64")
        model = arm.convert(OPTIONS.edet, cls.base / "model", target="xavier-jp5")
        cls.a = cls.bundle(model, "a.tar.zst")
        (model / "labels.txt").write_text("one\ntwo\nthree\n")
        cls.b = cls.bundle(model, "b.tar.gz")
        cls.c = cls.bundle(arm.convert(OPTIONS.edet, cls.base / "other", seed=2, target="xavier-jp5"), "c.tar")

    @classmethod
    def bundle(cls, model, name):
        path = cls.base / name
        subprocess.run([OPTIONS.edet, "-q", "bundle", model, "--target", "xavier-jp5", "--parser-library", cls.library, "-o", path], check=True)
        return path

    def setUp(self):
        self.device = device.Device(self.launcher)
        self.addCleanup(self.device.close)
        self.dir = self.device.home / "edet/efficientdet-lite0"

    def deploy(self, bundle, *arguments, code=0, to="device"):
        """Runs it and gives its report; `code`: the exit code that it must have, None for any."""
        command = [OPTIONS.edet, "deploy", bundle, to, "--json", "--ssh-config", self.device.config, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, "TMPDIR": str(self.device.folder)})
        if code is not None:
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        if done.returncode != 0:
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertTrue(done.stderr.startswith("edet: "))
        self.assertEqual(list(self.device.folder.glob("edet-ssh-*")), [])
        report = json.loads(done.stdout)
        self.assertEqual(report["ok"], done.returncode == 0)
        report["exit_code"] = done.returncode
        report["message"] = done.stderr
        return report

    def step(self, report, name):
        return next(step for step in report["steps"] if step["step"] == name)

    def current_is_whole(self):
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=self.dir / "current", check=True)

    def labels(self):
        return (self.dir / "current/model/labels.txt").read_text()

    def test_fresh_again_changed_and_back(self):
        report = self.deploy(self.a)
        self.assertEqual([(s["step"], s["state"]) for s in report["steps"]], [(n, "done") for n in ("connect", "platform", "compare", "send", "install")])
        facts = self.step(report, "platform")["facts"]
        expected = {"arch": "aarch64", "l4t": "35.4.1", "deepstream": "6.3.0", "tensorrt": "8.5.2", "cuda": "11.4", "glibc": "2.31", "power_mode": "MODE_30W_ALL", "directory": str(self.dir)}
        self.assertEqual({key: facts[key] for key in expected}, expected)
        self.assertGreater(self.step(report, "send")["facts"]["bytes"], 6_500_000)
        self.current_is_whole()
        self.assertIn("pass", (self.dir / "current/.load_test").read_text())  # the library ran, as Arm code
        self.assertFalse((self.dir / "incoming").exists())

        before = arm.tree(self.dir)
        report = self.deploy(self.a)
        self.assertEqual(self.step(report, "send")["facts"], {"files": 0, "bytes": 0})
        self.assertEqual((self.step(report, "send")["state"], self.step(report, "install")["state"]), ("unchanged", "unchanged"))
        self.assertEqual(arm.tree(self.dir), before)

        # Other labels: they and the two lists go over the line, not the model.
        report = self.deploy(self.b)
        self.assertEqual(self.step(report, "send")["facts"]["files"], 3)
        self.assertLess(self.step(report, "send")["facts"]["bytes"], 50_000)
        self.assertEqual(self.labels(), "one\ntwo\nthree\n")
        self.current_is_whole()

        # Back to the first: nothing of it is current, but its files are nearly all there.
        self.deploy(self.a, "--rollback")
        self.assertEqual(self.labels(), "person\ncar\ndog\n")
        self.current_is_whole()

        report = self.deploy(self.c)  # other weights
        self.assertGreater(self.step(report, "send")["facts"]["bytes"], 6_000_000)
        self.current_is_whole()
        self.assertEqual(len(list((self.dir / "releases").iterdir())), 2)

        self.deploy(self.a, "--uninstall")
        self.assertFalse(self.dir.exists())
        self.assertEqual(arm.tree(self.device.home), {"edet": "folder"})

    def test_folder_of_ones_own(self):
        self.dir = self.device.home / "a b'c"
        self.deploy(self.b, to=f"device:{self.dir}")
        self.current_is_whole()
        self.deploy(self.b, "--uninstall", to="device:a b'c")  # relative to the home folder
        self.assertEqual(arm.tree(self.device.home), {})

    def test_dry_run_changes_nothing(self):
        report = self.deploy(self.a, "--dry-run")
        self.assertEqual(self.step(report, "send")["state"], "planned")
        self.assertEqual(arm.tree(self.device.home), {})
        self.deploy(self.a)
        before = arm.tree(self.device.home)
        for flags in (["--dry-run"], ["--dry-run", "--uninstall"]):
            self.deploy(self.b, *flags)
            self.assertEqual(arm.tree(self.device.home), before)

    def test_wrong_platform(self):
        for release, name in (("36.4", "orin-jp6"), ("32.7", "xavier-jp4.6")):
            self.device.set_release(release)
            report = self.deploy(self.a, code=FINDINGS)
            self.assertIn(f"L4T {release}", report["message"])
            self.assertIn(name, report["message"])
            self.assertEqual(arm.tree(self.device.home), {})
        report = self.deploy(self.a, "--any-platform")
        self.assertIn("warning", [step["state"] for step in report["steps"]])
        self.current_is_whole()

    def test_no_jetson(self):
        (self.device.folder / "etc/nv_tegra_release").unlink()
        self.assertIn("no Jetson", self.deploy(self.a, code=FINDINGS)["message"])

    def test_host_key(self):
        self.device.new_host_key()
        self.assertIn("not the one that is known", self.deploy(self.a, code=ENVIRONMENT)["message"])
        (self.device.folder / "known").write_text("")
        self.assertIn("unknown", self.deploy(self.a, code=ENVIRONMENT)["message"])
        # The user's own configuration cannot switch the check off.
        with open(self.device.config, "a") as config:
            config.write("  StrictHostKeyChecking no\n")
        self.assertIn("unknown", self.deploy(self.a, code=ENVIRONMENT)["message"])
        self.assertEqual(self.device.commands(), 0)

    def test_key_not_accepted(self):
        (self.device.folder / "authorized").write_text("")
        self.assertIn("does not accept your key", self.deploy(self.a, code=ENVIRONMENT)["message"])

    def test_nobody_there(self):
        self.device.stop()
        self.assertIn("nothing listens", self.deploy(self.a, code=ENVIRONMENT)["message"])
        self.device.start()

    def test_library_that_fails_there(self):
        self.deploy(self.a)
        before = arm.tree(self.dir)
        self.device.set_launcher("false")
        self.assertIn("fails its test", self.deploy(self.b, code=ENVIRONMENT)["message"])
        after = {name: what for name, what in arm.tree(self.dir).items() if not name.startswith("incoming")}
        self.assertEqual(after, before)
        self.device.set_launcher(self.launcher)
        self.assertEqual(self.step(self.deploy(self.b), "send")["facts"]["bytes"], 0)  # it had come already
        self.assertEqual(self.labels(), "one\ntwo\nthree\n")

    def test_damaged_on_the_device(self):
        self.deploy(self.a)
        for name in ("model/model.onnx", "install.sh"):
            with open((self.dir / "current").resolve() / name, "ab") as file:
                file.write(b"x")
        report = self.deploy(self.a)
        self.assertEqual(self.step(report, "send")["facts"]["files"], 2)
        self.current_is_whole()

    def test_cut_off_at_every_command(self):
        """The connection is cut before, and in the middle of, each command: `current` is whole each time, and a further
        run ends what was begun."""
        self.deploy(self.a)
        before = self.device.commands()
        self.deploy(self.c)
        commands = self.device.commands() - before
        self.assertGreaterEqual(commands, 6)
        self.assertLess(commands, 20)
        sums = {bundle: subprocess.run(["tar", "-xOf", bundle, "--wildcards", "*/SHA256SUMS"], capture_output=True, check=True).stdout for bundle in (self.a, self.c)}
        for number in range(2 * commands):
            old, new = (self.c, self.a) if number % 2 == 0 else (self.a, self.c)
            how, count = ("before", "middle")[number // commands], number % commands + 1
            with self.subTest(how=how, count=count):
                self.device.cut(count, how)
                self.assertIn("broke off", self.deploy(new, code=ENVIRONMENT)["message"])
                self.current_is_whole()
                # Cut after its last words, a switch has been made already.
                self.assertIn((self.dir / "current/SHA256SUMS").read_bytes(), (sums[old], sums[new]))
                self.deploy(new)
                self.current_is_whole()
                self.assertEqual((self.dir / "current/SHA256SUMS").read_bytes(), sums[new])
                self.assertNotIn("incoming", os.listdir(self.dir))

    def test_resumes_in_the_middle_of_a_file(self):
        whole = self.step(self.deploy(self.a, "--dry-run"), "send")["facts"]["bytes"]
        self.device.cut(5, "middle")  # probe, have, the small files, the first slice of the model: the second is cut
        self.deploy(self.a, code=ENVIRONMENT)
        sent = next(self.dir.glob("incoming/files/*.part")).stat().st_size
        self.assertGreater(sent, 4 << 20)
        self.assertLess(sent, 8 << 20)
        self.assertLess(self.step(self.deploy(self.a), "send")["facts"]["bytes"], whole - sent)
        self.current_is_whole()

    def test_stopped_by_a_signal(self):
        """No connection and no folder stays behind; what was current still is, and the next run goes on."""
        self.deploy(self.a)
        for number in (signal.SIGINT, signal.SIGTERM):
            (self.device.folder / "bin").mkdir(exist_ok=True)
            slow = self.device.folder / "bin/df"  # asked for once: it waits for the signal there
            slow.write_text(f"#!/bin/sh\ntouch {self.device.folder}/waiting\nexec sleep 20\n")
            slow.chmod(0o755)
            command = [OPTIONS.edet, "deploy", self.c, "device", "--ssh-config", self.device.config]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(self.device.folder)})
            while not (self.device.folder / "waiting").exists():
                self.assertIsNone(process.poll())
                time.sleep(0.02)
            sockets = list(self.device.folder.glob("edet-ssh-*/s"))
            self.assertEqual(len(sockets), 1)
            process.send_signal(number)
            self.assertEqual(process.wait(10), -number)
            self.assertEqual(list(self.device.folder.glob("edet-ssh-*")), [])
            for _ in range(100):  # the master has the signal, and ends soon
                masters = subprocess.run(["pgrep", "-f", "--", str(sockets[0])], capture_output=True, text=True).stdout
                if not masters:
                    break
                time.sleep(0.05)
            self.assertEqual(masters, "")
            self.current_is_whole()
            slow.unlink()
            (self.device.folder / "waiting").unlink()
        self.deploy(self.c)

    def test_engine_is_built_once_and_measured(self):
        results = self.base / "results"
        report = self.deploy(self.a, "--run", "--results", results)
        engine = self.step(report, "engine")
        self.assertEqual((engine["state"], engine["facts"]["built"]), ("done", True))
        self.assertTrue((self.dir / "current/model" / "model.onnx_b1_gpu0_fp16.engine").exists())
        measured = self.step(report, "measure")["facts"]
        self.assertEqual([measured[key] for key in ("fps", "frames", "objects", "loaded")], [30.12, 2, 2, "yes"])
        self.assertEqual((measured["memory_mib"]["max"], measured["memory_mib"]["median"]), (4321, 4100))
        self.assertEqual(sorted(p.name for p in (results / "kitti").iterdir()), ["00_000_000000.txt", "00_000_000001.txt"])
        self.assertIn("App run successful", (results / "run/deepstream-app.log").read_text())
        self.assertEqual(self.step(self.deploy(self.a, "--run"), "engine")["state"], "unchanged")
        # Other labels, same model: the engine goes over to the new release.
        self.assertEqual(self.step(self.deploy(self.b, "--run"), "engine")["state"], "unchanged")
        self.assertEqual(self.step(self.deploy(self.c, "--run"), "engine")["state"], "done")
        self.deploy(self.a, "--uninstall")
        self.assertFalse(self.dir.exists())

    def test_engine_that_is_built_at_every_start(self):
        (self.device.folder / "rebuilds").touch()
        self.assertIn("builds the engine again", self.deploy(self.a, "--run", code=FINDINGS)["message"])

    def test_run_that_fails(self):
        (self.device.folder / "fails").touch()
        self.assertIn("Could not open custom lib", self.deploy(self.a, "--run", code=ENVIRONMENT)["message"])
        self.current_is_whole()

    def test_full_disk(self):
        mount = self.device.home / "small"
        mount.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=28m", "tmpfs", mount], capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest("cannot mount a small file system here: " + done.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", mount], check=True)
        self.dir = mount / "edet"
        to = f"device:{self.dir}"
        self.deploy(self.a, to=to)
        report = self.deploy(self.c, to=to, code=ENVIRONMENT)
        self.assertIn("free", report["message"])
        self.current_is_whole()
        # A device that claims to have room: the writing itself fails.
        df = self.device.folder / "bin"
        df.mkdir()
        (df / "df").write_text("#!/bin/sh\necho header\necho x 9999999 0 9999999 0 x\n")
        (df / "df").chmod(0o755)
        ballast = mount / "ballast"
        ballast.write_bytes(bytes(18 << 20))
        report = self.deploy(self.c, to=to, code=ENVIRONMENT)
        self.assertIn("No space left", report["message"])
        self.current_is_whole()
        ballast.unlink()
        self.deploy(self.c, to=to)
        self.current_is_whole()

    def test_fleet(self):
        """Two devices at once, one of them of another platform: it fails, the other is served."""
        other = device.Device(self.launcher, release="36.4")
        self.addCleanup(other.close)
        config = self.base / "fleet_config"
        config.write_text(self.device.config.read_text() + other.config.read_text().replace("Host device", "Host other"))
        hosts = self.base / "hosts"
        hosts.write_text("# the fleet\n\n device \nother:/tmp/never\n")
        command = [OPTIONS.edet, "deploy", self.a, "--hosts", hosts, "--ssh-config", config]
        done = subprocess.run([*command, "--json"], capture_output=True, text=True)
        self.assertEqual(done.returncode, ENVIRONMENT, done.stderr)
        self.assertIn("1 of 2 devices failed", done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual([(d["device"], d["ok"]) for d in report["devices"]], [("device", True), ("other:/tmp/never", False)])
        self.assertIn("orin-jp6", report["devices"][1]["error"])
        self.current_is_whole()
        self.assertFalse(os.path.exists("/tmp/never"))
        shown = subprocess.run(command, capture_output=True, text=True).stdout
        self.assertRegex(shown, r"(?m)^device +ok ")
        self.assertRegex(shown, r"(?m)^other:/tmp/never +FAILED ")
        for content, mentions in (("", "no device"), ("device\ndevice\n", "twice"), ("-x\n", "hosts:1")):
            hosts.write_text(content)
            done = subprocess.run(command, capture_output=True, text=True)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn(mentions, done.stderr)

    def test_doctor(self):
        command = [OPTIONS.edet, "doctor", "--target", "device:/tmp", "--ssh-config", self.device.config]
        done = subprocess.run([*command, "--json"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual((report["l4t"], report["platforms"], report["ready"]), ("35.4.1", ["xavier-jp5", "orin-jp5"], True))
        self.assertRegex(subprocess.run(command, capture_output=True, text=True).stdout, r"(?m)^  TensorRT +8\.5\.2$")
        self.device.stop()
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (ENVIRONMENT, 1))
        self.device.start()

    def test_not_a_bundle(self):
        for content in (b"", b"not an archive", self.a.read_bytes()[:-100000]):
            path = self.base / "bad.tar.zst"
            path.write_bytes(content)
            done = subprocess.run([OPTIONS.edet, "deploy", path, "device", "--ssh-config", self.device.config], capture_output=True, text=True)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1)
        for odd in ("-oProxyCommand=touch x", "", "a b"):
            done = subprocess.run([OPTIONS.edet, "deploy", self.a, "--", odd], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(self.device.commands(), 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edet", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--debian11", type=pathlib.Path)
    OPTIONS, rest = parser.parse_known_args()
    OPTIONS.work = OPTIONS.work.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
