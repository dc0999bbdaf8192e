#!/usr/bin/env python3
"""A bundle on a device, as far as that goes without one: unpacked, built, installed, upset and removed, with the parser
library for 64-bit Arm really run (under qemu).

    bundle_test.py --edet PROGRAM --work FOLDER [--debian11 FOLDER]
"""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import arm


class OnADevice(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.base = pathlib.Path(tempfile.mkdtemp(prefix="edet-bundle-"))
        cls.addClassCleanup(shutil.rmtree, cls.base)
        cls.launcher = arm.launcher(OPTIONS.debian11)
        cls.library = arm.build_library(OPTIONS.work / "aarch64")
        cls.model = arm.convert(OPTIONS.edet, cls.base / "model", target="xavier-jp5")
        cls.other_labels = cls.base / "other"
        shutil.copytree(cls.model, cls.other_labels)
        (cls.other_labels / "labels.txt").write_text("one\ntwo\nthree\n")
        cls.bundle = cls.make(cls.model, "a.tar.gz")
        cls.unpacked = cls.unpack(cls.bundle, cls.base / "a")

    @classmethod
    def make(cls, model, name, *more):
        path = cls.base / name
        subprocess.run([OPTIONS.edet, "-q", "bundle", model, "--target", "xavier-jp5", "--parser-library", cls.library, "-o", path, *more], check=True)
        return path

    @classmethod
    def unpack(cls, bundle, folder):
        folder.mkdir()
        subprocess.run(["tar", "-xf", bundle, "-C", folder], check=True)
        return next(folder.iterdir())

    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(dir=self.base))
        self.dir = self.scratch / "device"
        # A stand-in: this machine says that it is the device's.
        commands = self.scratch / "bin"
        commands.mkdir()
        (commands / "uname").write_text("#!/bin/sh\necho aarch64\n")
        (commands / "uname").chmod(0o755)
        self.environment = {"PATH": f"{commands}:{os.environ['PATH']}", "HOME": str(self.scratch), "EDET_LAUNCHER": self.launcher}

    def script(self, path, *arguments, code=0, **environment):
        """Runs a script of the bundle with dash, as L4T's /bin/sh; its output."""
        shell = shutil.which("dash") or "sh"
        done = subprocess.run([shell, path, *arguments], env={**self.environment, **environment}, capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def install(self, *arguments, folder=None, **more):
        return self.script((folder or self.unpacked) / "install.sh", *arguments, self.dir, **more)

    def current(self):
        self.assertTrue((self.dir / "current").is_symlink())
        return os.readlink(self.dir / "current")

    def test_hashes_are_those_of_sha256sum(self):
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=self.unpacked, check=True)
        listed = [line.split("  ", 1)[1] for line in (self.unpacked / "SHA256SUMS").read_text().splitlines()]
        present = [str(p.relative_to(self.unpacked)) for p in self.unpacked.rglob("*") if p.is_file()]
        self.assertEqual(sorted(listed + ["SHA256SUMS"]), sorted(present))
        for file in json.loads((self.unpacked / "MANIFEST.json").read_text())["files"]:
            content = (self.unpacked / file["path"]).read_bytes()
            self.assertEqual((file["bytes"], file["sha256"]), (len(content), hashlib.sha256(content).hexdigest()), file["path"])

    def test_same_input_same_bytes(self):
        moved = self.scratch / "elsewhere"
        shutil.copytree(self.model, moved)
        for path in moved.rglob("*"):
            os.utime(path, (0, 0))
        for ending in ("tar.gz", "tar.zst", "tar"):
            first, second = self.make(self.model, f"1.{ending}"), self.make(moved, f"2.{ending}")
            self.assertEqual(first.read_bytes(), second.read_bytes(), ending)

    def test_zstd_is_what_tar_reads(self):
        if shutil.which("zstd") is None:
            self.skipTest("no zstd")
        folder = self.unpack(self.make(self.model, "z.tar.zst"), self.scratch / "z")
        self.assertEqual(arm.tree(folder), arm.tree(self.unpacked))

    def test_scripts_pass_shellcheck(self):
        if shutil.which("shellcheck") is None:
            self.skipTest("no shellcheck")
        subprocess.run(["shellcheck", "install.sh", "run.sh", "uninstall.sh"], cwd=self.unpacked, check=True)

    def test_source_builds_with_make_and_g_plus_plus_alone(self):
        library = arm.build_library(self.scratch / "built", self.unpacked / "source")
        done = subprocess.run([*self.launcher.split(), library], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("version 0.", done.stdout)
        self.assertIn("pass", done.stdout)

    def test_install_twice_changes_nothing(self):
        self.assertIn("ready", self.install())
        before = arm.tree(self.dir)
        self.assertIn("nothing to do", self.install())
        self.assertEqual(arm.tree(self.dir), before)
        self.assertIn("pass", (self.dir / self.current() / ".load_test").read_text())

    def test_uninstall_leaves_nothing(self):
        self.install()
        (self.dir / "current/model/model.onnx_b1_gpu0_fp16.engine").write_text("an engine")
        self.script(self.dir / "current/uninstall.sh")
        self.assertFalse(self.dir.exists())

    def test_uninstall_keeps_what_is_not_ours(self):
        self.install()
        (self.dir / "mine.txt").write_text("x")
        self.assertIn("other files", self.script(self.dir / "current/uninstall.sh"))
        self.assertEqual(arm.tree(self.dir), {"mine.txt": b"x"})
        self.script(self.unpacked / "uninstall.sh", self.dir, code=2)
        self.assertEqual(arm.tree(self.dir), {"mine.txt": b"x"})

    def test_foreign_folder_is_left_alone(self):
        self.dir.mkdir()
        (self.dir / "releases").mkdir()
        self.assertIn("not of an edet bundle", self.install(code=5))
        self.assertEqual(arm.tree(self.dir), {"releases": "folder"})

    def test_change_and_rollback(self):
        self.install()
        first = self.current()
        engine = "model/model.onnx_b1_gpu0_fp16.engine"
        (self.dir / first / engine).write_text("an engine")
        other = self.unpack(self.make(self.other_labels, "b.tar.gz"), self.scratch / "b")
        self.install(folder=other)
        second = self.current()
        self.assertNotEqual(first, second)
        self.assertEqual((self.dir / "current/model/labels.txt").read_text(), "one\ntwo\nthree\n")
        self.assertEqual((self.dir / "current" / engine).read_text(), "an engine")  # the model is the same
        self.install("--rollback")
        self.assertEqual(self.current(), first)
        self.install("--rollback")
        self.assertEqual(self.current(), second)

    def test_nothing_to_roll_back_to(self):
        self.install()
        before = self.current()
        self.install("--rollback", code=4)
        self.assertEqual(self.current(), before)

    def test_old_releases_go(self):
        for number in range(4):
            (self.other_labels / "labels.txt").write_text(f"a{number}\nb\nc\n")
            folder = self.unpack(self.make(self.other_labels, f"c{number}.tar.gz"), self.scratch / f"c{number}")
            self.install(folder=folder)
        self.assertEqual(len(list((self.dir / "releases").iterdir())), 2)
        self.assertEqual((self.dir / "previous/model/labels.txt").read_text(), "a2\nb\nc\n")

    def test_damaged_bundle_is_refused(self):
        copy = self.scratch / "copy"
        shutil.copytree(self.unpacked, copy)
        self.install()
        before = arm.tree(self.dir)
        with open(copy / "model/labels.txt", "a") as file:
            file.write("x")
        self.assertIn("damaged", self.install(folder=copy, code=3))
        self.assertEqual(arm.tree(self.dir), before)

    def test_damaged_release_is_replaced(self):
        self.install()
        first = self.current()
        (self.dir / first / "model/labels.txt").write_text("x")
        self.install()
        self.assertNotEqual(self.current(), first)
        self.assertEqual((self.dir / "current/model/labels.txt").read_text(), "person\ncar\ndog\n")

    def test_failing_library_changes_nothing(self):
        self.install()
        before = arm.tree(self.dir)
        other = self.unpack(self.make(self.other_labels, "f.tar.gz"), self.scratch / "f")
        self.assertIn("fails its test", self.install(folder=other, code=4, EDET_LAUNCHER="false"))
        self.assertEqual(arm.tree(self.dir), before)

    def test_wrong_machine_is_refused(self):
        self.assertIn("aarch64", self.install(code=4, PATH=os.environ["PATH"]))
        self.assertFalse((self.dir / "current").exists())

    def test_built_on_the_device(self):
        if shutil.which("aarch64-linux-gnu-g++") is None:
            self.skipTest("no cross compiler")
        self.install("--build", CXX="aarch64-linux-gnu-g++", CXXFLAGS="-O0", MAKEFLAGS=f"-j{os.cpu_count()}")
        self.assertTrue(self.current().endswith("-built"))
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=self.dir / "current", check=True)
        self.assertIn("nothing to do", self.install("--build", CXX="aarch64-linux-gnu-g++"))

    def test_stopped_at_any_moment_current_is_whole(self):
        """The install is killed after N of the commands that change something; `current` passes its check each time."""
        other = self.unpack(self.make(self.other_labels, "k.tar.gz"), self.scratch / "k")
        counter = self.scratch / "counter"
        for command in ("cp", "mv", "ln", "mkdir", "rm", "sync"):
            path = self.scratch / "bin" / command
            path.write_text(f'#!/bin/sh\nn=$(cat {counter}); echo $((n - 1)) >{counter}\n[ "$n" -gt 0 ] || kill -9 $PPID\nexec {shutil.which(command)} "$@"\n')
            path.chmod(0o755)
        counter.write_text("1000")
        self.install()
        first = self.current()
        shell = shutil.which("dash") or "sh"
        before = self.scratch / "before"
        shutil.copytree(self.dir, before, symlinks=True)
        for steps in range(1, 60):
            shutil.rmtree(self.dir)
            shutil.copytree(before, self.dir, symlinks=True)
            counter.write_text(str(steps))
            done = subprocess.run([shell, other / "install.sh", self.dir], env=self.environment, capture_output=True)
            counter.write_text("1000")
            subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=self.dir / "current", check=True)
            if done.returncode == 0:
                break
            self.assertIn(done.returncode, (-9, 137), done.stderr)
            self.install(folder=other)  # the next run ends what was begun
            self.assertNotEqual(self.current(), first)
        self.assertGreater(steps, 10)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotEqual(self.current(), first)

    def test_run_starts_deepstream_with_this_configuration(self):
        self.install()
        stand_in = self.scratch / "bin/deepstream-app"
        stand_in.write_text('#!/bin/sh\necho "$@"\n')
        stand_in.chmod(0o755)
        shown = self.script(self.dir / "current/run.sh", "-i", "file:///a b.mp4")
        config = (self.dir / "current").resolve() / "model/deepstream_app.txt"
        self.assertEqual(shown, f"-c {config} -i file:///a b.mp4\n")
        stand_in.unlink()
        self.assertIn("install DeepStream", self.script(self.dir / "current/run.sh", code=4))


class RefusedBundles(unittest.TestCase):
    """One line that says what is wrong, and no file."""

    @classmethod
    def setUpClass(cls):
        cls.base = pathlib.Path(tempfile.mkdtemp(prefix="edet-bundle-"))
        cls.addClassCleanup(shutil.rmtree, cls.base)
        cls.model = arm.convert(OPTIONS.edet, cls.base / "model")

    def refused(self, code, mentions, *arguments):
        out = self.base / "out.tar.gz"
        done = subprocess.run([OPTIONS.edet, "bundle", *arguments, "-o", out], capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(mentions, done.stderr)
        self.assertFalse(out.exists())

    def test_what_is_wrong(self):
        library = self.model / "libnvdsinfer_efficientdet.so"
        self.refused(2, "did you mean 'xavier-jp5'", self.model, "--target", "xavier-jp55")
        self.refused(2, "--target", self.model)
        self.refused(3, "edet.json", self.base, "--target", "xavier-jp5")
        self.refused(3, "x86_64", self.model, "--target", "xavier-jp5", "--parser-library", library)
        arm_library = arm.build_library(OPTIONS.work / "aarch64")
        self.refused(3, "EfficientNMS_TRT", self.model, "--target", "xavier-jp4.5", "--parser-library", arm_library)
        self.refused(3, "", self.model, "--target", "xavier-jp5", "--parser-library", self.model / "labels.txt")

    def test_x86(self):
        out = self.base / "x86.tar.gz"
        subprocess.run([OPTIONS.edet, "-q", "bundle", self.model, "--target", "dgpu-6.3", "-o", out], check=True)
        self.assertGreater(out.stat().st_size, 100000)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edet", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--debian11", type=pathlib.Path)
    OPTIONS, rest = parser.parse_known_args()
    OPTIONS.work = OPTIONS.work.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
